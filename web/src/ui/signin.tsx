import { useSignal } from '@preact/signals';
import { signIn } from '../model/live';
import * as s from '../model/state';
import { ApiError } from '../net/api';
import { Logo } from './icons';

/** For who has no session: one field, one button, and where a token comes from. */
export function SignIn() {
  const token = useSignal('');
  const busy = useSignal(false);
  const problem = useSignal<string | null>(null);
  const state = s.session.value;
  const submit = async (event: Event) => {
    event.preventDefault();
    const value = token.value.trim();
    if (value === '') {
      problem.value = 'Paste a token first.';
      return;
    }
    busy.value = true;
    problem.value = null;
    try {
      await signIn(value);
      token.value = '';
    } catch (error) {
      problem.value =
        error instanceof ApiError && (error.status === 401 || error.status === 403)
          ? 'The server does not know this token, or it was revoked.'
          : error instanceof Error
            ? error.message
            : 'That did not work.';
    }
    busy.value = false;
  };
  return (
    <div class="gate">
      <form class="gate-card" onSubmit={submit} aria-labelledby="gate-title">
        <Logo />
        <h1 id="gate-title">Sign in to LetsHang</h1>
        <p class="muted">See which friends are free and near, now.</p>
        {state.kind === 'signedOut' && state.message && <p class="problem">{state.message}</p>}
        <label class="field labelled">
          <span>Your token</span>
          <input
            type="password"
            name="token"
            autocomplete="current-password"
            spellcheck={false}
            value={token.value}
            aria-invalid={problem.value !== null}
            aria-describedby="gate-help"
            onInput={(e) => {
              token.value = e.currentTarget.value;
            }}
          />
        </label>
        {problem.value && (
          <p class="problem" role="alert">
            {problem.value}
          </p>
        )}
        <button type="submit" class="button primary grow" disabled={busy.value}>
          {busy.value ? 'Signing in…' : 'Sign in'}
        </button>
        <p id="gate-help" class="gate-help">
          Whoever runs this server makes one with <code>letshang token NAME</code>. This page does not keep
          it: a cookie that only the server can read does.
        </p>
      </form>
    </div>
  );
}

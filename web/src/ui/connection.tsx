import { connection } from '../model/live';
import * as s from '../model/state';
import { closeSentence } from '../net/backoff';

/** The small light beside the name. */
export function Status() {
  const state = s.link.value;
  const live = s.welcomed.value;
  const word = live
    ? s.degraded.value
      ? 'Degraded'
      : 'Live'
    : state.kind === 'open' || (state.kind === 'connecting' && !s.lost.value)
      ? 'Connecting'
      : 'Offline';
  return (
    <span
      class={`status status-${word.toLowerCase()}`}
      role="status"
      title={s.degraded.value ? `Suspended: ${s.degraded.value}` : undefined}
    >
      <span class="status-light" aria-hidden="true" />
      {word}
    </span>
  );
}

/** Said only once the connection has been away for two seconds. */
export function Banner() {
  if (!s.lost.value || s.session.value.kind === 'signedOut') return null;
  const state = s.link.value;
  const wait = state.kind === 'waiting' ? Math.max(0, Math.ceil((state.retryAt - s.now.value) / 1000)) : 0;
  return (
    <div class="banner" role="alert">
      <span class="banner-light" aria-hidden="true" />
      {state.kind === 'stopped' ? (
        <p>
          <strong>Disconnected.</strong> {closeSentence(state.code)}
        </p>
      ) : (
        <p>
          <strong>Connection lost.</strong>{' '}
          {state.kind === 'waiting' && wait > 0 ? `Reconnecting in ${wait} s` : 'Reconnecting…'}
        </p>
      )}
      <button type="button" class="button small" onClick={() => connection.retry()}>
        {state.kind === 'stopped' ? 'Reconnect' : 'Retry now'}
      </button>
    </div>
  );
}

export function Toasts() {
  return (
    <div class="toasts" aria-live="polite">
      {s.toasts.value.map((t) => (
        <p key={t.id} class={`toast toast-${t.tone}`}>
          {t.text}
        </p>
      ))}
    </div>
  );
}

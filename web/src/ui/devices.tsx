import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ours } from '../model/circle';
import * as s from '../model/state';
import { api } from '../net/api';
import type { Token } from '../net/wire';
import { date, kindWords } from '../text/words';
import { Chips, Confirm, Problem, useTask } from './dialog';
import { Carry } from './qr';

/** Everything that is signed in as me, this browser marked. */
export function DevicesPage() {
  const tokens = useSignal<Token[] | null>(null);
  const { busy, problem, run } = useTask();
  const now = s.now.value;
  const refresh = async () => {
    const all = (await api.tokens()).tokens;
    tokens.value = all.sort((a, b) => Number(b.current) - Number(a.current) || b.created - a.created);
  };
  useEffect(() => void run(refresh), []);
  return (
    <>
      <section class="part">
        <p class="muted">
          Each device has a token of its own. A revoked one is signed out at once, everywhere.
        </p>
        <ul class="lines" data-list="tokens">
          {(tokens.value ?? []).map((t) => (
            <li key={t.id}>
              <span class="line-main">
                <span>
                  <bdi class="name">{t.device}</bdi>
                  {t.current && <span class="tag">This browser</span>}
                </span>
                <span class="line-sub">
                  {[
                    kindWords(t.kind),
                    `since ${date(ours(t.created) ?? 0, now)}`,
                    t.expires ? `until ${date(ours(t.expires) ?? 0, now)}` : '',
                  ]
                    .filter(Boolean)
                    .join(' · ')}
                </span>
              </span>
              {!t.current && (
                <button
                  type="button"
                  class="button small"
                  disabled={busy.value}
                  aria-label={`Revoke ${t.device}`}
                  onClick={() =>
                    void run(async () => {
                      await api.revoke(t.id);
                      await refresh();
                    })
                  }
                >
                  Revoke
                </button>
              )}
            </li>
          ))}
        </ul>
        {tokens.value === null && <p class="muted">Asking the server…</p>}
        <Problem text={problem.value} />
      </section>
      <section class="part stack">
        <button
          type="button"
          class="button primary"
          onClick={() => {
            s.page.value = { at: 'addPhone', from: 'devices' };
          }}
        >
          Add my phone
        </button>
        <button
          type="button"
          class="button"
          onClick={() => {
            s.page.value = { at: 'addDevice' };
          }}
        >
          Add a device
        </button>
        <Confirm
          label="Sign out everywhere else"
          question="Every other device and browser of yours is signed out at once. Phone apps need new tokens."
          yes="Sign out the others"
          busy={busy.value}
          onYes={() =>
            void run(async () => {
              await api.revokeOthers();
              await refresh();
            })
          }
        />
      </section>
    </>
  );
}

const KINDS = [
  ['device', 'Reports only'],
  ['full', 'Everything'],
] as const;

/** A new token: shown once, to be carried to the device. */
export function AddDevicePage() {
  const name = useSignal('');
  const kind = useSignal<'device' | 'full'>('device');
  const made = useSignal<{ token: string; device: string } | null>(null);
  const { busy, problem, run } = useTask();
  if (made.value !== null)
    return (
      <section class="part">
        <p>
          The token of <bdi class="name">{made.value.device}</bdi>. It is shown only now: the server keeps no
          copy that could be shown again. Whoever has it can{' '}
          {kind.value === 'full' ? 'do all that you can.' : 'report positions as you.'}
        </p>
        <Carry label="Token" text={made.value.token} qr={`QR code of the token of ${made.value.device}`} />
        <button
          type="button"
          class="button primary grow"
          onClick={() => {
            made.value = null;
            s.page.value = { at: 'devices' };
          }}
        >
          Done
        </button>
      </section>
    );
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      const given = await api.addToken(name.value.trim(), kind.value);
      made.value = { token: given.token, device: given.device };
      name.value = '';
    });
  };
  return (
    <form class="part" onSubmit={submit}>
      <label class="field labelled">
        <span>What is it called?</span>
        <input
          type="text"
          maxLength={64}
          required
          pattern="[A-Za-z0-9_. \-]+"
          title="Letters, digits, space and . _ -"
          placeholder="Pixel 9"
          autocomplete="off"
          value={name.value}
          onInput={(e) => {
            name.value = e.currentTarget.value;
          }}
        />
      </label>
      <Chips
        legend="What may it do?"
        name="kind"
        options={KINDS}
        value={kind.value}
        onChange={(value) => {
          kind.value = value;
        }}
      />
      <p class="muted" aria-live="polite">
        {kind.value === 'device'
          ? 'For phone apps that keep the token in an address: it can report where you are and whether you are free, and reads nothing but the answers to that, in which phone apps are shown friends.'
          : 'For apps and programs that you trust with everything: it sees your friends and can change your account.'}
      </p>
      <Problem text={problem.value} />
      <button type="submit" class="button primary grow" disabled={busy.value}>
        Make a token
      </button>
    </form>
  );
}

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ours, theirs } from '../model/circle';
import * as s from '../model/state';
import { api } from '../net/api';
import type { Invite } from '../net/wire';
import { moment, shareWords } from '../text/words';
import { Problem, useTask } from './dialog';
import { Carry } from './qr';
import { type Choice, endOfChoice, SharingChoice } from './sharing';

/** Makes a link that makes its opener my friend, and lists the ones that nobody has opened yet. */
export function InvitePage() {
  const choice = useSignal<Choice>({ precision: 'exact', length: 'open' });
  const made = useSignal<{ url: string; expires: number } | null>(null);
  const open = useSignal<Invite[] | null>(null);
  const { busy, problem, run } = useTask();
  const now = s.now.value;
  const refresh = async () => {
    open.value = (await api.invites()).invites;
  };
  useEffect(() => void run(refresh), []);

  const make = () =>
    void run(async () => {
      const end =
        choice.value.precision === 'off' ? undefined : endOfChoice(choice.value, undefined, Date.now());
      made.value = await api.invite(choice.value.precision, theirs(end));
      await refresh();
    });

  return (
    <>
      {made.value === null ? (
        <section key="make" class="part">
          <p>
            A link makes whoever opens it your friend. It works once. They choose themselves what they share
            with you.
          </p>
          <SharingChoice
            id="invite"
            legend="You share with them"
            nothing="Nothing yet"
            value={choice.value}
            now={now}
            onChange={(value) => {
              choice.value = value;
            }}
          />
          <button type="button" class="button primary grow" disabled={busy.value} onClick={make}>
            Make a link
          </button>
        </section>
      ) : (
        <section key="made" class="part">
          <p>
            Send this link to one person, or let them point a camera at the code. It works once, until{' '}
            {moment(ours(made.value.expires) ?? 0, now)}, and is shown only now.
          </p>
          <Carry label="Link" text={made.value.url} qr="QR code of the invite’s link" />
          <button
            type="button"
            class="button"
            onClick={() => {
              made.value = null;
            }}
          >
            Make another link
          </button>
        </section>
      )}
      <Problem text={problem.value} />
      {open.value !== null && open.value.length > 0 && (
        <section class="part" aria-labelledby="open-invites">
          <h3 id="open-invites">
            Not opened yet <span class="tally">{open.value.length}</span>
          </h3>
          <ul class="lines" data-list="invites">
            {open.value.map((i) => (
              <li key={i.id}>
                <span class="line-main">
                  <span>{`Made ${moment(ours(i.created) ?? 0, now)}`}</span>
                  <span class="line-sub">
                    {`You share ${shareWords(i.sharing, ours(i.sharing_until), now)} · works until ${moment(ours(i.expires) ?? 0, now)}`}
                  </span>
                </span>
                <button
                  type="button"
                  class="button small"
                  disabled={busy.value}
                  onClick={() =>
                    void run(async () => {
                      await api.withdraw(i.id);
                      await refresh();
                    })
                  }
                >
                  Withdraw
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { block, ours, share, unfriend } from '../model/circle';
import { refreshFriends } from '../model/live';
import * as s from '../model/state';
import { api } from '../net/api';
import type { Friend, Sight } from '../net/wire';
import { afterwards, inSentence, seesNow, shareWords, until } from '../text/words';
import { AlertLine } from './alertline';
import { Confirm, Problem, useTask } from './dialog';
import { Avatar, distanceWords, freshness, stateWords } from './person';
import { type Choice, endOfChoice, SharingChoice } from './sharing';

/** One friend: what each of us sees, and how that is changed or ended. */
export function FriendPage({ user, name: nameThen }: { user: string; name: string }) {
  const person = s.friends.value.get(user);
  const fullName = person?.name ?? nameThen;
  const name = inSentence(fullName);
  const now = s.now.value;
  const mine = s.shares.value.get(user);
  const end = ours(mine?.sharing_until);
  const edited = useSignal<Choice | null>(null);
  const view = useSignal<{ sight: Sight; friend: Friend } | null>(null);
  const saved = useSignal('');
  const { busy, problem, run } = useTask();

  const look = async () => {
    view.value = await api.view(user);
  };
  useEffect(() => {
    if (!mine) void refreshFriends();
    void run(look);
  }, [user]);

  const choice: Choice = edited.value ?? {
    precision: mine?.sharing ?? 'exact',
    length: end === undefined ? 'open' : 'keep',
  };
  const newEnd = endOfChoice(choice, end, now);
  const save = () =>
    void run(async () => {
      await share(user, choice.precision, endOfChoice(choice, end, Date.now()));
      edited.value = null;
      saved.value = 'Saved.';
      await look();
    });

  return (
    <>
      <div class="friend-head">
        <Avatar id={user} name={fullName} near={person?.near} big />
        <div>
          <p class="name">{fullName}</p>
          <p class="muted">
            {person
              ? [stateWords(person), distanceWords(person), freshness(person)].filter(Boolean).join(' · ')
              : ' '}
          </p>
        </div>
      </div>
      <section class="part" aria-labelledby="sees-title">
        <h3 id="sees-title">What {name} sees now</h3>
        <p class="agreement" aria-live="polite" data-view={view.value?.sight}>
          {view.value === null
            ? 'Asking the server…'
            : seesNow(fullName, view.value.sight, view.value.friend, now + s.clockOffset.value)}
        </p>
      </section>
      <AlertLine user={user} name={name} />
      <section class="part" aria-labelledby="share-title">
        <h3 id="share-title">What you share</h3>
        {mine ? (
          <>
            <p class="muted">
              {`Now: ${shareWords(mine.sharing, end, now)}. ${afterwards(mine.sharing, end)}`}
            </p>
            <SharingChoice
              id="share"
              legend={`${name} may see`}
              value={choice}
              keep={end}
              pause
              now={now}
              onChange={(value) => {
                saved.value = '';
                edited.value = value;
              }}
            />
            <p class="muted" aria-live="polite">
              {edited.value === null
                ? saved.value
                : `${name} will see ${choice.precision === 'off' ? 'nothing' : `your ${shareWords(choice.precision, undefined, now)}`}${until(newEnd, now)}. ${afterwards(choice.precision, newEnd)}`}
            </p>
            <button
              type="button"
              class="button primary grow"
              disabled={busy.value || edited.value === null}
              onClick={save}
            >
              Save
            </button>
          </>
        ) : (
          <p class="muted">Asking the server…</p>
        )}
      </section>
      <Problem text={problem.value} />
      <section class="part" aria-labelledby="end-title">
        <h3 id="end-title">End it</h3>
        <div class="stack">
          <Confirm
            label="Unfriend"
            question={`You and ${name} stop seeing each other at once. A new invite makes you friends again.`}
            yes="Unfriend"
            busy={busy.value}
            onYes={() => void run(() => unfriend(user))}
          />
          <Confirm
            label="Block"
            question={`You stop being friends, and ${name} cannot become your friend again until you unblock them. Nobody is told.`}
            yes="Block"
            busy={busy.value}
            onYes={() => void run(() => block(user))}
          />
        </div>
      </section>
    </>
  );
}

import '../styles/phones.css';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { changeMe } from '../model/circle';
import { setAvailability } from '../model/live';
import * as s from '../model/state';
import { api } from '../net/api';
import type { AlertReason } from '../net/wire';
import { ALERT_TAGS, byReason, ownReason } from '../text/alerts';
import { Problem, useTask } from './dialog';
import { Avatar } from './person';

const HOUR_MS = 3_600_000;

/** Why each friend raises no alert at this moment; what stands in the way on my side comes first, with the way out. */
export function AlertsPage() {
  const friends = useSignal<AlertReason[] | null>(null);
  const { busy, problem, run } = useTask();
  const look = async () => {
    friends.value = byReason((await api.alerts()).friends);
  };
  useEffect(() => {
    void run(look);
    const timer = setInterval(() => {
      if (!document.hidden) void run(look);
    }, 10_000);
    return () => clearInterval(timer);
  }, []);
  const own = ownReason(friends.value ?? [], s.hiddenUntil.value !== null);
  const then = (work: () => unknown) => void run(async () => (await work(), await look()));
  return (
    <>
      <section class="part">
        <p class="muted">
          You are told when a friend and you are both free and near each other, and each of you can see where
          the other is. This is how it stands with each friend now.
        </p>
        {own && (
          <div class="agreement own-reason" data-own={own.state}>
            <p>
              <strong>{own.words}</strong>
            </p>
            {own.state === 'you_busy' && (
              <button
                type="button"
                class="button primary"
                disabled={busy.value || !s.welcomed.value}
                onClick={() =>
                  then(async () => {
                    setAvailability(true, '', Date.now() + s.clockOffset.value + HOUR_MS);
                    await new Promise((done) => setTimeout(done, 400));
                  })
                }
              >
                Free for 1 hour
              </button>
            )}
            {own.state === 'you_hidden' && (
              <button
                type="button"
                class="button primary"
                disabled={busy.value}
                onClick={() => then(() => changeMe({ hidden_until: null }))}
              >
                Show me
              </button>
            )}
            {own.state === 'you_stale' && (
              <button
                type="button"
                class="button primary"
                onClick={() => {
                  s.page.value = { at: 'phones' };
                }}
              >
                My phones
              </button>
            )}
          </div>
        )}
        <Problem text={problem.value} />
        {friends.value === null ? (
          <p class="muted">Asking the server…</p>
        ) : friends.value.length === 0 ? (
          <p class="muted">You have no friends here yet, so there is nobody to be told about.</p>
        ) : (
          <ul class="lines reasons" data-list="alerts">
            {friends.value.map((f) => (
              <li key={f.user} data-state={f.state}>
                <button
                  type="button"
                  class="row"
                  title="Sharing and more"
                  onClick={() => {
                    s.page.value = { at: 'friend', user: f.user, name: f.name, from: 'alerts' };
                  }}
                >
                  <Avatar id={f.user} name={f.name} near={f.state === 'near'} />
                  <span class="line-main">
                    {!f.message.includes(f.name) && <bdi class="name">{f.name}</bdi>}
                    <bdi>{f.message}</bdi>
                  </span>
                  <span class={`tag reason-${f.state}`}>{ALERT_TAGS[f.state] ?? f.state}</span>
                </button>
              </li>
            ))}
          </ul>
        )}
      </section>
    </>
  );
}

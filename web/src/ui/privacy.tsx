import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { changeMe, ours, theirs } from '../model/circle';
import * as s from '../model/state';
import { api } from '../net/api';
import type { Viewer } from '../net/wire';
import { endOf, farEnd, isForever, type Length, moment, sightWords } from '../text/words';
import { Problem, problemOf, Switch, useTask } from './dialog';
import { Eye, Ghost, Right } from './icons';
import { Avatar } from './person';

const HIDE: [Length, string][] = [
  ['hour', '1 hour'],
  ['morning', 'Until tomorrow'],
  ['open', 'Until I change it'],
];

const hide = (length: Length) =>
  changeMe({ hidden_until: theirs(endOf(length, Date.now()) ?? farEnd(Date.now())) });
const showAgain = () => changeMe({ hidden_until: null });
const spoken = (work: Promise<unknown>) =>
  void work.catch((error: unknown) => s.toast(problemOf(error), 'bad'));

function hiddenWords(): string {
  const end = ours(s.hiddenUntil.value) ?? 0;
  return isForever(end, s.now.value) ? 'until you change it' : `until ${moment(end, s.now.value)}`;
}

/** Hiding from everyone: one tap, on the panel and on the page. */
function HideButtons() {
  return (
    <div class="hide" role="group" aria-label="Hide from everyone">
      <span class="hide-label" aria-hidden="true">
        Hide
      </span>
      {HIDE.map(([length, text]) => (
        <button
          key={length}
          type="button"
          class="button slim"
          aria-label={`Hide from everyone: ${text.toLowerCase()}`}
          disabled={!s.welcomed.value}
          onClick={() => spoken(hide(length))}
        >
          {text}
        </button>
      ))}
    </div>
  );
}

/** On the panel: who sees me, and the way out of sight. */
export function Visibility() {
  if (s.hiddenUntil.value !== null) return null;
  const sharing = [...s.shares.value.values()];
  const seen = sharing.filter((share) => share.sharing !== 'off').length;
  const words =
    sharing.length === 0
      ? 'Nobody sees you yet'
      : `${seen === 1 ? '1 friend sees you' : `${seen} friends see you`}${s.me.value?.only_free ? ', while you’re free' : ''}`;
  return (
    <section class="block visibility" aria-label="Who sees you">
      <button
        type="button"
        class="visibility-who"
        onClick={() => {
          s.page.value = { at: 'privacy' };
        }}
      >
        <Eye />
        <span>{words}</span>
        <Right />
      </button>
      <HideButtons />
    </section>
  );
}

/** While hidden, wherever one looks. */
export function HiddenBanner() {
  if (s.hiddenUntil.value === null) return null;
  return (
    <div class="banner banner-hidden" role="status">
      <Ghost />
      <p>
        <strong>You’re hidden</strong> {hiddenWords()}. Friends see you as offline.
      </p>
      <button type="button" class="button small" onClick={() => spoken(showAgain())}>
        Show me
      </button>
    </div>
  );
}

export function PrivacyPage() {
  const viewers = useSignal<Viewer[] | null>(null);
  const blocked = useSignal<{ user: string; name: string }[]>([]);
  const { busy, problem, run } = useTask();
  const now = s.now.value;
  const hidden = s.hiddenUntil.value;
  const onlyFree = s.me.value?.only_free ?? false;
  const refresh = async () => {
    const [v, b] = await Promise.all([api.viewers(), api.blocks()]);
    viewers.value = v.viewers;
    blocked.value = b.blocked;
  };
  useEffect(() => void run(refresh), [hidden, onlyFree, s.friends.value.size]);

  return (
    <>
      <section class="part" aria-labelledby="hide-title">
        <h3 id="hide-title">{hidden === null ? 'Hide from everyone' : `You’re hidden ${hiddenWords()}`}</h3>
        <p class="muted">
          Friends then see you as offline. They are not told that you hide. At the longest a year.
        </p>
        {hidden === null ? (
          <HideButtons />
        ) : (
          <button
            type="button"
            class="button primary grow"
            disabled={busy.value}
            onClick={() => void run(showAgain)}
          >
            Show me again
          </button>
        )}
      </section>
      <section class="part">
        <Switch
          title="Only while I’m free"
          sub="Friends see where you are only while you say that you are free."
          on={onlyFree}
          busy={busy.value}
          onChange={(only_free) => void run(() => changeMe({ only_free }))}
        />
      </section>
      <Problem text={problem.value} />
      <section class="part" aria-labelledby="viewers-title">
        <h3 id="viewers-title">
          Who can see me <span class="tally">{viewers.value?.length ?? '–'}</span>
        </h3>
        {viewers.value === null ? (
          <p class="muted">Asking the server…</p>
        ) : viewers.value.length === 0 ? (
          <p class="muted">Nobody. You have no friends here yet.</p>
        ) : (
          <ul class="lines" data-list="viewers">
            {viewers.value.map((v) => (
              <li key={v.user}>
                <button
                  type="button"
                  class="row"
                  onClick={() => {
                    s.page.value = { at: 'friend', user: v.user, name: v.name, from: 'privacy' };
                  }}
                >
                  <Avatar id={v.user} name={v.name} />
                  <span class="row-main">
                    <span class="row-name">{v.name}</span>
                    <span class="row-sub">{sightWords(v.sight, ours(v.until), now)}</span>
                  </span>
                  <Right />
                </button>
              </li>
            ))}
          </ul>
        )}
      </section>
      {blocked.value.length > 0 && (
        <section class="part" aria-labelledby="blocked-title">
          <h3 id="blocked-title">
            Blocked <span class="tally">{blocked.value.length}</span>
          </h3>
          <ul class="lines" data-list="blocked">
            {blocked.value.map((b) => (
              <li key={b.user}>
                <span class="line-main">
                  <bdi class="name">{b.name}</bdi>
                </span>
                <button
                  type="button"
                  class="button small"
                  disabled={busy.value}
                  onClick={() =>
                    void run(async () => {
                      await api.unblock(b.user);
                      await refresh();
                    })
                  }
                >
                  Unblock
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

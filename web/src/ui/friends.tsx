import { computed } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { select } from '../map/map';
import * as s from '../model/state';
import { span } from '../text/words';
import { Invite, More, Phone } from './icons';
import { Avatar, distanceWords, freshness, stateOf, stateWords } from './person';

const byDistance = (a: s.Person, b: s.Person) =>
  (a.distance ?? 1e12) - (b.distance ?? 1e12) || (b.t ?? 0) - (a.t ?? 0) || a.name.localeCompare(b.name);

const groups = computed(() => {
  void s.now.value;
  const all = [...s.friends.value.values()].sort(byDistance);
  const near = all.filter((p) => p.near);
  const rest = all.filter((p) => !p.near);
  return {
    near,
    free: rest.filter((p) => p.free && p.online && stateOf(p) !== 'stale'),
    others: rest.filter((p) => !(p.free && p.online && stateOf(p) !== 'stale')),
  };
});

export function openFriend(p: { user: string; name: string }) {
  s.page.value = { at: 'friend', user: p.user, name: p.name };
}

function openInvite() {
  s.page.value = { at: 'invite' };
}

function openAddPhone() {
  s.page.value = { at: 'addPhone' };
}

function Row({ person: p, extra }: { person: s.Person; extra?: string }) {
  const distance = distanceWords(p);
  const placed = s.dots.slot(p.key) !== undefined;
  return (
    <li class="row-pair">
      <button
        type="button"
        class={`row${s.selected.value === p.key ? ' current' : ''}`}
        title={placed ? 'Show on the map' : 'Sharing and more'}
        onClick={() => (placed ? select(p.key, true) : openFriend(p))}
      >
        <Avatar id={p.user} name={p.name} state={stateOf(p)} near={p.near} />
        <span class="row-main">
          <span class="row-name">{p.name}</span>
          <span class="row-sub">
            {extra ?? stateWords(p)}
            {p.note ? ` · “${p.note}”` : ''}
          </span>
        </span>
        <span class="row-side">
          {distance && <span class="row-distance">{distance}</span>}
          <span class="row-age">{freshness(p)}</span>
        </span>
      </button>
      <button
        type="button"
        class="icon-button row-more"
        aria-label={`${p.name}: sharing and more`}
        title="Sharing and more"
        onClick={() => openFriend(p)}
      >
        <More />
      </button>
    </li>
  );
}

function Group({
  id,
  title,
  count,
  children,
}: {
  id: string;
  title: string;
  count: number;
  children: ComponentChildren;
}) {
  return (
    <section class="block" aria-labelledby={id}>
      <h2 id={id} class="title">
        {title} <span class="tally">{count}</span>
      </h2>
      {children}
    </section>
  );
}

/** The map's equivalent in words: everyone I know, the ones worth meeting first. */
export function Friends() {
  const { near, free, others } = groups.value;
  if (s.friends.value.size === 0)
    return (
      <section class="block empty">
        <h2>No friends here yet</h2>
        <p class="muted">
          Send somebody a link. Once they have opened it, both of you appear on each other’s map, as exactly
          as each of you chooses.
        </p>
        <button type="button" class="button primary grow" onClick={openInvite}>
          <Invite /> Invite a friend
        </button>
        <button type="button" class="button grow" onClick={openAddPhone}>
          <Phone /> Add my phone
        </button>
      </section>
    );
  return (
    <>
      <Group id="near-title" title="Near you now" count={near.length}>
        {near.length === 0 ? (
          <p class="hint">
            {s.availability.value.free
              ? 'Nobody close by is free right now. You’ll see it here the moment someone is.'
              : 'Say that you’re free, and friends who come near appear here.'}{' '}
            <button
              type="button"
              class="link in-text"
              onClick={() => {
                s.page.value = { at: 'alerts' };
              }}
            >
              Why nobody?
            </button>
          </p>
        ) : (
          <ul class="rows" data-list="near">
            {near.map((p) => (
              <Row
                key={p.user}
                person={p}
                extra={p.nearSince ? `Near for ${span((s.now.value - p.nearSince) / 1000)}` : undefined}
              />
            ))}
          </ul>
        )}
      </Group>
      <Group id="free-title" title="Free now" count={free.length}>
        {free.length === 0 ? (
          <p class="hint">No other friend is free right now.</p>
        ) : (
          <ul class="rows" data-list="free">
            {free.map((p) => (
              <Row key={p.user} person={p} />
            ))}
          </ul>
        )}
      </Group>
      {others.length > 0 && (
        <Group id="others-title" title="Everyone else" count={others.length}>
          <ul class="rows" data-list="others">
            {others.map((p) => (
              <Row key={p.user} person={p} />
            ))}
          </ul>
        </Group>
      )}
      <section class="block">
        <button type="button" class="button grow" onClick={openInvite}>
          <Invite /> Invite a friend
        </button>
      </section>
    </>
  );
}

import { useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { anchors, followDot, select } from '../map/map';
import { NEAR, stateWord } from '../model/dots';
import * as s from '../model/state';
import { ago, metres, metresBetween } from '../text/words';
import { openFriend } from './friends';
import { Close, StateMark, Target } from './icons';
import { Avatar, distanceWords, freshness, stateWords } from './person';

interface Face {
  id: string;
  name: string;
  state: 'free' | 'busy' | 'stale';
  near: boolean;
  words: string;
  note?: string;
  age: string;
  accuracy: number;
  distance?: string;
  area: boolean;
  company: string[];
}

/** All that is known about a dot, from either side's data. */
function face(key: number): Face | null {
  void s.now.value;
  const i = s.dots.slot(key);
  if (i === undefined) return null;
  const flags = s.dots.flags[i]!;
  const state = stateWord(flags);
  const accuracy = s.dots.accuracy[i]!;
  if (!s.admin.value) {
    const p = s.personOf(key);
    if (!p) return null;
    return {
      id: p.user,
      name: p.name,
      state,
      near: p.near,
      words: stateWords(p),
      note: p.note,
      age: freshness(p),
      accuracy,
      distance: distanceWords(p) ?? undefined,
      area: p.approximate ?? false,
      company: [],
    };
  }
  const who = s.names.value.get(key);
  const at = performance.now();
  const here = s.dots.lonLat(key, at);
  const company = s.crowd.value.pairs
    .filter((p) => p.a === key || p.b === key)
    .slice(0, 3)
    .map((p) => {
      const other = p.a === key ? p.b : p.a;
      const there = s.dots.lonLat(other, at);
      const apart =
        here && there ? `, ${metres(metresBetween(here.lat, here.lon, there.lat, there.lon))}` : '';
      return `${s.names.value.get(other)?.name ?? 'someone'}${apart}`;
    });
  return {
    id: who?.user ?? String(key),
    name: who?.name ?? '…',
    state,
    near: (flags & NEAR) !== 0,
    words: flags & 1 ? 'Free' : 'Busy',
    age: ago(Math.max(0, (at - s.dots.fixed[i]!) / 1000)),
    accuracy,
    area: false,
    company,
  };
}

/** What the pointer is over: a name and a state, nothing to press. */
export function Tip() {
  const f = s.hovered.value === null ? null : face(s.hovered.value);
  return (
    <div
      class="tip"
      aria-hidden="true"
      ref={(el) => {
        anchors.tip = el;
      }}
    >
      {f && (
        <div class="tip-box">
          <StateMark state={f.state} near={f.near} size={14} />
          <strong>{f.name}</strong>
          <span>{f.area ? `about here, ${f.age}` : f.age}</span>
        </div>
      )}
    </div>
  );
}

export function Card() {
  const box = useRef<HTMLDivElement>(null);
  const key = s.selected.value;
  const f = key === null ? null : face(key);
  useSignalEffect(() => {
    if (s.selected.value !== null) box.current?.querySelector<HTMLElement>('.card-box')?.scrollTo(0, 0);
  });
  return (
    <>
      <div
        class="pin"
        aria-hidden="true"
        ref={(el) => {
          anchors.ring = el;
        }}
      />
      <div
        class={`card${f ? ' filled' : ''}`}
        ref={(el) => {
          anchors.card = el;
          box.current = el;
        }}
      >
        {f && (
          <div class="card-box" role="dialog" aria-label={f.name}>
            <div class="card-head">
              <Avatar id={f.id} name={f.name} near={f.near} big />
              <div class="card-title">
                <h2>{f.name}</h2>
                <p>
                  <StateMark state={f.state} near={f.near} />{' '}
                  {f.state === 'stale' ? `${f.words} · not heard from lately` : f.words}
                </p>
              </div>
              <button type="button" class="icon-button" aria-label="Close" onClick={() => select(null)}>
                <Close />
              </button>
            </div>
            {f.note && <p class="card-note">“{f.note}”</p>}
            <dl class="facts">
              <div>
                <dt>Seen</dt>
                <dd>{f.age}</dd>
              </div>
              {f.distance !== undefined && (
                <div>
                  <dt>Away</dt>
                  <dd>{f.distance}</dd>
                </div>
              )}
              {f.area && (
                <div>
                  <dt>Where</dt>
                  <dd>about 1 km</dd>
                </div>
              )}
              {!f.area && f.accuracy < 255 && (
                <div>
                  <dt>Accuracy</dt>
                  <dd>±{f.accuracy} m</dd>
                </div>
              )}
            </dl>
            {f.company.length > 0 && <p class="card-note near-note">Near {f.company.join(' and ')}</p>}
            <div class="pair">
              <button
                type="button"
                class={`button${s.following.value ? ' primary' : ''}`}
                aria-pressed={s.following.value}
                onClick={() => followDot(!s.following.value)}
              >
                <Target /> {s.following.value ? 'Following' : 'Follow'}
              </button>
              {!s.admin.value && (
                <button type="button" class="button" onClick={() => openFriend({ user: f.id, name: f.name })}>
                  Sharing
                </button>
              )}
            </div>
          </div>
        )}
      </div>
    </>
  );
}

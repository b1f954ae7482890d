import { stateWord } from '../model/dots';
import * as s from '../model/state';
import { ago, clock, initials, metres, roughly } from '../text/words';
import { StateMark } from './icons';

const FRESH_MS = 600_000;

/** One of eight quiet colours, always the same for the same person. */
function hue(id: string): number {
  let h = 0;
  for (const c of id) h = (h * 31 + (c.codePointAt(0) ?? 0)) >>> 0;
  return h % 8;
}

export type State = 'free' | 'busy' | 'stale';

export function Avatar({
  id,
  name,
  state,
  near,
  big,
}: {
  id: string;
  name: string;
  state?: State;
  near?: boolean;
  big?: boolean;
}) {
  return (
    <span class={`avatar hue-${hue(id)}${near ? ' near' : ''}${big ? ' big' : ''}`} aria-hidden="true">
      {initials(name)}
      {state && (
        <span class="badge">
          <StateMark state={state} size={14} />
        </span>
      )}
    </span>
  );
}

export function stateOf(p: s.Person): State {
  const i = s.dots.slot(p.key);
  if (i !== undefined) return stateWord(s.dots.flags[i]!);
  if (p.t !== undefined && s.now.value + s.clockOffset.value - p.t > FRESH_MS) return 'stale';
  return p.free ? 'free' : 'busy';
}

/** "free until 15:30", "busy", "no recent position". */
export function stateWords(p: s.Person): string {
  const until = p.until ? ` until ${clock(p.until - s.clockOffset.value)}` : '';
  const word = p.free ? `Free${until}` : `Busy${until}`;
  return p.online ? word : `${word} · offline`;
}

export function freshness(p: { t?: number }): string {
  if (p.t === undefined) return 'no position';
  return ago(Math.max(0, (s.now.value + s.clockOffset.value - p.t) / 1000));
}

export function distanceWords(p: s.Person): string | null {
  if (p.distance === undefined || p.lat === undefined) return null;
  return p.approximate ? roughly(p.distance) : metres(p.distance);
}

/** Who sees what, and until when, in sentences. Everything here is pure: `now` is given, times are this machine's. */
import type { Friend, Precision, Sight, TokenKind } from '../net/wire';
import { ago, clock, metres } from './words';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** "Until I change it" where the server wants an end, at most 366 days ahead. */
export const farEnd = (now: number): number => now + 365 * DAY_MS;
const FAR_MS = 330 * DAY_MS;

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** A name as part of a sentence: one that is written from right to left must not turn the words around it. */
export function inSentence(name: string): string {
  return RIGHT_TO_LEFT.test(name) ? `\u2068${name}\u2069` : name;
}

/** "18:00", "midnight", "tomorrow, 06:00", "Sat 28 Nov, 18:00". To the minute: two clocks are never quite the same. */
export function moment(at: number, now: number): string {
  const ms = Math.round(at / 60_000) * 60_000;
  if (ms === midnight(now, 1)) return 'midnight';
  const word = date(ms, now);
  return word === 'today' ? clock(ms) : `${word}, ${clock(ms)}`;
}

/** "today", "tomorrow", "yesterday", "Sat 28 Nov"; with the year where it is not plain. */
export function date(ms: number, now: number): string {
  const days = Math.round((midnight(ms) - midnight(now)) / DAY_MS);
  if (days === 0) return 'today';
  if (days === 1) return 'tomorrow';
  if (days === -1) return 'yesterday';
  return new Date(ms).toLocaleDateString(undefined, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    ...(Math.abs(days) > 300 ? { year: 'numeric' } : {}),
  });
}

function midnight(ms: number, days = 0, hour = 0): number {
  const day = new Date(ms);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + days, hour).getTime();
}

/** Whether a time only stands for "until I change it". */
export const isForever = (ms: number, now: number): boolean => ms - now > FAR_MS;

/** " until 18:00", or nothing when there is no end. */
export function until(ms: number | undefined, now: number): string {
  return ms === undefined || isForever(ms, now) ? '' : ` until ${moment(ms, now)}`;
}

/** How long something shall hold: a choice that a person makes. */
export type Length = 'hour' | 'today' | 'morning' | 'open';

/** When a choice ends. Today ends at midnight; "until tomorrow" at six in the morning. Undefined: when it is changed. */
export function endOf(length: Length, now: number): number | undefined {
  switch (length) {
    case 'hour':
      return now + HOUR_MS;
    case 'today':
      return midnight(now, 1);
    case 'morning':
      return midnight(now, 1, 6);
    case 'open':
      return undefined;
  }
}

const PLACE: Record<Exclude<Precision, 'off'>, string> = {
  exact: 'exact position',
  approximate: 'approximate area (about 1 km)',
};

/** Both directions of a friendship: what each shows the other. */
export interface Both {
  mine: Precision;
  mineUntil?: number;
  theirs: Precision;
  theirsUntil?: number;
}

/** "Ana will see your exact position, whether you are free, and will be told when …" */
export function theyWillSee(other: string, both: Both, now: number): string {
  const name = inSentence(other);
  if (both.mine === 'off')
    return both.mineUntil === undefined
      ? `${name} will see your name, and you as offline: no position, not whether you are free.`
      : `${name} will see you as offline${until(both.mineUntil, now)}, then again what you shared before.`;
  const end = until(both.mineUntil, now);
  if (both.theirs === 'off')
    return `${name} will see your ${PLACE[both.mine]} and whether you are free${end}.`;
  return `${name} will see your ${PLACE[both.mine]}, whether you are free, and will be told when you are both free and near each other${end}.`;
}

/** "You will see Ana’s approximate area (about 1 km) and whether they are free until 18:00." */
export function youWillSee(other: string, both: Both, now: number): string {
  const name = inSentence(other);
  if (both.theirs === 'off') return `You will see ${name}’s name only: nothing else is shared with you yet.`;
  return `You will see ${name}’s ${PLACE[both.theirs]} and whether they are free${until(both.theirsUntil, now)}.`;
}

/** What a share is, shortly: "exact position until 18:00", "nothing". */
export function shareWords(precision: Precision, end: number | undefined, now: number): string {
  return `${precision === 'off' ? 'nothing' : PLACE[precision]}${until(end, now)}`;
}

/** What happens when a share's end comes. */
export function afterwards(precision: Precision, end: number | undefined): string {
  if (end === undefined) return '';
  return precision === 'off' ? 'Then again what you shared before.' : 'Then nothing, until you share again.';
}

/** What a friend sees at this moment: `seen` is the friend object that they are given about me. */
export function seesNow(viewer: string, sight: Sight, seen: Friend, now: number): string {
  const name = inSentence(viewer);
  if (sight === 'veiled')
    return `${name} sees your name, and you as offline. No position, not whether you are free.`;
  const free = `${seen.online ? 'online' : 'offline'} and ${seen.free ? 'free' : 'busy'}`;
  const note = seen.note ? `, with your words “${seen.note}”` : '';
  const state = `${name} sees that you are ${free}${note}`;
  if (sight === 'presence') return `${state}, but no position.`;
  if (seen.lat === undefined) return `${state}. No position: none of your devices has sent one lately.`;
  const when = seen.t === undefined ? '' : `, as of ${ago(Math.max(0, (now - seen.t) / 1000))}`;
  return seen.approximate || sight === 'approximate'
    ? `${state}, and about where you are: an area of 1 km${when}.`
    : `${state}, and exactly where you are${when}.`;
}

/** One line of "who can see me". */
export function sightWords(sight: Sight, end: number | undefined, now: number): string {
  const what: Record<Sight, string> = {
    exact: 'Exact position',
    approximate: 'Area of about 1 km',
    presence: 'Online and free, no position',
    veiled: 'Nothing: you look offline',
  };
  return `${what[sight]}${until(end, now)}`;
}

/** How far an approximate friend is: no finer than the cell. */
export function roughly(m: number): string {
  return m < 1_500 ? 'about 1 km' : `about ${metres(Math.round(m / 1000) * 1000).replace('.0 km', ' km')}`;
}

export function kindWords(kind: TokenKind): string {
  const words: Record<TokenKind, string> = {
    full: 'App or program, everything',
    session: 'Browser',
    device: 'Phone: reports only',
  };
  return words[kind] ?? kind;
}

/** An action of the audit log as words: "invite_accepted" is "invite accepted". */
export function actionWords(action: string): string {
  return action.replaceAll(/[_.-]+/g, ' ');
}

/** "Chrome on Linux": a name for this browser among a person's devices, in the characters a device's name may have. */
export function browserName(agent: string): string {
  const first = (pairs: [RegExp, string][]): string | undefined =>
    pairs.find(([what]) => what.test(agent))?.[1];
  const browser =
    first([
      [/Edg\//, 'Edge'],
      [/OPR\//, 'Opera'],
      [/SamsungBrowser/, 'Samsung Internet'],
      [/Firefox|FxiOS/, 'Firefox'],
      [/Chrom(e|ium)|CriOS/, 'Chrome'],
      [/Safari/, 'Safari'],
    ]) ?? 'Browser';
  const system = first([
    [/Android/, 'Android'],
    [/iPhone|iPad/, 'iOS'],
    [/Windows/, 'Windows'],
    [/Mac OS X/, 'Mac'],
    [/CrOS/, 'ChromeOS'],
    [/Linux/, 'Linux'],
  ]);
  return system ? `${browser} on ${system}` : browser;
}

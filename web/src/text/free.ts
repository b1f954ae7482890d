/** Why somebody is free or busy, until when, and what their weekly hours are, in words. Pure: `now` is given. */
import type { Availability, FreeHours, Source, Weekday } from '../net/wire';
import { moment, span } from './words';

const BY: Record<Source, string> = {
  hand: '',
  calendar: 'by your calendar',
  hours: 'by your weekly hours',
  default: '',
};

/** ", then free", ", then busy by your calendar": what comes next, where that is known. */
function after({ source, next }: Availability): string {
  if (!next) return '';
  const by = next.source === source ? '' : BY[next.source];
  return `, then ${next.free ? 'free' : 'busy'}${by === '' ? '' : ` ${by}`}`;
}

/**
 * The line under "You’re free": "“coffee?” · until 15:30, 45 min left, then busy", "By your calendar until 15:00, then
 * free.". Times are this machine's.
 */
export function freeWords(a: Availability, now: number): string {
  if (a.source === 'calendar' || a.source === 'hours') {
    const by = BY[a.source].replace('by', 'By');
    return a.until === undefined ? `${by}.` : `${by} until ${moment(a.until, now)}${after(a)}.`;
  }
  if (a.free) {
    const end =
      a.until === undefined
        ? 'until you change it'
        : `until ${moment(a.until, now)}, ${span((a.until - now) / 1000)} left${after(a)}`;
    return a.note ? `“${a.note}” · ${end}` : end.replace('until', 'Until');
  }
  if (a.source === 'hand')
    return a.until === undefined
      ? 'Until you change it. Friends nearby are not told about you.'
      : `Until ${moment(a.until, now)}${after(a)}.`;
  return a.until === undefined
    ? 'Friends nearby are not told about you.'
    : `Until ${moment(a.until, now)}${after(a)}.`;
}

/** "Back to my calendar": what taking back one's own word brings back; null when there is nothing to go back to. */
export function backWords(a: Availability, hasCalendar: boolean, hours: number): string | null {
  if (a.source !== 'hand') return null;
  const to = hasCalendar ? 'calendar' : (a.next?.source ?? (hours > 0 ? 'hours' : 'default'));
  return to === 'calendar' ? 'Back to my calendar' : to === 'hours' ? 'Back to my weekly hours' : null;
}

/** The next moment at which a clock on the wall shows "18:30"; undefined when that is no time. */
export function nextAt(time: string, now: number): number | undefined {
  const found = /^(\d{1,2}):(\d{2})$/.exec(time);
  if (!found) return undefined;
  const [hour, minute] = [Number(found[1]), Number(found[2])];
  if (hour > 23 || minute > 59) return undefined;
  const day = new Date(now);
  const at = (days: number) =>
    new Date(day.getFullYear(), day.getMonth(), day.getDate() + days, hour, minute).getTime();
  return at(0) > now ? at(0) : at(1);
}

/** A good first proposal for "until": the full hour that is at least an hour away, "18:00". */
export function proposal(now: number): string {
  const at = new Date(now + 2 * 3_600_000 - 60_000);
  return `${String(at.getHours()).padStart(2, '0')}:00`;
}

export const WEEK: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const MONDAY = Date.UTC(2024, 0, 1, 12);

/** A weekday's name in the reader's language. */
export function dayName(day: Weekday, width: 'short' | 'long' = 'short'): string {
  return new Date(MONDAY + WEEK.indexOf(day) * 86_400_000).toLocaleDateString(undefined, {
    weekday: width,
    timeZone: 'UTC',
  });
}

/** "Mon–Fri", "Sat, Sun", "Mon, Wed–Fri", "every day". */
export function daysWords(days: readonly Weekday[]): string {
  const on = WEEK.map((day) => days.includes(day));
  if (on.every(Boolean)) return 'every day';
  const runs: string[] = [];
  for (let i = 0; i < 7; i++) {
    if (!on[i]) continue;
    const from = i;
    while (i < 6 && on[i + 1]) i++;
    if (i - from < 2) for (let d = from; d <= i; d++) runs.push(dayName(WEEK[d]!));
    else runs.push(`${dayName(WEEK[from]!)}–${dayName(WEEK[i]!)}`);
  }
  return runs.join(', ');
}

const minutes = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

/** Whether hours run into the next day, "22:00" to "02:00". */
export const overMidnight = ({ from, to }: { from: string; to: string }): boolean =>
  to !== '00:00' && to !== '24:00' && minutes(from) >= minutes(to);

/** "Mon–Fri 18:00–22:00", "Sat 22:00–02:00 (next day)". */
export function hoursWords(hours: FreeHours): string {
  const end = overMidnight(hours) ? `${hours.to} (next day)` : hours.to;
  return `${daysWords(hours.days)} ${hours.from}–${end}`;
}

/** What is wrong with hours as they were typed; null: nothing. */
export function hoursProblem(all: readonly FreeHours[]): string | null {
  const time = /^([01]\d|2[0-3]):[0-5]\d$/;
  if (all.length > 21) return 'At most 21 lines of hours.';
  for (const { days, from, to } of all) {
    if (days.length === 0) return 'Choose at least one day in each line.';
    if (!time.test(from) || !(time.test(to) || to === '24:00')) return 'Fill in both times of each line.';
    if (from === to && from !== '00:00')
      return 'From and to are the same time. For a whole day: 00:00 to 00:00.';
  }
  return null;
}

/** Typed hours as the server wants them: midnight as an end is "24:00", and the days stand in the week's order. */
export const toServer = (all: readonly FreeHours[]): FreeHours[] =>
  all.map(({ days, from, to }) => ({
    days: WEEK.filter((day) => days.includes(day)),
    from,
    to: to === '00:00' ? '24:00' : to,
  }));

/** The server's hours for a field of the browser, which knows no "24:00". */
export const toFields = (all: readonly FreeHours[]): FreeHours[] =>
  all.map((hours) => ({ ...hours, days: [...hours.days], to: hours.to === '24:00' ? '00:00' : hours.to }));

/** The next days' busy blocks and how a calendar does. Pure: `now` is given, times are by the server's clock. */
import type { Calendar } from '../net/wire';
import { ago, hourIn, shiftDay, span } from './words';

/** A stretch of a day, minutes of the clock on the wall: 0 to 1440. */
export interface Stretch {
  from: number;
  to: number;
}

export interface BusyDay {
  /** `YYYY-MM-DD` in the person's own time zone. */
  date: string;
  busy: Stretch[];
}

const DAY = 1_440;

/** The date and the minute of it that a moment is in a time zone. */
export function wall(zone: string, ms: number): { date: string; minute: number } {
  const { date, hour } = hourIn(zone, ms);
  let minute: string;
  try {
    minute = new Intl.DateTimeFormat('en', { minute: 'numeric', timeZone: zone }).format(ms);
  } catch {
    minute = new Intl.DateTimeFormat('en', { minute: 'numeric' }).format(ms);
  }
  return { date, minute: hour * 60 + Number(minute) };
}

/** The next `days` days beginning with today, each with what is busy of it. Blocks over midnight are cut there. */
export function busyDays(
  blocks: readonly { from: number; to: number }[],
  zone: string,
  now: number,
  days = 7,
): BusyDay[] {
  const today = hourIn(zone, now).date;
  const all: BusyDay[] = Array.from({ length: days }, (_, i) => ({ date: shiftDay(today, i), busy: [] }));
  for (const block of blocks) {
    if (block.to <= block.from) continue;
    const from = wall(zone, block.from);
    const to = wall(zone, block.to);
    for (const day of all) {
      if (day.date < from.date || day.date > to.date) continue;
      const start = day.date === from.date ? from.minute : 0;
      const end = day.date === to.date ? to.minute : DAY;
      // a block over the hour that summer time repeats may end "before" it began: it is drawn as the little that is sure
      if (end > start) day.busy.push({ from: start, to: end });
      else if (from.date === to.date) day.busy.push({ from: start, to: Math.min(DAY, start + 1) });
    }
  }
  for (const day of all) day.busy = merged(day.busy);
  return all;
}

function merged(stretches: Stretch[]): Stretch[] {
  const out: Stretch[] = [];
  for (const s of [...stretches].sort((a, b) => a.from - b.from)) {
    const last = out.at(-1);
    if (last && s.from <= last.to) last.to = Math.max(last.to, s.to);
    else out.push({ ...s });
  }
  return out;
}

/** "09:05" of a minute of the day; 1440 is "24:00". */
export const minuteWords = (m: number): string =>
  `${String(Math.floor(m / 60)).padStart(2, '0')}:${String(m % 60).padStart(2, '0')}`;

/** "09:00–10:30, 14:00–15:00", "all day", "nothing". */
export function stretchWords(busy: readonly Stretch[]): string {
  if (busy.length === 0) return 'nothing';
  if (busy[0]!.from === 0 && busy[0]!.to === DAY) return 'all day';
  return busy.map(({ from, to }) => `${minuteWords(from)}–${minuteWords(to)}`).join(', ');
}

/** "Today", "Mon 23". */
export function dayWords(date: string, today: string): string {
  if (date === today) return 'Today';
  const part = (what: 'weekday' | 'day') =>
    new Date(`${date}T12:00:00Z`).toLocaleDateString(undefined, {
      [what]: what === 'day' ? 'numeric' : 'short',
      timeZone: 'UTC',
    });
  return `${part('weekday')} ${part('day')}`;
}

/** Where a calendar comes from: the name of a host, which is all that is told of its address. */
export const whence = (c: Calendar): string =>
  c.source === 'url' ? (c.url_host ?? 'An address') : 'An uploaded file';

/** "3 events · read 12 min ago · again in 48 min". */
export function calendarWords(c: Calendar, now: number): string {
  const parts = [c.events === 1 ? '1 event' : `${c.events} events`];
  if (c.fetched !== undefined && c.fetched !== null)
    parts.push(`${c.source === 'url' ? 'fetched' : 'read'} ${ago(Math.max(0, (now - c.fetched) / 1000))}`);
  if (c.next_fetch !== undefined && c.next_fetch !== null)
    parts.push(c.next_fetch > now ? `again in ${span((c.next_fetch - now) / 1000)}` : 'again any moment');
  return parts.join(' · ');
}

/** Why the last fetch brought nothing, and what holds meanwhile. */
export function troubleWords(c: Calendar): string {
  const why = c.error?.message.trim().replace(/\.$/, '') ?? '';
  return c.fetched === undefined || c.fetched === null
    ? `It could not be fetched yet: ${why}. It is tried again.`
    : `It could not be fetched the last time: ${why}. What was read before still holds.`;
}

/** What is wrong with an address as it was typed; null: nothing that can be seen from here. */
export function addressWrong(text: string): string | null {
  const address = text.trim();
  if (address === '') return 'Paste the calendar’s address first.';
  if (!/^(https|webcal):\/\/[^\s/]+/i.test(address))
    return /^http:/i.test(address)
      ? 'The address must begin with https:// or webcal://, so that nobody on the way can read your calendar.'
      : 'That is no address of a calendar: it begins with https:// or webcal://.';
  return null;
}

/** The most that a file may be, bytes. */
export const LARGEST = 1_048_576;

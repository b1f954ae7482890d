import { ApiError, api } from '../net/api';
import type { Availability, Calendar, Me, Phones } from '../net/wire';
import * as s from './state';

/** What is mine alone and comes by HTTP: why I am free or busy, my calendar, my phones, my steps. */

let asked = 0;

/** Whether I am free, why, until when and what then. What was said by hand meanwhile is the newer word. */
export async function refreshAvailability(): Promise<void> {
  const mine = ++asked;
  try {
    const value = await api.availability();
    if (mine === asked && !s.availability.value.pending) s.availability.value = value;
  } catch {
    // the next round
  }
}

/** What a profile or a frame says of it, which is not yet the whole: `next` is kept where nothing else changed. */
export function takeAvailability(said: Pick<Me, 'free' | 'note' | 'until' | 'source'>) {
  const { free, note, until, source } = said;
  const before = s.availability.value;
  // where a calendar or hours decide, a profile need not say until when
  const ends = before.until === until || (until === undefined && before.source !== 'hand');
  const same = before.free === free && ends && (!source || before.source === source);
  asked++;
  s.availability.value = {
    free,
    note,
    until: same ? before.until : until,
    source: source ?? (same ? before.source : undefined),
    next: same ? before.next : undefined,
  };
}

/** What was said by hand is taken back. */
export async function takeBack(): Promise<void> {
  const mine = ++asked;
  const value = (await api.takeBack()) as Availability | null;
  if (typeof value?.free !== 'boolean') await refreshAvailability();
  else if (mine === asked) s.availability.value = value;
}

export async function refreshCalendar(): Promise<void> {
  try {
    s.calendar.value = await api.calendar();
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
    s.calendar.value = null;
  }
}

/** Another calendar, or none: whether I am free may be another thing after it. */
export async function setCalendar(work: Promise<Calendar | null>): Promise<void> {
  s.calendar.value = await work;
  await refreshAvailability();
}

/** One ask at a time: an answer that was overtaken is let go. */
let phonesAsked = 0;

export async function refreshPhones(): Promise<Phones> {
  const mine = ++phonesAsked;
  const value = await api.phones();
  if (mine === phonesAsked) s.phones.value = value;
  return value;
}

/** My steps of the week and who of us walked how far, today or this week. */
export async function refreshSteps(): Promise<void> {
  const span = s.stepsSpan.value;
  try {
    if (span === 'day') {
      const { people } = await api.leaderboard();
      if (s.stepsSpan.value === span) s.walkers.value = people;
      return;
    }
    const [own, board] = await Promise.all([api.steps(), api.leaderboard({ week: s.today() })]);
    if (s.stepsSpan.value !== span) return;
    s.weekSteps.value = own.week ?? null;
    s.walkers.value = board.people;
  } catch {
    if (s.stepsSpan.value === span) s.walkers.value = [];
  }
}

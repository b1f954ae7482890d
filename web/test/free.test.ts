import { describe, expect, it } from 'vitest';
import type { Availability, FreeHours } from '../src/net/wire';
import {
  backWords,
  daysWords,
  freeWords,
  hoursProblem,
  hoursWords,
  nextAt,
  overMidnight,
  proposal,
  toFields,
  toServer,
} from '../src/text/free';
import { clock } from '../src/text/words';

const NOON = new Date(2026, 10, 23, 12, 0).getTime();
const HOUR = 3_600_000;
const THREE = NOON + 3 * HOUR;
const says = (a: Availability) => freeWords(a, NOON);

describe('why I am free or busy', () => {
  it('names the calendar, its end and what comes then', () => {
    expect(
      says({ free: false, source: 'calendar', until: THREE, next: { free: true, source: 'calendar' } }),
    ).toBe(`By your calendar until ${clock(THREE)}, then free.`);
    expect(says({ free: true, source: 'calendar' })).toBe('By your calendar.');
  });

  it('names who decides next when that is somebody else', () => {
    expect(
      says({ free: false, source: 'calendar', until: THREE, next: { free: true, source: 'hours' } }),
    ).toBe(`By your calendar until ${clock(THREE)}, then free by your weekly hours.`);
    expect(says({ free: true, source: 'hours', until: THREE, next: { free: false, source: 'hours' } })).toBe(
      `By your weekly hours until ${clock(THREE)}, then busy.`,
    );
    expect(says({ free: true, source: 'hand', until: THREE, next: { free: false, source: 'default' } })).toBe(
      `Until ${clock(THREE)}, 3 h left, then busy`,
    );
  });

  it('says one’s own word with its note and its end', () => {
    expect(says({ free: true, source: 'hand', note: 'coffee?', until: NOON + HOUR })).toBe(
      `“coffee?” · until ${clock(NOON + HOUR)}, 1 h left`,
    );
    expect(says({ free: true, source: 'hand' })).toBe('Until you change it');
    expect(says({ free: false, source: 'hand' })).toBe(
      'Until you change it. Friends nearby are not told about you.',
    );
    expect(says({ free: false, source: 'default' })).toBe('Friends nearby are not told about you.');
  });

  it('offers the way back only where there is something to go back to', () => {
    const hand: Availability = { free: true, source: 'hand' };
    expect(backWords(hand, false, 0)).toBeNull();
    expect(backWords(hand, true, 0)).toBe('Back to my calendar');
    expect(backWords(hand, false, 2)).toBe('Back to my weekly hours');
    const then = { ...hand, next: { free: false, source: 'hours' as const } };
    expect(backWords(then, true, 2)).toBe('Back to my calendar');
    expect(backWords(then, false, 2)).toBe('Back to my weekly hours');
    expect(backWords({ free: true, source: 'calendar' }, true, 2)).toBeNull();
  });
});

describe('until…', () => {
  it('is today where that is still to come, else tomorrow', () => {
    expect(nextAt('18:30', NOON)).toBe(new Date(2026, 10, 23, 18, 30).getTime());
    expect(nextAt('06:00', NOON)).toBe(new Date(2026, 10, 24, 6, 0).getTime());
    expect(nextAt('12:00', NOON)).toBe(new Date(2026, 10, 24, 12, 0).getTime());
  });

  it('is nothing when it is no time', () => {
    for (const text of ['', '24:00', '12:60', 'noon', '12']) expect(nextAt(text, NOON)).toBeUndefined();
  });

  it('proposes a full hour at least an hour away', () => {
    expect(proposal(NOON)).toBe('13:00');
    expect(proposal(NOON + 60_000)).toBe('14:00');
    expect(proposal(new Date(2026, 10, 23, 22, 30).getTime())).toBe('00:00');
  });
});

describe('weekly hours', () => {
  const evening: FreeHours = { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '18:00', to: '22:00' };

  it('are said shortly', () => {
    expect(daysWords(['mon', 'tue', 'wed', 'thu', 'fri'])).toBe('Mon–Fri');
    expect(daysWords(['sun', 'sat'])).toBe('Sat, Sun');
    expect(daysWords(['wed', 'mon', 'thu', 'fri'])).toBe('Mon, Wed–Fri');
    expect(daysWords(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])).toBe('every day');
    expect(hoursWords(evening)).toBe('Mon–Fri 18:00–22:00');
    expect(hoursWords({ days: ['sat'], from: '22:00', to: '02:00' })).toBe('Sat 22:00–02:00 (next day)');
  });

  it('run over midnight when their end is not after their beginning, but not when they end at midnight', () => {
    expect(overMidnight({ from: '22:00', to: '02:00' })).toBe(true);
    expect(overMidnight({ from: '22:00', to: '24:00' })).toBe(false);
    expect(overMidnight({ from: '22:00', to: '00:00' })).toBe(false);
    expect(overMidnight(evening)).toBe(false);
  });

  it('are checked before they are sent', () => {
    expect(hoursProblem([])).toBeNull();
    expect(hoursProblem([evening])).toBeNull();
    expect(hoursProblem([{ ...evening, days: [] }])).toMatch(/at least one day/);
    expect(hoursProblem([{ ...evening, to: '' }])).toMatch(/both times/);
    expect(hoursProblem([{ ...evening, to: '18:00' }])).toMatch(/same time/);
    expect(hoursProblem([{ ...evening, from: '00:00', to: '00:00' }])).toBeNull();
    expect(hoursProblem(Array.from({ length: 22 }, () => evening))).toMatch(/21/);
  });

  it('end at 24:00 for the server and at 00:00 in a field of the browser', () => {
    const late: FreeHours = { days: ['sun', 'mon'], from: '20:00', to: '00:00' };
    expect(toServer([late])).toEqual([{ days: ['mon', 'sun'], from: '20:00', to: '24:00' }]);
    expect(toFields(toServer([late]))).toEqual([{ days: ['mon', 'sun'], from: '20:00', to: '00:00' }]);
  });
});

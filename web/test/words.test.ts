import { describe, expect, it } from 'vitest';
import {
  ago,
  brief,
  hourIn,
  initials,
  metres,
  metresBetween,
  shiftDay,
  span,
  zoneName,
} from '../src/text/words';

describe('words', () => {
  it('say how long ago', () => {
    expect([0, 1.9, 12.4, 59.9, 60, 3599, 3600, 86_399, 86_400, 3 * 86_400].map(ago)).toEqual([
      'just now',
      'just now',
      '12 s ago',
      '59 s ago',
      '1 min ago',
      '59 min ago',
      '1 h ago',
      '23 h ago',
      'yesterday',
      '3 days ago',
    ]);
  });

  it('say how long', () => {
    expect([-5, 45, 240, 7200, 7500].map(span)).toEqual(['0 s', '45 s', '4 min', '2 h', '2 h 5 min']);
  });

  it('say how far, no finer than a phone knows', () => {
    expect([3, 84, 994, 996, 1234, 9_949, 34_400].map(metres)).toEqual([
      'right here',
      '80 m',
      '990 m',
      '1.0 km',
      '1.2 km',
      '9.9 km',
      '34 km',
    ]);
  });

  it('shorten large counts only', () => {
    expect([999, 9_999, 12_345, 999_900, 1_240_000].map(brief)).toEqual([
      '999',
      '9,999',
      '12.3k',
      '1M',
      '1.2M',
    ]);
  });

  it('make initials of any name', () => {
    expect(['Ada Lovelace', 'user_20', 'x', '', 'Ольга Иванова', '🐻 Bear'].map(initials)).toEqual([
      'AL',
      'U2',
      'X',
      '?',
      'ОИ',
      '🐻B',
    ]);
  });

  it('know the hour in another zone, also across midnight and a change of clocks', () => {
    const noon = Date.UTC(2026, 10, 21, 12, 30);
    expect(hourIn('America/New_York', noon)).toEqual({ date: '2026-11-21', hour: 7 });
    expect(hourIn('Pacific/Auckland', noon)).toEqual({ date: '2026-11-22', hour: 1 });
    expect(hourIn('UTC', Date.UTC(2026, 0, 1, 0, 0))).toEqual({ date: '2026-01-01', hour: 0 });
    expect(hourIn('America/New_York', Date.UTC(2026, 10, 1, 6, 30))).toEqual({ date: '2026-11-01', hour: 1 });
    expect(hourIn('Nowhere/Land', noon).hour).toBeGreaterThanOrEqual(0);
  });

  it('step through days', () => {
    expect(shiftDay('2026-03-01', -1)).toBe('2026-02-28');
    expect(shiftDay('2026-12-31', 1)).toBe('2027-01-01');
  });

  it('name a zone by its city', () => {
    expect(['UTC', 'America/New_York', 'Europe/Berlin'].map(zoneName)).toEqual(['UTC', 'New York', 'Berlin']);
  });

  it('measure great circles', () => {
    expect(metresBetween(40.7484, -73.9857, 40.758, -73.9855)).toBeCloseTo(1067.6, 0);
    expect(metresBetween(0, 179.9995, 0, -179.9995)).toBeCloseTo(111.2, 0);
  });
});

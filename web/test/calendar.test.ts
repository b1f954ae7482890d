import { describe, expect, it } from 'vitest';
import type { Calendar } from '../src/net/wire';
import {
  addressWrong,
  busyDays,
  calendarWords,
  dayWords,
  minuteWords,
  stretchWords,
  troubleWords,
} from '../src/text/calendar';

const at = (text: string) => Date.parse(text);
const NOW = at('2026-11-23T09:00:00Z');
const block = (from: string, to: string) => ({ from: at(from), to: at(to) });

describe('the next seven days', () => {
  it('begin with today in the person’s own zone, whatever it is', () => {
    const days = busyDays([], 'Pacific/Auckland', at('2026-11-23T20:00:00Z'));
    expect(days.map((d) => d.date)).toEqual([
      '2026-11-24',
      '2026-11-25',
      '2026-11-26',
      '2026-11-27',
      '2026-11-28',
      '2026-11-29',
      '2026-11-30',
    ]);
    expect(days.every((d) => d.busy.length === 0)).toBe(true);
  });

  it('hold each block on its day, by the clock on the wall', () => {
    const days = busyDays([block('2026-11-24T14:00:00Z', '2026-11-24T15:30:00Z')], 'America/New_York', NOW);
    expect(days[1]).toEqual({ date: '2026-11-24', busy: [{ from: 540, to: 630 }] });
  });

  it('cut a block at midnight and end it on the next day', () => {
    const days = busyDays([block('2026-11-23T22:00:00Z', '2026-11-25T01:00:00Z')], 'UTC', NOW);
    expect(days.slice(0, 3).map((d) => d.busy)).toEqual([
      [{ from: 1320, to: 1440 }],
      [{ from: 0, to: 1440 }],
      [{ from: 0, to: 60 }],
    ]);
  });

  it('leave nothing on a day at whose midnight a block ends', () => {
    const days = busyDays([block('2026-11-23T22:00:00Z', '2026-11-24T00:00:00Z')], 'UTC', NOW);
    expect(days[1]!.busy).toEqual([]);
  });

  it('join blocks that overlap, and leave out what is over and what is no block', () => {
    const days = busyDays(
      [
        block('2026-11-23T12:00:00Z', '2026-11-23T13:00:00Z'),
        block('2026-11-23T10:00:00Z', '2026-11-23T12:30:00Z'),
        block('2026-11-20T10:00:00Z', '2026-11-20T12:00:00Z'),
        block('2026-11-23T15:00:00Z', '2026-11-23T15:00:00Z'),
      ],
      'UTC',
      NOW,
    );
    expect(days[0]!.busy).toEqual([{ from: 600, to: 780 }]);
  });

  it('stand the hour that summer time repeats', () => {
    const before = at('2026-10-25T00:00:00Z');
    const days = busyDays([block('2026-10-25T00:45:00Z', '2026-10-25T01:15:00Z')], 'Europe/Berlin', before);
    expect(days[0]!.busy).toHaveLength(1);
    expect(days[0]!.busy[0]!.to).toBeGreaterThan(days[0]!.busy[0]!.from);
  });

  it('are said in words', () => {
    expect(dayWords('2026-11-23', '2026-11-23')).toBe('Today');
    expect(dayWords('2026-11-24', '2026-11-23')).toBe('Tue 24');
    expect(minuteWords(545)).toBe('09:05');
    expect(stretchWords([])).toBe('nothing');
    expect(stretchWords([{ from: 0, to: 1440 }])).toBe('all day');
    expect(
      stretchWords([
        { from: 540, to: 630 },
        { from: 1320, to: 1440 },
      ]),
    ).toBe('09:00–10:30, 22:00–24:00');
  });
});

describe('a calendar', () => {
  const one: Calendar = { source: 'url', events: 42, busy: [], notes: [] };

  it('says how many events, when it was fetched and when it will be again', () => {
    expect(calendarWords({ ...one, fetched: NOW - 720_000, next_fetch: NOW + 2_880_000 }, NOW)).toBe(
      '42 events · fetched 12 min ago · again in 48 min',
    );
    expect(calendarWords({ ...one, source: 'upload', events: 1, fetched: NOW - 60_000 }, NOW)).toBe(
      '1 event · read 1 min ago',
    );
  });

  it('says why it could not be fetched, and what holds meanwhile', () => {
    const error = { code: 'unreachable', message: 'the host did not answer within 10 s' };
    expect(troubleWords({ ...one, error })).toBe(
      'It could not be fetched yet: the host did not answer within 10 s. It is tried again.',
    );
    expect(troubleWords({ ...one, error, fetched: NOW })).toMatch(
      /10 s\. What was read before still holds\.$/,
    );
  });

  it('has an address that nobody on the way can read', () => {
    expect(addressWrong('https://calendar.example.org/x.ics')).toBeNull();
    expect(addressWrong(' webcal://calendar.example.org/x.ics ')).toBeNull();
    expect(addressWrong('http://calendar.example.org/x.ics')).toMatch(/nobody on the way/);
    expect(addressWrong('calendar.example.org')).toMatch(/no address/);
    expect(addressWrong('')).toMatch(/Paste/);
  });
});

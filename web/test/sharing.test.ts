import { describe, expect, it } from 'vitest';
import type { Friend } from '../src/net/wire';
import {
  browserName,
  clock,
  endOf,
  farEnd,
  inSentence,
  isForever,
  moment,
  roughly,
  seesNow,
  shareWords,
  theyWillSee,
  until,
  youWillSee,
} from '../src/text/words';

const NOON = new Date(2026, 10, 21, 12, 0).getTime();
const HOUR = 3_600_000;
const seen: Friend = { user: 'nora', name: 'Nora', online: true, free: true, near: false };

describe('the page of an invite', () => {
  it('says what each side will see, and until when', () => {
    const both = { mine: 'exact', theirs: 'approximate', theirsUntil: NOON + 6 * HOUR } as const;
    expect(theyWillSee('Ana', both, NOON)).toBe(
      'Ana will see your exact position, whether you are free, and will be told when you are both free and near each other.',
    );
    expect(youWillSee('Ana', both, NOON)).toBe(
      `You will see Ana’s approximate area (about 1 km) and whether they are free until ${clock(NOON + 6 * HOUR)}.`,
    );
  });

  it('promises no word of being near where one side shows nothing', () => {
    expect(theyWillSee('Ana', { mine: 'exact', theirs: 'off' }, NOON)).not.toContain('near');
    expect(theyWillSee('Ana', { mine: 'off', theirs: 'exact' }, NOON)).toContain('offline');
    expect(youWillSee('Ana', { mine: 'exact', theirs: 'off' }, NOON)).toContain('name only');
  });
});

describe('what a friend sees now', () => {
  it('is nothing but the name while hidden or not shared with', () => {
    const words = seesNow('Ana', 'veiled', { ...seen, online: false, free: false }, NOON);
    expect(words).toContain('offline');
    expect(words).not.toContain('online and');
  });

  it('is an area, and how old, when shared approximately', () => {
    const words = seesNow('Ana', 'approximate', { ...seen, lat: 1, lon: 2, t: NOON - 12_000 }, NOON);
    expect(words).toContain('about where you are');
    expect(words).toContain('12 s ago');
    expect(words).not.toContain('exactly');
  });

  it('is no position where no device has sent one', () => {
    expect(seesNow('Ana', 'exact', seen, NOON)).toContain('No position');
    expect(seesNow('Ana', 'presence', seen, NOON)).toContain('no position');
  });
});

describe('an end', () => {
  it('of today is midnight, of tomorrow is the morning, of an hour is an hour', () => {
    expect(endOf('hour', NOON)).toBe(NOON + HOUR);
    expect(new Date(endOf('today', NOON)!).getHours()).toBe(0);
    expect(new Date(endOf('morning', NOON)!).getHours()).toBe(6);
    expect(new Date(endOf('morning', NOON)!).getDate()).toBe(22);
    expect(endOf('open', NOON)).toBeUndefined();
  });

  it('is told by the clock today, by the day later, and not at all when it only stands for never', () => {
    expect(moment(NOON + HOUR, NOON)).toBe(clock(NOON + HOUR));
    expect(moment(NOON + 24 * HOUR, NOON)).toMatch(/^tomorrow, /);
    expect(moment(endOf('today', NOON)! - 21, NOON)).toBe('midnight');
    expect(moment(NOON - 24 * HOUR, NOON)).toMatch(/^yesterday, /);
    expect(moment(NOON + 96 * HOUR, NOON)).toMatch(/25/);
    expect(isForever(farEnd(NOON), NOON)).toBe(true);
    expect(until(farEnd(NOON), NOON)).toBe('');
    expect(shareWords('exact', undefined, NOON)).toBe('exact position');
  });
});

describe('a distance to somebody shown approximately', () => {
  it('is never finer than the cell', () => {
    expect(roughly(3)).toBe('about 1 km');
    expect(roughly(1_499)).toBe('about 1 km');
    expect(roughly(2_740)).toBe('about 3 km');
    expect(roughly(34_400)).toBe('about 34 km');
  });
});

describe('a name', () => {
  it('that is written from right to left does not turn the sentence around it', () => {
    expect(inSentence('Ana')).toBe('Ana');
    expect(inSentence('<img src=x onerror=alert(1)>')).toBe('<img src=x onerror=alert(1)>');
    expect(inSentence('נועה')).toBe('\u2068נועה\u2069');
  });

  it('of this browser has only characters that a device may have', () => {
    const agents = [
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile Safari/604.1',
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:142.0) Gecko/20100101 Firefox/142.0',
      'curl/8',
    ];
    expect(agents.map(browserName)).toEqual([
      'Chrome on Linux',
      'Safari on iOS',
      'Firefox on Windows',
      'Browser',
    ]);
    for (const agent of agents) expect(browserName(agent)).toMatch(/^[A-Za-z0-9_. -]{1,64}$/);
  });
});

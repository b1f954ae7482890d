import { describe, expect, it } from 'vitest';
import type { AlertReason, Phone, Phones } from '../src/net/wire';
import { byReason, ownReason } from '../src/text/alerts';
import {
  addressProblem,
  answerWords,
  droppedWords,
  freshName,
  phoneState,
  safeLink,
  ticks,
} from '../src/text/phones';

const NOW = 1_790_000_000_000;
const fresh: Phone = { id: 7, device: 'Pixel', app: 'owntracks', accepted: 0, dropped: {} };
const list = (phone: Phone | undefined, wrong?: Phones['wrong_credentials']) =>
  ticks(phone, { phones: [], wrong_credentials: wrong }, NOW, 'owntracks').map((t) => [
    t.id,
    t.state,
    t.words,
  ]);

describe('the list that fills while a phone is set up', () => {
  it('waits for everything at first', () => {
    expect(list(undefined).map(([, state]) => state)).toEqual(['wait', 'wait', 'wait', 'wait', 'wait']);
  });

  it('fills as the phone comes in', () => {
    const reached = { ...fresh, reached: NOW - 5_000, last_ok: NOW - 5_000, last_status: 200 };
    expect(list(reached)).toEqual([
      ['reached', 'done', '5 s ago'],
      ['credentials', 'done', 'It is you'],
      ['point', 'wait', ''],
      ['friends', 'wait', ''],
      ['answer', 'done', 'Taken (200), 5 s ago'],
    ]);
    const all = {
      ...reached,
      accepted: 3,
      last_fix: NOW - 12_000,
      friends_sent: { t: NOW - 5_000, count: 2 },
    };
    expect(list(all).slice(2, 4)).toEqual([
      ['point', 'done', 'The newest 12 s ago'],
      ['friends', 'done', '2 friends, 5 s ago'],
    ]);
  });

  it('says friends only of the app that shows them', () => {
    expect(ticks({ ...fresh, app: 'traccar' }, null, NOW).map((t) => t.id)).toEqual([
      'reached',
      'credentials',
      'point',
      'answer',
    ]);
  });

  it('names a wrong secret, which has reached the server all the same', () => {
    const wrong = { t: NOW - 8_000, app: 'owntracks' } as const;
    expect(list(fresh, wrong).slice(0, 2)).toEqual([
      ['reached', 'done', '8 s ago'],
      ['credentials', 'wrong', 'Wrong user or password, 8 s ago'],
    ]);
  });

  it('forgets a wrong secret after the right one, after ten minutes, and where it was another app’s', () => {
    const right = { ...fresh, reached: NOW - 1_000 };
    expect(list(right, { t: NOW - 8_000, app: 'owntracks' })[1]![1]).toBe('done');
    expect(list(fresh, { t: NOW - 700_000, app: 'owntracks' })[1]![1]).toBe('wait');
    expect(list(fresh, { t: NOW - 8_000, app: 'overland' })[1]![1]).toBe('wait');
    expect(list(fresh, { t: NOW - 8_000 })[1]![1]).toBe('wrong');
  });

  it('says when points come and none can be used', () => {
    const odd = { ...fresh, reached: NOW, last_status: 200, dropped: { future: 4 } };
    expect(list(odd)[2]!.slice(1)).toEqual(['wrong', 'Points come, but none could be used']);
  });
});

describe('a phone in words', () => {
  it('says what was left out and why, and nothing of what was not', () => {
    expect(droppedWords({ duplicate: 12, too_often: 1_530, odd: 0, future: 1 })).toEqual([
      `${(1_530).toLocaleString()} more often than needed`,
      '12 sent twice',
      '1 dated in the future: is the phone’s clock right?',
    ]);
    expect(droppedWords(undefined)).toEqual([]);
  });

  it('says how it does, a wrong setting first', () => {
    expect(phoneState(fresh, NOW)).toEqual({ tone: 'wait', words: 'Not heard from yet' });
    expect(phoneState({ ...fresh, last_fix: NOW - 14_000 }, NOW).words).toBe('Last point 14 s ago');
    const hint = { code: 'clock', message: 'The clock is wrong.' };
    expect(phoneState({ ...fresh, last_fix: NOW, hint }, NOW)).toEqual({ tone: 'bad', words: hint.message });
  });

  it('translates an answer', () => {
    expect(answerWords(200)).toBe('Taken (200)');
    expect(answerWords(401)).toBe('Refused: wrong secret (401)');
    expect(answerWords(503)).toMatch(/sends it again/);
  });

  it('gives a name that is not taken', () => {
    expect(freshName([], 'My phone')).toBe('My phone');
    expect(freshName(['My phone', 'My phone 2'], 'My phone')).toBe('My phone 3');
  });
});

describe('what a phone is told', () => {
  it('is an address that a phone can reach', () => {
    expect(addressProblem('https://hang.example.org/pub')).toBeNull();
    expect(addressProblem('http://127.0.0.1:8080/pub')).toMatch(/this machine to itself/);
    expect(addressProblem('http://[::1]:8080/pub')).toMatch(/this machine to itself/);
    expect(addressProblem('http://192.168.1.4:8080/pub')).toMatch(/not encrypted/);
  });

  it('is never a link that runs something here', () => {
    expect(safeLink('owntracks:///config?inline=x')).toBeDefined();
    expect(safeLink('gpslogger://properties/https://x')).toBeDefined();
    expect(safeLink('javascript:alert(1)')).toBeUndefined();
    expect(safeLink(undefined)).toBeUndefined();
  });
});

describe('why there is no alert', () => {
  const friend = (name: string, state: AlertReason['state'], distance?: number): AlertReason => ({
    user: name,
    name,
    state,
    message: name,
    distance,
  });

  it('begins with who is nearest to one', () => {
    const all = [
      friend('d', 'far', 900),
      friend('c', 'not_shown'),
      friend('b', 'busy', 240),
      friend('a', 'near', 90),
    ];
    expect(byReason(all).map((f) => f.name)).toEqual(['a', 'b', 'd', 'c']);
    expect(byReason([friend('y', 'far', 900), friend('x', 'far', 300)]).map((f) => f.name)).toEqual([
      'x',
      'y',
    ]);
  });

  it('says first what is in my own hand', () => {
    expect(ownReason([friend('a', 'far'), friend('b', 'you_busy')], false)?.state).toBe('you_busy');
    expect(ownReason([friend('a', 'you_busy'), friend('b', 'you_hidden')], true)?.state).toBe('you_hidden');
    expect(ownReason([friend('a', 'you_hidden')], false), 'only this friend is shown nothing').toBeNull();
    expect(ownReason([friend('a', 'far')], false)).toBeNull();
  });
});

import { describe, expect, it } from 'vitest';
import { backoffMs, closeSentence, retryAfterMs, shouldReconnect } from '../src/net/backoff';

describe('the back-off', () => {
  it('begins at half a second, doubles, and never exceeds 30 s', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 7, 40].map((n) => backoffMs(n, 0.999999))).toEqual([
      500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000,
    ]);
  });

  it('spreads each step over its upper half, and stays above half a second', () => {
    expect(backoffMs(4, 0)).toBe(4000);
    expect(backoffMs(0, 0)).toBe(500);
    expect(backoffMs(20, 0)).toBe(15_000);
  });

  it('waits for a person after 4400 to 4499 and for nobody else', () => {
    expect([4400, 4401, 4409, 4499].some(shouldReconnect)).toBe(false);
    expect([1000, 1001, 1006, 1012, 1013, 4399, 4500, 4503, 4504].every(shouldReconnect)).toBe(true);
  });

  it('takes the wish of the server from the close reason', () => {
    expect(retryAfterMs('{"retry_after_ms":1500}')).toBe(1500);
    expect(retryAfterMs('restarting, retry_after_ms=900')).toBe(900);
    expect(retryAfterMs('going away')).toBeNull();
    expect(retryAfterMs('retry_after_ms=9999999')).toBe(120_000);
  });

  it('has a sentence for every code', () => {
    for (const code of [4400, 4401, 4403, 4408, 4409, 4429, 4444]) expect(closeSentence(code)).toMatch(/\.$/);
  });
});

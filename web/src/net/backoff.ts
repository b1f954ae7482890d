/** How long to wait before the next try, and which closings deserve one (PROTOCOL.md, "Close codes"). */

const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/**
 * Exponential back-off with full jitter between half of the step and the step, so that a thousand pages do not come back
 * in the same second.
 *
 * @param attempt 0 for the first retry
 * @param random a number in [0, 1)
 */
export function backoffMs(attempt: number, random: number): number {
  const step = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
  return Math.max(FIRST_MS, Math.round(step / 2 + (step / 2) * random));
}

/** From 4400 to 4499 a person has to act first; everything else is worth another try. */
export function shouldReconnect(code: number): boolean {
  return code < 4400 || code > 4499;
}

/** The server's own wish for the pause, where its close reason names one: `retry_after_ms=1500` or JSON. */
export function retryAfterMs(reason: string): number | null {
  const found = /retry_after_ms["\s]*[:=]\s*(\d{1,7})/.exec(reason);
  return found ? Math.min(Number(found[1]), 120_000) : null;
}

/** Why the server closed for good, as a sentence for a person. */
export function closeSentence(code: number): string {
  switch (code) {
    case 4400:
      return 'The server stopped listening to this page after too many errors.';
    case 4401:
      return 'This sign-in has ended or was revoked.';
    case 4403:
      return 'The server does not accept pages from this address.';
    case 4408:
      return 'The server did not learn in time who is asking.';
    case 4409:
      return 'LetsHang is open in a newer window of this device.';
    case 4429:
      return 'This page sent too much, too fast.';
    default:
      return `The server ended the connection (${code}).`;
  }
}

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Link, type LinkState } from '../src/net/link';

class FakeSocket {
  static all: FakeSocket[] = [];
  static readonly OPEN = 1;
  readyState = 0;
  sent: string[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((m: { data: unknown }) => void) | null = null;
  onclose: ((c: { code: number; reason: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  binaryType = '';
  constructor(readonly url: string) {
    FakeSocket.all.push(this);
  }
  send(text: string) {
    this.sent.push(text);
  }
  close() {
    this.readyState = 3;
  }
  opens() {
    this.readyState = 1;
    this.onopen?.();
  }
  closes(code: number, reason = '') {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }
}

let states: LinkState[];
let admitted: boolean | Error;
const make = () =>
  new Link('ws://x/v1/ws', {
    state: (s) => states.push(s),
    text: () => {},
    binary: () => {},
    admit: async () => {
      if (admitted instanceof Error) throw admitted;
      return admitted;
    },
  });
const last = () => states.at(-1)!;
const latest = () => FakeSocket.all.at(-1)!;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', FakeSocket);
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  FakeSocket.all = [];
  states = [];
  admitted = true;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe('the link', () => {
  it('comes back by itself, later each time, until it is welcomed', async () => {
    const link = make();
    link.start();
    await vi.advanceTimersByTimeAsync(0);
    latest().opens();
    expect(last().kind).toBe('open');
    const pauses: number[] = [];
    for (let i = 0; i < 4; i++) {
      latest().closes(1006);
      const state = last();
      if (state.kind !== 'waiting') throw new Error(state.kind);
      pauses.push(state.retryAt - Date.now());
      await vi.advanceTimersByTimeAsync(state.retryAt - Date.now());
    }
    expect(pauses).toEqual([500, 750, 1500, 3000]);
    latest().opens();
    link.welcomed();
    latest().closes(1012);
    const again = last();
    expect(again.kind === 'waiting' && again.retryAt - Date.now()).toBe(500);
  });

  it('stays away after 4401 until a person asks', async () => {
    const link = make();
    link.start();
    await vi.advanceTimersByTimeAsync(0);
    latest().opens();
    latest().closes(4401, 'revoked');
    expect(last()).toMatchObject({ kind: 'stopped', code: 4401 });
    await vi.advanceTimersByTimeAsync(120_000);
    expect(FakeSocket.all).toHaveLength(1);
    link.retry();
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeSocket.all).toHaveLength(2);
  });

  it('tries again when the server cannot be reached, and stops when nobody is signed in', async () => {
    admitted = new Error('unreachable');
    const link = make();
    link.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(last().kind).toBe('waiting');
    admitted = false;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(last().kind).toBe('idle');
    expect(FakeSocket.all).toHaveLength(0);
  });

  it('tests a silent connection and gives it up when nothing answers', async () => {
    const link = make();
    link.start();
    await vi.advanceTimersByTimeAsync(0);
    latest().opens();
    await vi.advanceTimersByTimeAsync(25_000);
    expect(latest().sent).toContain('{"type":"ping","id":1}');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(last().kind).toBe('waiting');
  });

  it('waits as long as the server asks', async () => {
    const link = make();
    link.start();
    await vi.advanceTimersByTimeAsync(0);
    latest().opens();
    latest().closes(1013, '{"retry_after_ms":9000}');
    const state = last();
    expect(state.kind === 'waiting' && state.retryAt - Date.now()).toBe(9000);
  });
});

import { backoffMs, retryAfterMs, shouldReconnect } from './backoff';

/** What the connection is doing. Times are Unix milliseconds of this machine. */
export type LinkState =
  | { kind: 'idle' }
  | { kind: 'connecting'; since: number }
  | { kind: 'open'; since: number }
  | { kind: 'waiting'; since: number; retryAt: number; attempt: number }
  | { kind: 'stopped'; since: number; code: number; reason: string };

export interface LinkEvents {
  state(state: LinkState): void;
  text(text: string): void;
  binary(data: ArrayBuffer): void;
  /** Called before each try: makes sure there is a session. False: nobody is signed in, stop. Throws: not reachable. */
  admit(): Promise<boolean>;
}

/** How long a silent connection is believed before it is tested, and how long the test may take. */
const QUIET_MS = 20_000;
const ANSWER_MS = 10_000;

/**
 * The page's one WebSocket: opens, reopens with jittered back-off, and notices when the other side has gone without a
 * word (a laptop that slept, a dropped Wi-Fi). Only a person's act reopens it after a close code from 4400 to 4499.
 */
export class Link {
  private socket: WebSocket | null = null;
  private attempt = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private watch: ReturnType<typeof setInterval> | undefined;
  private heard = 0;
  private turn = 0;
  /** Since when there has been no socket; kept over the tries, so that a banner can count from it. */
  private since = Date.now();

  constructor(
    private readonly url: string,
    private readonly events: LinkEvents,
  ) {}

  /** Connects now, whatever the back-off says. */
  start() {
    clearTimeout(this.timer);
    if (this.socket) return;
    void this.connect();
  }

  /** "Retry now": a new try without waiting. */
  retry() {
    if (this.socket && this.socket.readyState === WebSocket.OPEN) return;
    this.drop();
    this.attempt = 0;
    this.start();
  }

  stop() {
    this.turn++;
    clearTimeout(this.timer);
    this.drop();
    this.events.state({ kind: 'idle' });
  }

  send(frame: object): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  /** The server's welcome: only now does the back-off begin from its start again. */
  welcomed() {
    this.attempt = 0;
  }

  private async connect() {
    const turn = ++this.turn;
    this.events.state({ kind: 'connecting', since: this.since });
    try {
      if (!(await this.events.admit())) {
        if (turn === this.turn) this.events.state({ kind: 'idle' });
        return;
      }
    } catch {
      if (turn === this.turn) this.wait(null);
      return;
    }
    if (turn !== this.turn) return;
    const socket = new WebSocket(this.url);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    this.heard = Date.now();
    socket.onopen = () => {
      if (socket !== this.socket) return;
      this.heard = Date.now();
      this.events.state({ kind: 'open', since: Date.now() });
    };
    socket.onmessage = (message: MessageEvent) => {
      if (socket !== this.socket) return;
      this.heard = Date.now();
      if (typeof message.data === 'string') this.events.text(message.data);
      else this.events.binary(message.data as ArrayBuffer);
    };
    socket.onclose = (closed) => {
      if (socket !== this.socket) return;
      this.drop();
      this.since = Date.now();
      if (shouldReconnect(closed.code)) this.wait(retryAfterMs(closed.reason));
      else
        this.events.state({ kind: 'stopped', since: this.since, code: closed.code, reason: closed.reason });
    };
    this.watch = setInterval(() => this.check(), 5_000);
  }

  private check() {
    const quiet = Date.now() - this.heard;
    if (quiet > QUIET_MS + ANSWER_MS) {
      this.drop();
      this.since = Date.now();
      this.wait(null);
    } else if (quiet > QUIET_MS) this.send({ type: 'ping', id: 1 });
  }

  private wait(wished: number | null) {
    const pause = Math.max(backoffMs(this.attempt, Math.random()), wished ?? 0);
    this.attempt++;
    this.events.state({
      kind: 'waiting',
      since: this.since,
      retryAt: Date.now() + pause,
      attempt: this.attempt,
    });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.start(), pause);
  }

  private drop() {
    clearInterval(this.watch);
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    try {
      socket.close();
    } catch {
      // already closed
    }
  }
}

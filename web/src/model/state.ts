import { computed, signal } from '@preact/signals';
import type { LinkState } from '../net/link';
import type {
  Availability,
  Calendar,
  DayHistogram,
  Friend,
  Me,
  Phones,
  Sharing,
  Stats,
  Walker,
} from '../net/wire';
import { hourIn } from '../text/words';
import { Dots } from './dots';

/** All that the page knows. Signals for what is shown as text; the dots themselves live in flat arrays. */

export type Session =
  | { kind: 'loading' }
  | { kind: 'unreachable' }
  | { kind: 'signedOut'; message?: string }
  | { kind: 'signedIn'; me: Me };

export interface Person extends Friend {
  /** The dot's key on the map. */
  key: number;
  /** Metres to me, where known. */
  distance?: number;
  /** When the encounter began, Unix milliseconds by this machine. */
  nearSince?: number;
}

/** A pair of people near each other, in the administrator's view. */
export interface Pair {
  a: number;
  b: number;
  id: string;
  /** When they came together; 0 when they already were when they came into view. */
  since: number;
}

export interface Crowd {
  kind: 'points' | 'cells' | 'none';
  shown: number;
  online: number;
  free: number;
  pairs: Pair[];
}

export const session = signal<Session>({ kind: 'loading' });
export const me = computed<Me | null>(() => (session.value.kind === 'signedIn' ? session.value.me : null));
export const admin = computed(() => me.value?.admin ?? false);

export const link = signal<LinkState>({ kind: 'idle' });
/** Whether the page is sure that what it shows is live: there is a socket and it has been welcomed. */
export const welcomed = signal(false);
/** The wall clock, once a second while the page is visible. */
export const now = signal(Date.now());
/** Server's clock minus this machine's, milliseconds. */
export const clockOffset = signal(0);

/** The banner waits: a short gap is nobody's business. */
export const lost = computed(() => {
  const state = link.value;
  return (
    state.kind !== 'open' &&
    state.kind !== 'idle' &&
    (state.kind === 'stopped' || now.value - state.since > 2_000)
  );
});

export const dots = new Dots();
export const friends = signal<ReadonlyMap<string, Person>>(new Map());
/** Mine. `pending`: said by hand and not yet acknowledged. */
export const availability = signal<Availability & { pending?: boolean }>({ free: false });
/** My calendar; null: I have none; undefined: not asked for yet. */
export const calendar = signal<Calendar | null | undefined>(undefined);
/** My phones, as far as a page that shows them has asked. */
export const phones = signal<Phones | null>(null);
/** What I share with each friend, by their id; filled by `GET /v1/friends`. */
export const shares = signal<ReadonlyMap<string, Sharing>>(new Map());
/** Until when I am hidden from everyone, by the server's clock; null: I am not. */
export const hiddenUntil = computed<number | null>(() => {
  const until = me.value?.hidden_until;
  return until !== undefined && until !== null && until > now.value + clockOffset.value ? until : null;
});
export const mySteps = signal(0);
/** What the board of steps shows. */
export const stepsSpan = signal<'day' | 'week'>('day');
/** My steps from Monday to today; null: not known. */
export const weekSteps = signal<number | null>(null);
export const walkers = signal<Walker[]>([]);
/** The date of my own day, `YYYY-MM-DD`. */
export const today = (): string => hourIn(me.value?.time_zone ?? 'UTC', Date.now() + clockOffset.value).date;

export const stats = signal<Stats | null>(null);
export const crowd = signal<Crowd>({ kind: 'none', shown: 0, online: 0, free: 0, pairs: [] });
/** Names of the crowd by index; filled as they are asked for. */
export const names = signal<ReadonlyMap<number, { user: string; name: string }>>(new Map());

export const histogram = signal<DayHistogram | null>(null);
/** The day on show; null is today. */
export const histogramDay = signal<string | null>(null);
export const degraded = signal<string | null>(null);

/** The dot whose card is open, and whether the camera stays with it. */
export const selected = signal<number | null>(null);
export const following = signal(false);
export const hovered = signal<number | null>(null);

/** Pages of the one dialog that need to be told nothing. */
export type Plain =
  | 'account'
  | 'profile'
  | 'privacy'
  | 'devices'
  | 'addDevice'
  | 'data'
  | 'audit'
  | 'invite'
  | 'phones'
  | 'calendar';

/** What the one dialog shows; null: it is closed. */
export type Page =
  | { at: Plain }
  | { at: 'addPhone'; from?: 'devices' }
  | { at: 'phone'; id: string; device: string }
  | { at: 'alerts'; back?: Page }
  | { at: 'friend'; user: string; name: string; from?: 'privacy' | 'alerts' };
export const page = signal<Page | null>(null);

export interface Toast {
  id: number;
  text: string;
  tone: 'near' | 'plain' | 'bad';
}
export const toasts = signal<Toast[]>([]);
let toastId = 0;

export function toast(text: string, tone: Toast['tone'] = 'plain') {
  const id = ++toastId;
  toasts.value = [...toasts.value.slice(-2), { id, text, tone }];
  setTimeout(() => {
    toasts.value = toasts.value.filter((t) => t.id !== id);
  }, 6_000);
}

/** Counters for tests and for the curious: `window.__letshang`. */
export const counters = {
  textFrames: 0,
  crowdFrames: 0,
  moved: 0,
  near: 0,
  apart: 0,
  welcomes: 0,
  viewsSent: 0,
  badFrames: 0,
};

/** A dot's name where known. */
export function nameOf(key: number): string | null {
  if (admin.value) return names.value.get(key)?.name ?? null;
  for (const p of friends.value.values()) if (p.key === key) return p.name;
  return null;
}

export function personOf(key: number): Person | null {
  for (const p of friends.value.values()) if (p.key === key) return p;
  return null;
}

import { batch } from '@preact/signals';
import { api } from '../net/api';
import { type CrowdFrame, decodeCrowd } from '../net/crowd';
import { Link } from '../net/link';
import { type Friend, type Me, parseFrame, type ServerFrame, type Sharing } from '../net/wire';
import { inSentence, metres, roughly } from '../text/words';
import { AREA, FREE, NEAR, ONLINE, STALE } from './dots';
import { invited } from './invited';
import { refreshAvailability, refreshSteps, takeAvailability } from './mine';
import * as s from './state';
import { calm } from './theme';

/** From frames to state: the only place that listens to the server. */

/** What the map hands in: the view to ask for, and a wish to redraw. */
export const mapPort: {
  view: () => { bbox: [number, number, number, number]; zoom: number } | null;
  cells: (f: CrowdFrame | null) => void;
  wake: () => void;
} = {
  view: () => null,
  cells: () => {},
  wake: () => {},
};

/** A position counts as fresh for ten minutes (PROTOCOL.md, section 2). */
const FRESH_MS = 600_000;
const CROWD_GLIDE_MS = 1_100;
const NEARBY_RADIUS_M = 50_000;

const keys = new Map<string, number>();
const keyOf = (user: string): number => {
  let key = keys.get(user);
  if (key === undefined) {
    key = keys.size;
    keys.set(user, key);
  }
  return key;
};

const lastMove = new Map<string, number>();
const pairsSince = new Map<string, number>();
let seq = Date.now();
let lastNearby = 0;
let lastViewAt = 0;

const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/v1/ws`;

export const connection = new Link(url, {
  state(state) {
    batch(() => {
      s.now.value = Date.now();
      s.link.value = state;
      if (state.kind !== 'open') s.welcomed.value = false;
      if (state.kind === 'stopped' && state.code === 4401) void revoked();
    });
  },
  text(text) {
    s.counters.textFrames++;
    const frame = parseFrame(text);
    if (frame) batch(() => take(frame));
    else s.counters.badFrames++;
  },
  binary(data) {
    const frame = decodeCrowd(data);
    if (!frame) {
      s.counters.badFrames++;
      return;
    }
    s.counters.crowdFrames++;
    if (!document.hidden) batch(() => takeCrowd(frame));
  },
  admit: () => admit(),
});

/** Makes sure there is a session: the cookie's, else the guest's. False when a person has to sign in. */
async function admit(): Promise<boolean> {
  const { user, guest } = await api.session();
  if (user === null && !guest) {
    s.session.value = { kind: 'signedOut' };
    return false;
  }
  if (user === null) await api.signIn();
  enter(await api.me());
  return true;
}

let revokedAt = 0;

/**
 * The socket's session is over. The cookie may have been rotated meanwhile, and an open demonstration node gives another
 * for the asking: the server is asked once. Else, or when it happens again at once, a person has to act.
 */
async function revoked(): Promise<void> {
  const again = Date.now() - revokedAt < 10_000;
  revokedAt = Date.now();
  try {
    const { user, guest } = await api.session();
    if (user === null && !guest) throw new Error('nobody');
    if (user === null) await api.signIn();
    else if (again) throw new Error('refused twice');
    connection.retry();
  } catch {
    leave('This sign-in has ended or was revoked. Please sign in again.');
  }
}

/** Back to the sign-in, with nothing left of what was on screen. */
export function leave(message?: string) {
  connection.stop();
  batch(() => {
    forget();
    s.session.value = { kind: 'signedOut', message };
  });
}

export function enter(me: Me) {
  batch(() => {
    const before = s.me.value;
    if (before && before.user !== me.user) forget();
    s.session.value = { kind: 'signedIn', me };
    if (!s.availability.value.pending) takeAvailability(me);
  });
}

/** Nothing of one person's view may be left for the next. */
function forget() {
  s.dots.clear();
  keys.clear();
  lastMove.clear();
  pairsSince.clear();
  s.friends.value = new Map();
  s.shares.value = new Map();
  s.page.value = null;
  s.names.value = new Map();
  s.crowd.value = { kind: 'none', shown: 0, online: 0, free: 0, pairs: [] };
  s.stats.value = null;
  s.walkers.value = [];
  s.weekSteps.value = null;
  s.availability.value = { free: false };
  s.calendar.value = undefined;
  s.phones.value = null;
  s.selected.value = null;
  s.following.value = false;
  mapPort.cells(null);
}

export async function signIn(token: string): Promise<void> {
  await api.signIn(token);
  connection.retry();
}

export async function signOut(): Promise<void> {
  connection.stop();
  try {
    await api.signOut();
  } catch {
    // the cookie stays until it lapses; the page forgets all the same
  }
  leave();
}

function take(frame: ServerFrame) {
  const at = Date.now();
  switch (frame.type) {
    case 'welcome': {
      s.counters.welcomes++;
      connection.welcomed();
      s.clockOffset.value = frame.server_time - at;
      s.welcomed.value = true;
      s.degraded.value = null;
      s.mySteps.value = frame.steps_today;
      // whether what was said on the old connection arrived is asked anew
      if (s.availability.value.pending)
        s.availability.value = { ...s.availability.value, pending: undefined };
      const known = s.friends.value;
      const next = new Map<string, s.Person>();
      for (const f of frame.friends) next.set(f.user, personFrom(f, known.get(f.user), at));
      s.friends.value = next;
      if (!s.admin.value) {
        s.dots.beginRound();
        for (const p of next.values()) place(p, 0);
        s.dots.endRound();
        connection.send({ type: 'map', open: true });
        askNearby(true);
      } else sendView();
      void refreshSoon();
      break;
    }
    case 'moved': {
      s.counters.moved++;
      const next = new Map(s.friends.value);
      for (const m of frame.friends) {
        const p = next.get(m.user);
        if (!p || (p.t !== undefined && m.t < p.t)) continue;
        const moved = { ...p, lat: m.lat, lon: m.lon, t: m.t, acc: m.acc, approximate: m.approximate };
        next.set(m.user, moved);
        const last = lastMove.get(m.user);
        lastMove.set(m.user, at);
        place(moved, last === undefined ? 600 : Math.min(4_000, Math.max(250, (at - last) * 1.1)));
      }
      s.friends.value = next;
      askNearby(false);
      break;
    }
    case 'presence': {
      if (frame.user === s.me.value?.user) {
        takeAvailability(frame);
        void refreshAvailability();
        break;
      }
      change(frame.user, { online: frame.online, free: frame.free, note: frame.note, until: frame.until });
      if (!frame.online || !frame.free) reviewSoon();
      break;
    }
    case 'near': {
      s.counters.near++;
      const p = s.friends.value.get(frame.user);
      change(frame.user, {
        near: true,
        distance: frame.distance,
        nearSince: at,
        free: frame.free,
        note: frame.note,
      });
      if (p && !s.admin.value) {
        const far = p.approximate ? roughly(frame.distance) : metres(frame.distance);
        s.toast(`${inSentence(p.name)} is free and ${far} away`, 'near');
      }
      break;
    }
    case 'apart':
      s.counters.apart++;
      change(frame.user, { near: false, nearSince: undefined });
      break;
    case 'nearby': {
      const next = new Map(s.friends.value);
      for (const row of frame.friends) {
        const p = next.get(row.user);
        if (p) next.set(row.user, { ...p, distance: row.distance });
      }
      s.friends.value = next;
      break;
    }
    case 'steps':
      s.mySteps.value = frame.today;
      break;
    case 'ack':
      if (s.availability.value.pending && frame.seq >= seq) {
        s.availability.value = { ...s.availability.value, pending: undefined };
        void refreshAvailability();
      }
      break;
    case 'error':
      if (frame.seq !== undefined && frame.seq === seq && s.availability.value.pending) {
        s.toast(frame.message, 'bad');
        s.availability.value = { ...s.availability.value, pending: undefined };
        void refreshAvailability();
      }
      break;
    case 'friendship':
      if (frame.state === 'ended') removeFriend(frame.user);
      else if (frame.state === 'friends' && frame.friend) {
        if (!s.friends.value.has(frame.user)) s.toast(`${inSentence(frame.friend.name)} is your friend now`);
        addFriend({ ...frame.friend, user: frame.user }, at);
      }
      break;
    case 'degraded':
      s.degraded.value = frame.since === null || frame.since === undefined ? null : frame.what;
      break;
  }
  mapPort.wake();
}

function personFrom(f: Friend, before: s.Person | undefined, at: number): s.Person {
  return {
    ...f,
    key: keyOf(f.user),
    distance: f.lat === undefined ? undefined : before?.distance,
    nearSince: f.near ? (before?.nearSince ?? at) : undefined,
  };
}

/** A friend as the server now shows them: new, renamed, or with more or less to see than before. */
function addFriend(f: Friend, at: number) {
  const person = personFrom(f, s.friends.value.get(f.user), at);
  s.friends.value = new Map(s.friends.value).set(f.user, person);
  if (s.admin.value) return;
  if (person.lat === undefined) hideDot(person.key);
  else place(person, 0);
  askNearby(true);
}

export function removeFriend(user: string) {
  const gone = s.friends.value.get(user);
  if (!gone) return;
  const next = new Map(s.friends.value);
  next.delete(user);
  s.friends.value = next;
  const shares = new Map(s.shares.value);
  shares.delete(user);
  s.shares.value = shares;
  lastMove.delete(user);
  if (!s.admin.value) hideDot(gone.key);
  const page = s.page.value;
  if (page?.at === 'friend' && page.user === user) s.page.value = null;
}

function hideDot(key: number) {
  s.dots.remove(key);
  if (s.selected.value !== key) return;
  s.selected.value = null;
  s.following.value = false;
}

function change(user: string, what: Partial<s.Person>) {
  const p = s.friends.value.get(user);
  if (!p) return;
  const next = new Map(s.friends.value);
  const changed = { ...p, ...what };
  next.set(user, changed);
  s.friends.value = next;
  if (!s.admin.value) s.dots.setFlags(p.key, flagsOf(changed));
}

function flagsOf(p: s.Person): number {
  const age = Date.now() + s.clockOffset.value - (p.t ?? 0);
  return (
    (p.free ? FREE : 0) |
    (p.online ? ONLINE : 0) |
    (p.near ? NEAR : 0) |
    (age > FRESH_MS ? STALE : 0) |
    (p.approximate ? AREA : 0)
  );
}

function place(p: s.Person, glide: number) {
  if (p.lat === undefined || p.lon === undefined || p.t === undefined) return;
  const fixedAt = performance.now() - (Date.now() + s.clockOffset.value - p.t);
  const acc = p.acc === undefined ? 255 : Math.min(255, Math.round(p.acc));
  const still = calm.value || p.approximate; // from cell to cell there is no way that anybody went
  s.dots.put(p.key, p.lon, p.lat, fixedAt, flagsOf(p), acc, performance.now(), still ? 0 : glide);
}

function takeCrowd(frame: CrowdFrame) {
  const at = performance.now();
  if (!s.admin.value) return;
  if (frame.kind === 'points') {
    s.dots.beginRound();
    for (let i = 0; i < frame.count; i++) {
      s.dots.put(
        frame.index[i]!,
        frame.lon[i]!,
        frame.lat[i]!,
        at - frame.age[i]! * 1000,
        frame.flags[i]!,
        frame.accuracy[i]!,
        at,
        calm.value ? 0 : CROWD_GLIDE_MS,
      );
    }
    s.dots.endRound();
    mapPort.cells(null);
  } else {
    s.dots.clear();
    mapPort.cells(frame);
  }
  const pairs: s.Pair[] = [];
  const seen = new Set<string>();
  const wall = Date.now();
  for (let i = 0; i + 1 < frame.pairs.length; i += 2) {
    const [a, b] = [frame.pairs[i]!, frame.pairs[i + 1]!];
    const id = a < b ? `${a}-${b}` : `${b}-${a}`;
    if (seen.has(id)) continue;
    seen.add(id);
    let since = pairsSince.get(id);
    if (since === undefined) {
      since = wall - lastViewAt < 3_000 ? 0 : wall;
      pairsSince.set(id, since);
    }
    pairs.push({ a, b, id, since });
  }
  for (const id of pairsSince.keys()) if (!seen.has(id)) pairsSince.delete(id);
  pairs.sort((p, q) => q.since - p.since || p.a - q.a);
  const shown = frame.kind === 'points' ? frame.count : frame.cells.reduce((n, c) => n + c.people, 0);
  s.crowd.value = { kind: frame.kind, shown, online: frame.online, free: frame.free, pairs };
  mapPort.wake();
}

/** Tells the server what the administrator looks at. */
export function sendView() {
  const view = mapPort.view();
  if (!view || !s.admin.value || !s.welcomed.value) return;
  if (!connection.send({ type: 'view', ...view })) return;
  s.counters.viewsSent++;
  lastViewAt = Date.now();
}

/** Distances from the server, which knows where my own phone is; this page does not. At most every 5 s. */
function askNearby(force: boolean) {
  const at = Date.now();
  if (s.admin.value || (!force && at - lastNearby < 5_000)) return;
  lastNearby = at;
  connection.send({ type: 'nearby', id: 'list', radius: NEARBY_RADIUS_M, limit: 200 });
}

/** Sets my own availability. `until` in Unix milliseconds; without it, until changed. */
export function setAvailability(free: boolean, note: string, until?: number) {
  seq = Math.max(seq + 1, Date.now());
  const words = note.trim();
  const sent = connection.send({
    type: 'availability',
    free,
    ...(words ? { note: words } : {}),
    ...(until ? { until } : {}),
    seq,
  });
  if (sent) s.availability.value = { free, note: words || undefined, until, source: 'hand', pending: true };
  else s.toast('Not connected: nothing was changed.', 'bad');
}

// ---------------------------------------------------------------- what is asked for by HTTP

export async function refreshHistogram(): Promise<void> {
  const day = s.histogramDay.value;
  try {
    const value = await api.histogram(day ?? undefined);
    if (s.histogramDay.value === day && Array.isArray(value?.hours)) s.histogram.value = value;
  } catch {
    // shown again when it is there
  }
}

async function refreshSlow(): Promise<void> {
  if (s.admin.value) {
    try {
      s.stats.value = await api.stats();
    } catch {
      // the next round
    }
  } else await refreshSteps();
}

/** Friends as the server shows them now, and what I share with each. */
export async function refreshFriends(): Promise<void> {
  try {
    const { friends } = await api.friends();
    batch(() => takeFriends(friends));
  } catch {
    // shown again when it is there
  }
}

function takeFriends(friends: (Friend & Sharing)[]) {
  const at = Date.now();
  const shares = new Map<string, Sharing>();
  const next = new Map(s.friends.value);
  for (const { sharing, sharing_until, ...f } of friends) {
    shares.set(f.user, { sharing, sharing_until });
    const before = next.get(f.user);
    if (!before) continue;
    // a frame may have overtaken this answer, which is the last word only on whether there is a position
    const older = f.t !== undefined && before.t !== undefined && f.t < before.t;
    const person = older ? before : personFrom(f, before, at);
    next.set(f.user, person);
    if (s.admin.value) continue;
    if (person.lat === undefined) hideDot(person.key);
    else if (person.t !== before.t || person.approximate !== before.approximate) place(person, 0);
  }
  s.shares.value = shares;
  s.friends.value = next;
  mapPort.wake();
}

let reviewing: ReturnType<typeof setTimeout> | undefined;

/** Somebody is offline or busy now: what is still to be seen of them is the server's to say. At most one call in 2 s. */
function reviewSoon() {
  if (reviewing !== undefined) return;
  const pause = Math.max(150, reviewed + 2_000 - Date.now());
  reviewing = setTimeout(() => {
    reviewing = undefined;
    reviewed = Date.now();
    if (s.welcomed.value) void refreshFriends();
  }, pause);
}
let reviewed = 0;

/** My own profile, which another device of mine may have changed. */
export async function refreshMe(): Promise<void> {
  try {
    const me = await api.me();
    if (s.me.value?.user === me.user) enter(me);
    if (!s.admin.value) await refreshAvailability();
  } catch {
    // the next round
  }
}

async function refreshSoon(): Promise<void> {
  const mine = s.admin.value ? [] : [refreshAvailability()];
  await Promise.allSettled([refreshHistogram(), refreshSlow(), refreshFriends(), ...mine]);
}

/** Starts everything that repeats. */
export function begin() {
  if (invited.value === null) connection.start();
  let second = 0;
  setInterval(() => {
    if (document.hidden) return;
    second++;
    s.now.value = Date.now();
    if (!s.welcomed.value) return;
    if (second % (s.admin.value ? 5 : 20) === 0) void refreshSlow();
    if (second % 10 === 0) void refreshHistogram();
    if (second % 60 === 0) void Promise.allSettled([refreshMe(), refreshFriends()]);
    if (!s.admin.value) {
      if (second % 10 === 0) askNearby(false);
      for (const p of s.friends.value.values()) s.dots.setFlags(p.key, flagsOf(p));
    }
    const until = s.availability.value.until;
    const lapsed = until !== undefined && until < Date.now() + s.clockOffset.value;
    if (lapsed && second % 3 === 0) void refreshAvailability();
  }, 1_000);
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return;
    s.now.value = Date.now();
    if (s.link.value.kind === 'waiting') connection.retry();
    if (s.welcomed.value) void Promise.allSettled([refreshSoon(), refreshMe()]);
  });
  addEventListener('online', () => {
    if (s.link.value.kind === 'waiting') connection.retry();
  });
}

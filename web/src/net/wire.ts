/** The protocol's objects (PROTOCOL.md, version 1). Degrees, metres, milliseconds since the Unix epoch. */

export interface Friend {
  user: string;
  name: string;
  online: boolean;
  free: boolean;
  note?: string;
  until?: number;
  near: boolean;
  lat?: number;
  lon?: number;
  t?: number;
  acc?: number;
  /** The position is the centre of a cell of about 1 km, not where the friend is. */
  approximate?: boolean;
}

export interface Moved {
  user: string;
  lat: number;
  lon: number;
  t: number;
  acc?: number;
  approximate?: boolean;
  speed?: number;
  heading?: number;
}

export type ServerFrame =
  | {
      type: 'welcome';
      user: string;
      name: string;
      server_time: number;
      free: boolean;
      steps_today: number;
      friends: Friend[];
    }
  | { type: 'moved'; friends: Moved[] }
  | { type: 'presence'; user: string; online: boolean; free: boolean; note?: string; until?: number }
  | { type: 'near'; user: string; distance: number; free: boolean; note?: string; t: number }
  | { type: 'apart'; user: string; t: number; reason: string }
  | { type: 'nearby'; id: unknown; friends: { user: string; distance: number }[] }
  | { type: 'steps'; today: number }
  | { type: 'ack'; seq: number; rejected?: { index: number; code: string }[] }
  | { type: 'friendship'; user: string; state: string; friend?: Friend }
  | { type: 'degraded'; what: string; since: number | null }
  | { type: 'pong'; id?: unknown; server_time: number }
  | { type: 'error'; code: string; message: string; seq?: number; field?: string };

export interface Me {
  user: string;
  name: string;
  admin: boolean;
  radius: number;
  time_zone: string;
  stride: number;
  free: boolean;
  note?: string;
  until?: number;
  /** Hidden from everyone until then. */
  hidden_until?: number;
  /** A position is shown only while free. */
  only_free?: boolean;
  /** What decided about free or busy. */
  source?: Source;
  /** The hours of a week in which I am free by default, in my own time zone. */
  free_hours?: FreeHours[] | null;
  /** Whether friends see my steps on their boards. */
  on_board?: boolean;
}

/** What decides whether somebody is free: their own word, their calendar, their weekly hours, or nothing (busy). */
export type Source = 'hand' | 'calendar' | 'hours' | 'default';

/** My own free or busy. `until`: when this ends by itself; `next`: what holds then, where that is known. */
export interface Availability {
  free: boolean;
  note?: string;
  until?: number;
  source?: Source;
  next?: { free: boolean; source: Source };
}

export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

/** Some days' hours, "18:00" to "22:00"; `to` may be "24:00", and one that is not after `from` is of the next day. */
export interface FreeHours {
  days: Weekday[];
  from: string;
  to: string;
}

/** My calendar as the server read it. `busy`: the next seven days. `notes`: what of it was left out, and why. */
export interface Calendar {
  source: 'upload' | 'url';
  url_host?: string;
  events: number;
  busy: { from: number; to: number }[];
  fetched?: number;
  next_fetch?: number;
  error?: { code: string; message: string };
  notes: string[];
}

/** How precisely one person shows themselves to another. */
export type Precision = 'exact' | 'approximate' | 'off';

/** What one person lets another see, and until when. */
export interface Sharing {
  sharing: Precision;
  /** When that ends by itself; absent: when it is changed. */
  sharing_until?: number;
}

/** What a viewer is shown of a person. Veiled: as of somebody who is offline. */
export type Sight = 'exact' | 'approximate' | 'presence' | 'veiled';

/** An open invite, as its maker sees it. */
export interface Invite extends Sharing {
  id: number | string;
  created: number;
  expires: number;
}

/** An invite, as whoever has its link sees it. */
export interface Invitation {
  administrator: boolean;
  inviter?: { user: string; name: string };
  sharing?: Precision;
  sharing_until?: number;
  expires: number;
}

export type TokenKind = 'full' | 'session' | 'device';

export interface Token {
  id: number | string;
  device: string;
  kind: TokenKind;
  created: number;
  expires?: number;
  /** The one that this request was made with. */
  current: boolean;
}

/** The phone apps that the server speaks with. */
export type PhoneApp = 'owntracks' | 'traccar' | 'overland' | 'gpslogger';

/** What a phone app needs to be told; given once, with the token in it. */
export interface Setup {
  url: string;
  user?: string;
  password?: string;
  /** Opens the app with everything filled in. */
  link?: string;
  /** What the code to scan says. */
  qr: string;
  /** What to type where links and codes do not work. */
  fields: { name: string; value: string }[];
}

/** Points that were left out, by why. */
export type Dropped = Partial<
  Record<'late' | 'duplicate' | 'odd' | 'too_often' | 'future' | 'too_old', number>
>;

/** A phone app that reports as me, and how it does. `id` is its token's. */
export interface Phone {
  id: number | string;
  device: string;
  app?: PhoneApp;
  platform?: string;
  /** When it last came with the right credentials. */
  reached?: number;
  /** When it came first, since the server started. */
  reached_first?: number;
  last_ok?: number;
  /** The newest position that was taken, by the phone's clock. */
  last_fix?: number;
  friends_sent?: { t: number; count: number };
  /** The HTTP status of the last answer. */
  last_status?: number;
  /** Since the server started, like `dropped`. */
  accepted: number;
  dropped?: Dropped;
  hint?: { code: string; message: string };
  /** OwnTracks: whether the app says who is near; absent: on iPhones. */
  near_notices?: boolean;
  /** OwnTracks on an iPhone: whether it is asked for its steps. */
  ask_steps?: boolean;
}

export interface Phones {
  phones: Phone[];
  /** The last time that somebody came with my name and a wrong secret. */
  wrong_credentials?: { t: number; app?: PhoneApp };
}

/** Why a friend raises no alert now, in the server's words. */
export interface AlertReason {
  user: string;
  name: string;
  state:
    | 'near'
    | 'far'
    | 'busy'
    | 'you_busy'
    | 'stale'
    | 'you_stale'
    | 'coarse'
    | 'recently'
    | 'not_shown'
    | 'you_hidden';
  message: string;
  distance?: number;
}

export interface Viewer {
  user: string;
  name: string;
  sight: Sight;
  until?: number;
}

export interface AuditEntry {
  t: number;
  actor?: string;
  action: string;
  subject?: string;
}

export interface Stats {
  users: number;
  online: number;
  free: number;
  near_pairs: number;
  fixes_per_second: number;
  steps_today: number;
  connections: number;
  uptime_s: number;
  version: string;
  mode: { redis: boolean; demo: boolean };
}

export interface HourCount {
  hour: number;
  free: number;
  online: number;
}

export interface DayHistogram {
  date: string;
  time_zone: string;
  complete: boolean;
  hours: HourCount[];
  /** Counts below this are shown as none; absent or 1: all are shown. */
  smallest?: number;
}

export interface Walker {
  user: string;
  name: string;
  steps: number;
  me?: boolean;
}

/** A text frame as an object with a `type`, or null: a frame this client cannot read is left alone. */
export function parseFrame(text: string): ServerFrame | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string')
      return value as ServerFrame;
  } catch {
    // not JSON
  }
  return null;
}

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
}

export interface Moved {
  user: string;
  lat: number;
  lon: number;
  t: number;
  acc?: number;
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
  | { type: 'friendship'; user: string; state: string }
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
}

export interface Walker {
  user: string;
  name: string;
  steps: number;
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

/** Times, distances and counts in words. Everything here is pure: `now` is given. */

const number = new Intl.NumberFormat();

export const count = (n: number): string => number.format(Math.round(n));

/** "1,234" up to 9,999, then "12.3k", "1.2M": for places where room is short. */
export function brief(n: number): string {
  if (n < 10_000) return count(n);
  if (n < 999_500) return `${trim(n / 1000)}k`;
  return `${trim(n / 1_000_000)}M`;
}

function trim(x: number): string {
  return x >= 100 ? String(Math.round(x)) : x.toFixed(1).replace(/\.0$/, '');
}

/** "just now", "12 s ago", "4 min ago", "3 h ago", "2 days ago". */
export function ago(seconds: number): string {
  if (seconds < 2) return 'just now';
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  const days = Math.floor(seconds / 86_400);
  return days === 1 ? 'yesterday' : `${days} days ago`;
}

/** "45 s", "4 min", "2 h 5 min": how long something has lasted or will. */
export function span(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  const minutes = Math.floor((s % 3600) / 60);
  return minutes === 0 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 3600)} h ${minutes} min`;
}

/** "80 m", "1.2 km", "34 km". Below 1 km in steps of 10 m: finer would pretend to know more than a phone does. */
export function metres(m: number): string {
  if (m < 10) return 'right here';
  if (m < 995) return `${Math.round(m / 10) * 10} m`;
  if (m < 9_950) return `${(m / 1000).toFixed(1)} km`;
  return `${count(m / 1000)} km`;
}

/** The clock in the reader's own zone: "15:30". */
export function clock(ms: number): string {
  return new Date(ms).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });
}

/** Up to two letters for an avatar. */
export function initials(name: string): string {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  const first = [...(words[0] ?? '?')];
  const last = words.length > 1 ? [...(words.at(-1) ?? '')] : [];
  return ((first[0] ?? '?') + (last[0] ?? '')).toUpperCase();
}

/** The hour of the day (0–23) and the date it now is in a time zone; the reader's own when the zone is unknown. */
export function hourIn(zone: string, nowMs: number): { date: string; hour: number } {
  let format: Intl.DateTimeFormat;
  const options: Intl.DateTimeFormatOptions = {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    hourCycle: 'h23',
  };
  try {
    format = new Intl.DateTimeFormat('en-CA', { ...options, timeZone: zone });
  } catch {
    format = new Intl.DateTimeFormat('en-CA', options);
  }
  const part = Object.fromEntries(format.formatToParts(nowMs).map((p) => [p.type, p.value]));
  return { date: `${part.year}-${part.month}-${part.day}`, hour: Number(part.hour) };
}

/** The day before or after a date, `YYYY-MM-DD`. */
export function shiftDay(date: string, days: number): string {
  const at = new Date(`${date}T12:00:00Z`);
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

/** "Europe/Berlin" → "Berlin", "America/New_York" → "New York". */
export function zoneName(zone: string): string {
  return zone === 'UTC' || zone === 'Etc/UTC' ? 'UTC' : (zone.split('/').at(-1) ?? zone).replaceAll('_', ' ');
}

/** Great-circle distance in metres (haversine, mean Earth radius 6,371,008.8 m). */
export function metresBetween(aLat: number, aLon: number, bLat: number, bLon: number): number {
  const rad = Math.PI / 180;
  const dLat = (bLat - aLat) * rad;
  const dLon = (bLon - aLon) * rad;
  const h = Math.sin(dLat / 2) ** 2 + Math.cos(aLat * rad) * Math.cos(bLat * rad) * Math.sin(dLon / 2) ** 2;
  return 2 * 6_371_008.8 * Math.asin(Math.min(1, Math.sqrt(h)));
}

export * from './sharing';

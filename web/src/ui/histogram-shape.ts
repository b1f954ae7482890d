import type { HourCount } from '../net/wire';

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Bar {
  hour: number;
  x: number;
  free: { y: number; height: number };
  online: { y: number; height: number };
}

/** The next round number at or above the largest count: 1, 2, 5, 10, 20, 50, … (at least 4, so that 1 is not a full bar). */
export function roundTop(most: number): number {
  if (most <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(most));
  for (const step of [1, 2, 4, 5, 8, 10]) if (most <= step * power) return step * power;
  return 10 * power;
}

/** Where the 24 bars go. A count above 0 is never shorter than 2 units: an hour with one person must be seen. */
export function bars(
  hours: HourCount[],
  plot: Box,
): { bars: Bar[]; width: number; ticks: { value: number; y: number }[]; top: number } {
  const top = roundTop(hours.reduce((n, h) => Math.max(n, h.free, h.online), 0));
  const slot = plot.width / 24;
  const width = Math.max(3, slot - 4);
  const base = plot.y + plot.height;
  const rise = (n: number) => (n <= 0 ? 0 : Math.max(2, (n / top) * plot.height));
  const made = Array.from({ length: 24 }, (_, hour): Bar => {
    const h = hours[hour] ?? { hour, free: 0, online: 0 };
    const free = rise(h.free);
    const online = rise(h.online);
    return {
      hour,
      x: plot.x + slot * hour + (slot - width) / 2,
      free: { y: base - free, height: free },
      online: { y: base - online, height: online },
    };
  });
  const ticks = [0, top / 2, top].map((value) => ({ value, y: base - (value / top) * plot.height }));
  return { bars: made, width, ticks, top };
}

/** "15–16 h" for the hour that begins at 15:00. */
export function hourLabel(hour: number): string {
  return `${String(hour).padStart(2, '0')}:00–${String((hour + 1) % 24).padStart(2, '0')}:00`;
}

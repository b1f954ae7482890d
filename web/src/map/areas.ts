import type { Person } from '../model/state';
import { metresBetween } from '../text/words';

/** A cell's size where the server does not say: from its centre to its corners, metres. */
const CELL_M = 800;
const EARTH_ROUND_M = 40_075_016.7;

/** Friends of whom only the cell is known, as discs of the cell's size. */
export const areas = (friends: Iterable<Person>): Person[] =>
  [...friends].filter((p) => p.approximate && p.lat !== undefined && p.lon !== undefined);

const reach = (p: Person): number => Math.max(p.acc ?? CELL_M, 300);

/** One disc for each cell, however many are in it. `r`: its radius in pixels at zoom 0. */
export function areaFeatures(
  friends: Iterable<Person>,
  chosen: number | null,
  isFree: (p: Person) => boolean,
  colours: { free: string; busy: string },
): GeoJSON.Feature[] {
  const cells = new Map<string, Person[]>();
  for (const p of areas(friends)) {
    const cell = `${p.lat} ${p.lon}`;
    cells.set(cell, [...(cells.get(cell) ?? []), p]);
  }
  return [...cells.values()].map((people) => {
    const p = people[0]!;
    const round = EARTH_ROUND_M * Math.max(0.01, Math.cos(((p.lat ?? 0) * Math.PI) / 180));
    return {
      type: 'Feature',
      properties: {
        r: (Math.max(...people.map(reach)) / round) * 512,
        colour: people.some(isFree) ? colours.free : colours.busy,
        near: people.some((q) => q.near),
        chosen: people.some((q) => q.key === chosen),
      },
      geometry: { type: 'Point', coordinates: [p.lon ?? 0, p.lat ?? 0] },
    };
  });
}

/** The names of all who are in one cell: "Kira, Ben and 3 more". */
export function together(names: string[]): string {
  if (names.length <= 2) return names.join(' and ');
  return `${names.slice(0, 2).join(', ')} and ${names.length - 2} more`;
}

/** Whose disc a point is in, the one with the nearest middle; -1: nobody's. */
export function areaAt(friends: Iterable<Person>, lon: number, lat: number): number {
  let best = Infinity;
  let found = -1;
  for (const p of areas(friends)) {
    const d = metresBetween(lat, lon, p.lat ?? 0, p.lon ?? 0);
    if (d > reach(p) || d >= best) continue;
    best = d;
    found = p.key;
  }
  return found;
}

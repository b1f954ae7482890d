import type { Person } from '../model/state';
import { metresBetween } from '../text/words';

/** A cell's size where the server does not say: from its centre to its corners, metres. */
const CELL_M = 800;
const EARTH_ROUND_M = 40_075_016.7;

/** Friends of whom only the cell is known, as discs of the cell's size. */
export const areas = (friends: Iterable<Person>): Person[] =>
  [...friends].filter((p) => p.approximate && p.lat !== undefined && p.lon !== undefined);

const reach = (p: Person): number => Math.max(p.acc ?? CELL_M, 300);

/** `r`: the disc's radius in pixels at zoom 0. */
export function areaFeatures(
  friends: Iterable<Person>,
  chosen: number | null,
  colourOf: (p: Person) => string,
): GeoJSON.Feature[] {
  return areas(friends).map((p) => ({
    type: 'Feature',
    properties: {
      r: (reach(p) / (EARTH_ROUND_M * Math.max(0.01, Math.cos(((p.lat ?? 0) * Math.PI) / 180)))) * 512,
      colour: colourOf(p),
      near: p.near,
      chosen: p.key === chosen,
    },
    geometry: { type: 'Point', coordinates: [p.lon ?? 0, p.lat ?? 0] },
  }));
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

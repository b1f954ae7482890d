import type { Map as MapLibre } from 'maplibre-gl';

/** The box to ask the crowd for: what is on screen and a fifth more on each side, so that a small move shows no hole. */
export function boxOf(
  west: number,
  south: number,
  east: number,
  north: number,
): [number, number, number, number] {
  const dx = (east - west) * 0.2;
  const dy = (north - south) * 0.2;
  const s = Math.max(-90, south - dy);
  const n = Math.min(90, north + dy);
  if (east - west + 2 * dx >= 360) return [-180, s, 180, n];
  return [wrap(west - dx), s, wrap(east + dx), n];
}

/** A longitude from -180 to 180. */
export function wrap(lon: number): number {
  const l = ((((lon + 180) % 360) + 360) % 360) - 180;
  return Number(l.toFixed(6));
}

export function viewOf(map: MapLibre): { bbox: [number, number, number, number]; zoom: number } {
  const b = map.getBounds();
  return {
    bbox: boxOf(b.getWest(), b.getSouth(), b.getEast(), b.getNorth()),
    zoom: Math.max(0, Math.min(24, Number(map.getZoom().toFixed(2)))),
  };
}

/** A grid in round metres over the view, so that a place without streets still shows how far things are. */
export function graticule(
  west: number,
  south: number,
  east: number,
  north: number,
  zoom: number,
): GeoJSON.FeatureCollection {
  const step = zoom >= 16 ? 100 : zoom >= 14.5 ? 250 : zoom >= 13 ? 500 : 1000;
  const midLat = Math.round((south + north) / 2 / 0.5) * 0.5; // one width of cell for a whole band, or the lines would wander
  const dLat = step / 111_195;
  const dLon = step / (111_195 * Math.max(0.05, Math.cos((midLat * Math.PI) / 180)));
  const lines: [number, number][][] = [];
  for (let x = Math.ceil(west / dLon) * dLon; x <= east && lines.length < 120; x += dLon)
    lines.push([
      [x, south],
      [x, north],
    ]);
  for (let y = Math.ceil(south / dLat) * dLat; y <= north && lines.length < 240; y += dLat)
    lines.push([
      [west, y],
      [east, y],
    ]);
  return {
    type: 'FeatureCollection',
    features: [
      { type: 'Feature', properties: {}, geometry: { type: 'MultiLineString', coordinates: lines } },
    ],
  };
}

/** A circle of some metres around a point, as a polygon of 48 corners. */
export function circle(lon: number, lat: number, metres: number): [number, number][] {
  const dLat = metres / 111_195;
  const dLon = dLat / Math.max(0.01, Math.cos((lat * Math.PI) / 180));
  return Array.from({ length: 49 }, (_, i) => [
    lon + dLon * Math.cos((i * Math.PI) / 24),
    lat + dLat * Math.sin((i * Math.PI) / 24),
  ]);
}

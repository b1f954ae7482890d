/** Builds crowd frames byte by byte, as the server does. */
export interface Point {
  index: number;
  lat: number;
  lon: number;
  age: number;
  flags: number;
  accuracy: number;
}

function header(
  view: DataView,
  kind: number,
  time: number,
  items: number,
  pairs: number,
  online: number,
  free: number,
) {
  for (const [i, c] of [...'LHC1'].entries()) view.setUint8(i, c.charCodeAt(0));
  view.setUint8(4, kind);
  view.setFloat64(8, time, true);
  view.setUint32(16, items, true);
  view.setUint32(20, pairs, true);
  view.setUint32(24, online, true);
  view.setUint32(28, free, true);
}

function pairsAt(view: DataView, at: number, pairs: [number, number][]) {
  for (const [i, [a, b]] of pairs.entries()) {
    view.setUint32(at + i * 8, a, true);
    view.setUint32(at + i * 8 + 4, b, true);
  }
}

export function pointsFrame(
  points: Point[],
  pairs: [number, number][],
  online = 0,
  free = 0,
  time = 0,
): ArrayBuffer {
  const buffer = new ArrayBuffer(32 + points.length * 16 + pairs.length * 8);
  const view = new DataView(buffer);
  header(view, 0, time, points.length, pairs.length, online, free);
  for (const [i, p] of points.entries()) {
    const at = 32 + i * 16;
    view.setUint32(at, p.index, true);
    view.setInt32(at + 4, Math.round(p.lat * 1e7), true);
    view.setInt32(at + 8, Math.round(p.lon * 1e7), true);
    view.setUint16(at + 12, p.age, true);
    view.setUint8(at + 14, p.flags);
    view.setUint8(at + 15, p.accuracy);
  }
  pairsAt(view, 32 + points.length * 16, pairs);
  return buffer;
}

export function cellsFrame(
  cells: { lat: number; lon: number; people: number; free: number }[],
  pairs: [number, number][] = [],
): ArrayBuffer {
  const buffer = new ArrayBuffer(32 + cells.length * 16 + pairs.length * 8);
  const view = new DataView(buffer);
  header(view, 1, 0, cells.length, pairs.length, 0, 0);
  for (const [i, c] of cells.entries()) {
    const at = 32 + i * 16;
    view.setInt32(at, Math.round(c.lat * 1e7), true);
    view.setInt32(at + 4, Math.round(c.lon * 1e7), true);
    view.setUint32(at + 8, c.people, true);
    view.setUint32(at + 12, c.free, true);
  }
  pairsAt(view, 32 + cells.length * 16, pairs);
  return buffer;
}

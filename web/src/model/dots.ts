import { FREE, NEAR, ONLINE, STALE } from '../net/crowd';

/** Of friends only, never on the wire: the position is a cell's, so no dot is drawn for it. */
export const AREA = 16;

/**
 * Everyone on the map, in flat arrays. A dot glides from where it was to where it is now; its position at any moment is
 * the same formula here (labels, hit test, camera) and in the vertex shader.
 *
 * Coordinates are Web Mercator, 0 to 1 from the north-west corner. Times are milliseconds of `performance.now()`.
 */
export class Dots {
  count = 0;
  keys = new Int32Array(64);
  x0 = new Float64Array(64);
  y0 = new Float64Array(64);
  x1 = new Float64Array(64);
  y1 = new Float64Array(64);
  /** When the glide began, and how long it takes. */
  start = new Float64Array(64);
  duration = new Float32Array(64);
  /** When the position was measured, by this machine's clock. */
  fixed = new Float64Array(64);
  flags = new Uint8Array(64);
  /** Metres; 255 = unknown. */
  accuracy = new Uint8Array(64);
  /** Rises whenever something that is drawn changes. */
  version = 0;
  /** The moment the last glide ends; before it, every frame differs from the one before. */
  movingUntil = 0;
  /** The fastest glide under way, mercator units a millisecond: how often a picture is worth drawing. */
  fastest = 0;
  private seen = new Uint32Array(64);
  private round = 0;
  private slots = new Map<number, number>();

  slot(key: number): number | undefined {
    return this.slots.get(key);
  }

  /** Places a dot. `glide` is how long the move may take, 0 to jump. Far moves (over about 3 km) always jump. */
  put(
    key: number,
    lon: number,
    lat: number,
    fixedAt: number,
    flags: number,
    accuracy: number,
    now: number,
    glide: number,
  ) {
    const x = mercatorX(lon);
    const y = mercatorY(lat);
    let i = this.slots.get(key);
    if (i === undefined) {
      i = this.add(key);
      this.x0[i] = this.x1[i] = x;
      this.y0[i] = this.y1[i] = y;
      this.start[i] = now;
      this.duration[i] = 0;
    } else if (x !== this.x1[i] || y !== this.y1[i]) {
      const f = this.progress(i, now);
      const fromX = this.x0[i]! + (this.x1[i]! - this.x0[i]!) * f;
      const fromY = this.y0[i]! + (this.y1[i]! - this.y0[i]!) * f;
      const jump = glide <= 0 || Math.abs(fromX - x) + Math.abs(fromY - y) > 1e-4;
      this.x0[i] = jump ? x : fromX;
      this.y0[i] = jump ? y : fromY;
      this.x1[i] = x;
      this.y1[i] = y;
      this.start[i] = now;
      this.duration[i] = jump ? 0 : glide;
      if (!jump) {
        if (now > this.movingUntil) this.fastest = 0;
        this.movingUntil = Math.max(this.movingUntil, now + glide);
        this.fastest = Math.max(this.fastest, (Math.abs(fromX - x) + Math.abs(fromY - y)) / glide);
      }
    }
    this.fixed[i] = fixedAt;
    this.flags[i] = flags;
    this.accuracy[i] = accuracy;
    this.seen[i] = this.round;
    this.version++;
  }

  setFlags(key: number, flags: number) {
    const i = this.slots.get(key);
    if (i === undefined || this.flags[i] === flags) return;
    this.flags[i] = flags;
    this.version++;
  }

  remove(key: number) {
    const i = this.slots.get(key);
    if (i === undefined) return;
    const last = --this.count;
    this.slots.delete(key);
    if (i !== last) {
      for (const column of this.columns()) column[i] = column[last]!;
      this.slots.set(this.keys[i]!, i);
    }
    this.version++;
  }

  clear() {
    this.count = 0;
    this.slots.clear();
    this.version++;
  }

  /** A round is one whole picture: what is not `put` between `begin` and `end` is gone afterwards. */
  beginRound() {
    this.fastest = 0;
    this.round++;
  }

  endRound() {
    for (let i = this.count - 1; i >= 0; i--) if (this.seen[i] !== this.round) this.remove(this.keys[i]!);
  }

  /** Where a slot is now: mercator x and y written to `out`. */
  at(i: number, now: number, out: { x: number; y: number }) {
    const f = this.progress(i, now);
    out.x = this.x0[i]! + (this.x1[i]! - this.x0[i]!) * f;
    out.y = this.y0[i]! + (this.y1[i]! - this.y0[i]!) * f;
    return out;
  }

  /** Where a dot is now, in degrees; null when it is not on the map. */
  lonLat(key: number, now: number): { lon: number; lat: number } | null {
    const i = this.slots.get(key);
    if (i === undefined) return null;
    const p = this.at(i, now, { x: 0, y: 0 });
    return { lon: lonOf(p.x), lat: latOf(p.y) };
  }

  /** The dot closest to a mercator point within `reach`, free and near ones preferred on a tie; -1 when there is none. */
  nearest(x: number, y: number, reach: number, now: number): number {
    let best = reach * reach;
    let found = -1;
    const p = { x: 0, y: 0 };
    for (let i = 0; i < this.count; i++) {
      if (Math.abs(this.x1[i]! - x) > reach + 1e-4) continue;
      this.at(i, now, p);
      const d = (p.x - x) ** 2 + (p.y - y) ** 2;
      if (d < best) {
        best = d;
        found = this.keys[i]!;
      }
    }
    return found;
  }

  private progress(i: number, now: number): number {
    const d = this.duration[i]!;
    return d <= 0 ? 1 : Math.min(1, Math.max(0, (now - this.start[i]!) / d));
  }

  private add(key: number): number {
    if (this.count === this.keys.length) this.grow();
    const i = this.count++;
    this.keys[i] = key;
    this.slots.set(key, i);
    return i;
  }

  private columns() {
    return [
      this.keys,
      this.x0,
      this.y0,
      this.x1,
      this.y1,
      this.start,
      this.duration,
      this.fixed,
      this.flags,
      this.accuracy,
      this.seen,
    ];
  }

  private grow() {
    const wider = <T extends { length: number; set(from: never): void }>(
      old: T,
      Type: new (n: number) => T,
    ): T => {
      const made = new Type(old.length * 2);
      made.set(old as never);
      return made;
    };
    this.keys = wider(this.keys, Int32Array);
    this.x0 = wider(this.x0, Float64Array);
    this.y0 = wider(this.y0, Float64Array);
    this.x1 = wider(this.x1, Float64Array);
    this.y1 = wider(this.y1, Float64Array);
    this.start = wider(this.start, Float64Array);
    this.duration = wider(this.duration, Float32Array);
    this.fixed = wider(this.fixed, Float64Array);
    this.flags = wider(this.flags, Uint8Array);
    this.accuracy = wider(this.accuracy, Uint8Array);
    this.seen = wider(this.seen, Uint32Array);
  }
}

export const mercatorX = (lon: number): number => (lon + 180) / 360;
export const mercatorY = (lat: number): number => {
  const s = Math.sin((Math.max(-85.051, Math.min(85.051, lat)) * Math.PI) / 180);
  return 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI);
};
export const lonOf = (x: number): number => x * 360 - 180;
export const latOf = (y: number): number => (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI;

/** What a dot is, as one word for people and for tests. */
export function stateWord(flags: number): 'free' | 'busy' | 'stale' {
  return flags & STALE ? 'stale' : flags & FREE ? 'free' : 'busy';
}

export { FREE, NEAR, ONLINE, STALE };

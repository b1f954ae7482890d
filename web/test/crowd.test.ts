import { describe, expect, it } from 'vitest';
import { decodeCrowd, FREE, NEAR, ONLINE, STALE } from '../src/net/crowd';
import { cellsFrame, pointsFrame } from './frames';

describe('a crowd frame', () => {
  it('of points brings people, totals and pairs', () => {
    const frame = decodeCrowd(
      pointsFrame(
        [
          { index: 7, lat: 40.7580001, lon: -73.9855, age: 12, flags: FREE | ONLINE | NEAR, accuracy: 14 },
          { index: 4_000_000_000, lat: -89.9, lon: 179.9999999, age: 65535, flags: STALE, accuracy: 255 },
        ],
        [
          [7, 9],
          [9, 11],
        ],
        420,
        199,
        1_795_000_000_123,
      ),
    );
    if (frame?.kind !== 'points') throw new Error('not points');
    expect(frame.count).toBe(2);
    expect([...frame.index]).toEqual([7, 4_000_000_000]);
    expect(frame.lat[0]).toBeCloseTo(40.7580001, 7);
    expect(frame.lon[1]).toBeCloseTo(179.9999999, 7);
    expect([...frame.age]).toEqual([12, 65535]);
    expect([...frame.flags]).toEqual([11, 4]);
    expect([...frame.accuracy]).toEqual([14, 255]);
    expect([...frame.pairs]).toEqual([7, 9, 9, 11]);
    expect(frame).toMatchObject({ online: 420, free: 199, serverTime: 1_795_000_000_123 });
  });

  it('of cells brings counts', () => {
    const frame = decodeCrowd(cellsFrame([{ lat: 51.5, lon: -0.12, people: 70_000, free: 12 }], [[1, 2]]));
    if (frame?.kind !== 'cells') throw new Error('not cells');
    expect(frame.cells).toEqual([{ lat: 51.5, lon: -0.12, people: 70_000, free: 12 }]);
    expect([...frame.pairs]).toEqual([1, 2]);
  });

  it('of nobody is a frame all the same', () => {
    expect(decodeCrowd(pointsFrame([], []))).toMatchObject({ kind: 'points', count: 0 });
  });

  it('that is cut short, of another kind or another magic is none', () => {
    const good = pointsFrame([{ index: 1, lat: 0, lon: 0, age: 0, flags: 0, accuracy: 0 }], [[1, 2]]);
    expect(decodeCrowd(good.slice(0, good.byteLength - 1))).toBeNull();
    expect(decodeCrowd(new ArrayBuffer(8))).toBeNull();
    const kind = good.slice(0);
    new DataView(kind).setUint8(4, 2);
    expect(decodeCrowd(kind)).toBeNull();
    const magic = good.slice(0);
    new DataView(magic).setUint8(0, 0);
    expect(decodeCrowd(magic)).toBeNull();
  });

  it('of 50,000 people is read in a few milliseconds', () => {
    const people = Array.from({ length: 50_000 }, (_, index) => ({
      index,
      lat: 40.7,
      lon: -74,
      age: 1,
      flags: 3,
      accuracy: 9,
    }));
    const buffer = pointsFrame(people, []);
    decodeCrowd(buffer);
    const before = performance.now();
    decodeCrowd(buffer);
    expect(performance.now() - before).toBeLessThan(100); // about 1 ms; the bound is for a busy machine
  });
});

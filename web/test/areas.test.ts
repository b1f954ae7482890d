import { describe, expect, it } from 'vitest';
import { areaAt, areaFeatures, together } from '../src/map/areas';
import type { Person } from '../src/model/state';
import { modules } from '../src/ui/qr';

const person = (key: number, more: Partial<Person>): Person => ({
  user: `u${key}`,
  name: `U ${key}`,
  online: true,
  free: false,
  near: false,
  key,
  ...more,
});
const CELL = { lat: 40.755, lon: -73.9834, acc: 800, approximate: true };
const COLOURS = { free: 'green', busy: 'grey' };

describe('friends who show only their area', () => {
  it('are one disc for each cell, free when any of them is', () => {
    const friends = [
      person(1, CELL),
      person(2, { ...CELL, free: true }),
      person(3, { ...CELL, lat: 40.765 }),
      person(4, { lat: 40.755, lon: -73.98 }),
      person(5, { approximate: true }),
    ];
    const features = areaFeatures(friends, 3, (p) => p.free, COLOURS);
    expect(features.map((f) => f.properties?.colour)).toEqual(['green', 'grey']);
    expect(features.map((f) => f.properties?.chosen)).toEqual([false, true]);
  });

  it('have a disc as wide on the ground as the server says', () => {
    const [feature] = areaFeatures([person(1, { ...CELL, lat: 0 })], null, () => false, COLOURS);
    // 512 pixels are once around the equator at zoom 0
    expect((feature!.properties!.r * 40_075_016.7) / 512).toBeCloseTo(800, 3);
  });

  it('are found by a click anywhere in it', () => {
    const friends = [person(1, CELL)];
    expect(areaAt(friends, -73.9834, 40.7605)).toBe(1);
    expect(areaAt(friends, -73.9834, 40.7705)).toBe(-1);
  });

  it('are named together', () => {
    expect(together(['Ana'])).toBe('Ana');
    expect(together(['Ana', 'Ben'])).toBe('Ana and Ben');
    expect(together(['Ana', 'Ben', 'Cleo', 'Dan'])).toBe('Ana, Ben and 2 more');
  });
});

describe('a QR code', () => {
  it('has a quiet zone of four and its three corners', () => {
    const { size, path } = modules('https://hang.example.org/join#lhi_x');
    expect(size).toBeGreaterThanOrEqual(21 + 8);
    expect(path.startsWith('M4 4h7v1h-7z')).toBe(true);
    expect(path).toContain(`M4 ${size - 5}h7v1h-7z`);
    expect(path).toContain(`M${size - 11} 4h7v1h-7z`);
  });
});

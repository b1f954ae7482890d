import { describe, expect, it } from 'vitest';
import { Dots, mercatorX, mercatorY, stateWord } from '../src/model/dots';

const put = (dots: Dots, key: number, lon: number, lat: number, now: number, glide = 1000, flags = 1) =>
  dots.put(key, lon, lat, now, flags, 10, now, glide);

describe('dots', () => {
  it('glide from where they are to where they are going', () => {
    const dots = new Dots();
    put(dots, 1, -73.98, 40.75, 0);
    put(dots, 1, -73.979, 40.75, 1000);
    expect(dots.lonLat(1, 1000)!.lon).toBeCloseTo(-73.98, 9);
    expect(dots.lonLat(1, 1500)!.lon).toBeCloseTo(-73.9795, 9);
    expect(dots.lonLat(1, 9000)!.lon).toBeCloseTo(-73.979, 9);
  });

  it('turn in the middle of a glide without a jump', () => {
    const dots = new Dots();
    put(dots, 1, 0, 0, 0);
    put(dots, 1, 0.01, 0, 0);
    put(dots, 1, 0, 0.01, 500);
    const here = dots.lonLat(1, 500)!;
    expect(here.lon).toBeCloseTo(0.005, 6);
    expect(here.lat).toBeCloseTo(0, 6);
  });

  it('jump when it is far, when asked to, and on their first appearance', () => {
    const dots = new Dots();
    put(dots, 1, 0, 0, 0);
    put(dots, 1, 30, 0, 100);
    expect(dots.lonLat(1, 100)!.lon).toBeCloseTo(30, 6);
    put(dots, 1, 30.001, 0, 200, 0);
    expect(dots.lonLat(1, 200)!.lon).toBeCloseTo(30.001, 6);
  });

  it('that a new picture lacks are gone, and the others keep their place', () => {
    const dots = new Dots();
    for (let key = 0; key < 200; key++) put(dots, key, key / 10, 0, 0);
    dots.beginRound();
    for (let key = 0; key < 200; key += 3) put(dots, key, key / 10, 0, 10);
    dots.endRound();
    expect(dots.count).toBe(67);
    for (let key = 0; key < 200; key += 3) expect(dots.lonLat(key, 2000)!.lon).toBeCloseTo(key / 10, 6);
    expect(dots.lonLat(1, 2000)).toBeNull();
  });

  it('are found under a finger', () => {
    const dots = new Dots();
    put(dots, 5, -73.98, 40.75, 0);
    put(dots, 6, -73.97, 40.75, 0);
    expect(dots.nearest(mercatorX(-73.9799), mercatorY(40.75), 1e-6, 0)).toBe(5);
    expect(dots.nearest(mercatorX(-73.95), mercatorY(40.75), 1e-6, 0)).toBe(-1);
  });

  it('say in one word what they are', () => {
    expect([1, 3, 2, 0, 5, 6].map(stateWord)).toEqual(['free', 'free', 'busy', 'busy', 'stale', 'stale']);
  });
});

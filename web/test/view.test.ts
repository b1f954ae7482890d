import { describe, expect, it } from 'vitest';
import { boxOf, graticule, wrap } from '../src/map/view';

describe('the view asked of the server', () => {
  it('is a fifth larger than the screen', () => {
    const box = boxOf(-74, 40, -73, 41);
    for (const [i, expected] of [-74.2, 39.8, -72.8, 41.2].entries()) expect(box[i]).toBeCloseTo(expected, 6);
  });

  it('crosses the date line with west greater than east', () => {
    const [w, , e] = boxOf(175, -20, 185, -10);
    expect(w).toBeCloseTo(173, 6);
    expect(e).toBeCloseTo(-173, 6);
  });

  it('is the whole world when the screen shows it', () => {
    expect(boxOf(-300, -85, 120, 85)).toEqual([-180, -90, 180, 90]);
  });

  it('keeps longitudes within 180', () => {
    expect([190, -190, 540, -180].map(wrap)).toEqual([-170, 170, -180, -180]);
  });
});

describe('the grid', () => {
  it('has few lines at any zoom', () => {
    for (const zoom of [11, 13, 15, 17]) {
      const width = 4 / 2 ** (zoom - 9);
      const lines = graticule(-74, 40.7, -74 + width, 40.7 + width, zoom).features[0]!.geometry;
      if (lines.type !== 'MultiLineString') throw new Error('not lines');
      expect(lines.coordinates.length).toBeLessThan(241);
    }
  });
});

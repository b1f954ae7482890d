import { describe, expect, it } from 'vitest';
import { bars, hourLabel, roundTop } from '../src/ui/histogram-shape';

const plot = { x: 30, y: 8, width: 306, height: 98 };
const day = (counts: Record<number, [number, number]>) =>
  Array.from({ length: 24 }, (_, hour) => ({
    hour,
    free: counts[hour]?.[0] ?? 0,
    online: counts[hour]?.[1] ?? 0,
  }));

describe('the graph of hours', () => {
  it('always has 24 bars, side by side, inside the plot', () => {
    const shape = bars(day({}), plot);
    expect(shape.bars).toHaveLength(24);
    for (let i = 1; i < 24; i++)
      expect(shape.bars[i]!.x).toBeGreaterThanOrEqual(shape.bars[i - 1]!.x + shape.width);
    expect(shape.bars[23]!.x + shape.width).toBeLessThanOrEqual(plot.x + plot.width);
    expect(shape.bars.every((b) => b.free.height === 0)).toBe(true);
  });

  it('shows one person among thousands', () => {
    const shape = bars(day({ 3: [1, 1], 18: [4_000, 9_000] }), plot);
    expect(shape.bars[3]!.free.height).toBe(2);
    expect(shape.bars[18]!.online.height).toBeCloseTo((9_000 / shape.top) * plot.height);
    expect(shape.bars[18]!.online.y + shape.bars[18]!.online.height).toBe(plot.y + plot.height);
  });

  it('ends on a round number', () => {
    expect([0, 1, 4, 7, 11, 23, 99, 101, 4_321].map(roundTop)).toEqual([4, 4, 4, 8, 20, 40, 100, 200, 5000]);
  });

  it('survives a day that lacks hours', () => {
    expect(bars([{ hour: 0, free: 1, online: 2 }], plot).bars).toHaveLength(24);
  });

  it('names an hour by its span', () => {
    expect([0, 15, 23].map(hourLabel)).toEqual(['00:00–01:00', '15:00–16:00', '23:00–00:00']);
  });
});

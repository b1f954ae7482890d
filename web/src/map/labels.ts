import type { Map as MapLibre } from 'maplibre-gl';
import { AREA, latOf, lonOf } from '../model/dots';
import { dots, nameOf, selected } from '../model/state';
import { together } from './areas';

const MOST = 60;

interface Label {
  el: HTMLSpanElement;
  key: number;
  width: number;
}

/**
 * Names beside dots. They are elements, not map symbols, because they have to glide with their dots at every frame; which
 * ones are shown is decided a few times a second, so that names do not overlap each other.
 */
export class Labels {
  private shown = new Map<number, Label>();
  private spare: HTMLSpanElement[] = [];

  constructor(
    private readonly map: MapLibre,
    private readonly layer: HTMLElement,
  ) {}

  /** Chooses whose names fit. `everyone`: all names are known (friends); otherwise only when few dots are in sight. */
  choose(everyone: boolean, want: (keys: number[]) => void) {
    const now = performance.now();
    const canvas = this.map.getCanvas();
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const inSight: { key: number; x: number; y: number; rank: number; area: boolean }[] = [];
    const zoom = this.map.getZoom();
    if (everyone ? zoom > 9.5 : zoom > 14.2) {
      const p = { x: 0, y: 0 };
      for (let i = 0; i < dots.count && inSight.length < 400; i++) {
        dots.at(i, now, p);
        const at = this.map.project([lonOf(p.x), latOf(p.y)]);
        if (at.x < -20 || at.y < -20 || at.x > width + 20 || at.y > height - 34) continue;
        const flags = dots.flags[i]!;
        inSight.push({
          key: dots.keys[i]!,
          x: at.x,
          y: at.y,
          area: (flags & AREA) !== 0,
          rank: (flags & 8 ? 0 : 4) + (flags & 1 ? 0 : 2) + (flags & 4 ? 1 : 0),
        });
      }
    }
    const few = everyone || inSight.length <= 160;
    inSight.sort((a, b) => a.rank - b.rank || a.key - b.key);
    const boxes: { x: number; y: number; w: number }[] = [];
    const keep = new Set<number>();
    const unknown: number[] = [];
    const cells = new Map<string, string[]>(); // friends of one cell share one label
    for (const c of inSight) {
      if (!c.area) continue;
      const cell = `${c.x} ${c.y}`;
      cells.set(cell, [...(cells.get(cell) ?? []), nameOf(c.key) ?? '']);
    }
    for (const c of few ? inSight : []) {
      if (keep.size >= MOST) break;
      if (c.key === selected.value && !c.area) continue;
      const names = c.area ? cells.get(`${c.x} ${c.y}`) : undefined;
      const name = names ? together(names) : nameOf(c.key);
      if (name === null) {
        if (unknown.length < 100) unknown.push(c.key);
        continue;
      }
      const w = Math.min(150, name.length * 7 + 16);
      if (boxes.some((b) => Math.abs(b.y - c.y) < 20 && c.x < b.x + b.w && b.x < c.x + w)) continue;
      boxes.push({ x: c.x, y: c.y, w });
      keep.add(c.key);
      this.show(c.key, name, c.area);
    }
    if (unknown.length > 0) want(unknown);
    for (const [key, label] of this.shown) {
      if (keep.has(key)) continue;
      label.el.classList.remove('on');
      this.shown.delete(key);
      this.spare.push(label.el);
    }
    this.place(now);
  }

  /** Moves each name to where its dot is; called with every frame. */
  place(now: number) {
    for (const [key, label] of this.shown) {
      const i = dots.slot(key);
      if (i === undefined) continue;
      const p = dots.at(i, now, { x: 0, y: 0 });
      const at = this.map.project([lonOf(p.x), latOf(p.y)]);
      label.el.style.transform = `translate(${at.x.toFixed(1)}px, ${at.y.toFixed(1)}px)`;
    }
  }

  private show(key: number, name: string, area: boolean) {
    let label = this.shown.get(key);
    if (!label) {
      let el = this.spare.pop();
      if (!el) {
        el = document.createElement('span');
        el.className = 'dot-name';
        el.appendChild(document.createElement('span'));
        this.layer.appendChild(el);
      }
      label = { el, key, width: 0 };
      this.shown.set(key, label);
      el.classList.add('on');
    }
    label.el.classList.toggle('area', area);
    const inner = label.el.firstElementChild as HTMLElement;
    if (inner.textContent !== name) inner.textContent = name;
  }
}

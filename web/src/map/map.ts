import { batch, effect, signal } from '@preact/signals';
import {
  AttributionControl,
  type GeoJSONSource,
  Map as MapLibre,
  ScaleControl,
  setWorkerUrl,
} from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';
import { AREA, FREE, latOf, lonOf, STALE } from '../model/dots';
import { mapPort, sendView } from '../model/live';
import { wantNames } from '../model/names';
import * as s from '../model/state';
import { calm, theme, wide } from '../model/theme';
import type { CrowdFrame } from '../net/crowd';
import { brief } from '../text/words';
import { areaAt, areaFeatures } from './areas';
import { type DotColours, DotsLayer } from './dots-layer';
import { Labels } from './labels';
import { basemap, FONT } from './style';
import { circle, graticule, viewOf } from './view';

setWorkerUrl(workerUrl);

/** Where the page opens when neither the address nor anybody's position says otherwise: Manhattan. */
const HOME = { center: [-73.9765, 40.7605] as [number, number], zoom: 12.3 };
const EMPTY: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] };

const COLOURS: Record<'light' | 'dark', DotColours> = {
  light: { free: [0.047, 0.56, 0.36], busy: [0.33, 0.38, 0.48], near: [0.91, 0.27, 0.13], paper: [1, 1, 1] },
  dark: {
    free: [0.24, 0.85, 0.6],
    busy: [0.62, 0.68, 0.78],
    near: [1, 0.48, 0.34],
    paper: [0.07, 0.09, 0.12],
  },
};

/** True once this browser has shown that it cannot draw the map; the lists still work. */
export const mapBroken = signal(false);
export const mapReady = signal(false);
export let map: MapLibre | null = null;

/** Elements that stay with the selected dot: the ring and, where there is room, the card. */
export const anchors: { ring: HTMLElement | null; card: HTMLElement | null; tip: HTMLElement | null } = {
  ring: null,
  card: null,
  tip: null,
};

/** Half of a cell's disc, mercator units: about 1 km at middle latitudes. */
const AROUND = 3.5e-5;

let fitPending = !location.hash.includes('map=');
let cells: CrowdFrame | null = null;
let layer: DotsLayer | null = null;
let circled = true;

export async function openMap(container: HTMLElement, names: HTMLElement): Promise<void> {
  await document.fonts.load(`16px "${FONT[0]}"`).catch(() => {});
  try {
    map = new MapLibre({
      container,
      style: basemap(theme.peek()),
      ...HOME,
      hash: 'map',
      minZoom: 0.6,
      maxZoom: 18.5,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      fadeDuration: calm.peek() ? 0 : 180,
      canvasContextAttributes: { antialias: true },
      locale: { 'Map.Title': 'Map of people. The list beside it says the same in words.' },
    });
  } catch (error) {
    console.error(error);
    mapBroken.value = true;
    return;
  }
  const m = map;
  m.touchZoomRotate.disableRotation();
  m.keyboard.disableRotation();
  m.addControl(new AttributionControl({ compact: !wide.peek() }), 'bottom-right');
  if (!wide.peek())
    m.once('load', () =>
      container.querySelector('.maplibregl-ctrl-attrib')?.classList.remove('maplibregl-compact-show'),
    );
  m.addControl(new ScaleControl({ maxWidth: 90 }), 'bottom-right');
  m.on('error', (e) => console.error('map:', e.error?.message ?? e));

  layer = new DotsLayer(s.dots, COLOURS[theme.peek()]);
  const people = layer;
  const labels = new Labels(m, names);

  const dress = () => {
    people.colours = COLOURS[theme.peek()];
    if (!m.getLayer(people.id)) m.addLayer(people, 'cells');
    drawCells();
    drawGrid();
    drawAccuracy();
    areasDrawn = '';
    drawAreas();
    mapReady.value = true;
  };
  m.on('style.load', dress);

  let dressed = theme.peek();
  effect(() => {
    const wanted = theme.value;
    if (wanted === dressed) return;
    dressed = wanted;
    m.setStyle(basemap(wanted), { diff: false });
  });
  effect(() => {
    people.calm = calm.value;
  });
  effect(() => {
    void wide.value;
    m.setPadding(room());
  });
  effect(() => {
    people.pairs = s.admin.value ? s.crowd.value.pairs : [];
    m.triggerRepaint();
  });
  effect(() => {
    void s.selected.value;
    void s.hovered.value;
    void s.following.value;
    drawAccuracy();
    m.triggerRepaint();
  });
  effect(() => {
    void s.selected.value;
    void s.friends.value;
    void s.admin.value;
    drawAreas();
  });

  // --- what the server should send
  let viewAsked = false;
  const soon = () => {
    if (viewAsked) return;
    viewAsked = true;
    setTimeout(() => {
      viewAsked = false;
      sendView();
    }, 200);
  };
  m.on('move', soon);
  m.on('moveend', () => {
    drawGrid();
    labels.choose(!s.admin.peek(), wantNames);
  });
  mapPort.view = () => (fitPending ? { bbox: [-180, -90, 180, 90], zoom: 2 } : viewOf(m));
  mapPort.wake = () => {
    if (fitPending && (s.dots.count > 0 || cells)) fitAll();
    drawAccuracy();
    if (!document.hidden) m.triggerRepaint();
  };
  mapPort.cells = (frame) => {
    if (frame === null && cells === null) return;
    cells = frame;
    drawCells();
  };

  // --- every frame
  m.on('render', () => {
    const at = performance.now();
    labels.place(at);
    anchor(s.selected.peek(), at, anchors.ring, true);
    anchor(s.selected.peek(), at, wide.peek() ? anchors.card : null, false);
    anchor(s.hovered.peek(), at, anchors.tip, false);
    if (s.following.peek()) requestAnimationFrame(follow);
  });
  setInterval(() => {
    if (!document.hidden) labels.choose(!s.admin.peek(), wantNames);
  }, 400);

  // --- hands
  m.on('dragstart', () => {
    s.following.value = false;
  });
  m.on('wheel', () => {
    if (s.following.peek()) requestAnimationFrame(follow);
  });
  m.on('click', (e) => {
    const key = hit(
      e.lngLat.lng,
      e.lngLat.lat,
      e.originalEvent instanceof PointerEvent && e.originalEvent.pointerType === 'touch' ? 24 : 14,
    );
    if (key < 0 && cells) {
      const near = m.queryRenderedFeatures(e.point, { layers: ['cells'] })[0];
      if (near?.geometry.type === 'Point')
        m.flyTo({
          center: near.geometry.coordinates as [number, number],
          zoom: Math.min(m.getZoom() + 2, 14),
        });
      return;
    }
    select(key < 0 ? null : key);
  });
  m.on('mousemove', (e) => {
    const key = hit(e.lngLat.lng, e.lngLat.lat, 12);
    m.getCanvas().style.cursor = key >= 0 ? 'pointer' : '';
    s.hovered.value = key >= 0 && key !== s.selected.peek() ? key : null;
    if (key >= 0) wantNames([key]);
  });
  m.on('mouseout', () => {
    s.hovered.value = null;
  });
  // phones turn, windows are dragged
  new ResizeObserver(() => m.resize()).observe(container);
}

function hit(lon: number, lat: number, pixels: number): number {
  if (!map) return -1;
  const wrapped = lon - 360 * Math.floor((lon + 180) / 360);
  const x = (wrapped + 180) / 360;
  const sin = Math.sin((lat * Math.PI) / 180);
  const y = 0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI);
  const world = 512 * 2 ** map.getZoom();
  const reach = Math.max(pixels, (layer?.radius(map.getZoom()) ?? 0) + 4);
  const dot = s.dots.nearest(x, y, reach / world, performance.now());
  return dot >= 0 || s.admin.peek() ? dot : areaAt(s.friends.peek().values(), wrapped, lat);
}

function anchor(key: number | null, at: number, el: HTMLElement | null, centred: boolean) {
  if (!el || !map) return;
  const i = key === null ? undefined : s.dots.slot(key);
  if (i === undefined) {
    el.classList.remove('on');
    return;
  }
  if (el === anchors.ring && key !== null && areaOf(key)) {
    el.classList.remove('on');
    return;
  }
  const p = s.dots.at(i, at, { x: 0, y: 0 });
  const spot = map.project([lonOf(p.x), latOf(p.y)]);
  el.classList.add('on');
  let { x, y } = spot;
  if (!centred) {
    const canvas = map.getCanvas();
    const half = el.offsetWidth / 2;
    const left = wide.peek() ? 408 : 8;
    x = Math.max(left + half, Math.min(canvas.clientWidth - half - 12, x));
    const below = y - el.offsetHeight - 26 < 12;
    el.classList.toggle('below', below);
    y = below
      ? Math.min(y, canvas.clientHeight - el.offsetHeight - 40)
      : Math.min(y, canvas.clientHeight - 30);
  }
  el.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
}

function follow() {
  const key = s.selected.peek();
  if (!map || key === null || !s.following.peek() || map.isMoving()) return;
  const here = s.dots.lonLat(key, performance.now());
  if (!here) return;
  const a = map.project([here.lon, here.lat]);
  const b = map.project(map.getCenter());
  if (Math.hypot(a.x - b.x, a.y - b.y) > 0.4) map.jumpTo({ center: [here.lon, here.lat] });
}

/** Opens a person's card; null closes it. `go`: and takes the camera there. */
export function select(key: number | null, go = false) {
  batch(() => {
    s.selected.value = key;
    s.following.value = false;
    s.hovered.value = null;
  });
  if (key === null) return;
  wantNames([key]);
  if (go) flyToDot(key);
  else if (!wide.peek()) uncover(key);
}

/** What of the map is covered by panels, so that "the middle" is the middle of what can be seen. */
function room() {
  if (wide.peek()) return { left: 400, top: 0, right: 0, bottom: 0 };
  return {
    left: 0,
    top: s.selected.peek() === null ? 64 : 292,
    right: 0,
    bottom: Math.min(380, innerHeight * 0.42),
  };
}

/** On a phone the card lies over the map: moves the chosen dot out from under it. */
function uncover(key: number) {
  const here = s.dots.lonLat(key, performance.now());
  if (map && here)
    map.easeTo({ center: [here.lon, here.lat], duration: calm.value ? 0 : 350, padding: room() });
}

/** Whether only a cell is known of a dot. */
function areaOf(key: number): boolean {
  const i = s.dots.slot(key);
  return i !== undefined && (s.dots.flags[i]! & AREA) !== 0;
}

export function flyToDot(key: number) {
  const here = s.dots.lonLat(key, performance.now());
  if (map && here)
    map.flyTo({
      center: [here.lon, here.lat],
      zoom: Math.max(map.getZoom(), areaOf(key) ? 12.6 : 15.2),
      duration: 900,
      padding: room(),
    });
}

export function followDot(on: boolean) {
  s.following.value = on;
  const key = s.selected.value;
  if (on && key !== null && map) {
    const here = s.dots.lonLat(key, performance.now());
    if (here)
      map.easeTo({
        center: [here.lon, here.lat],
        zoom: Math.max(map.getZoom(), 14.5),
        duration: calm.value ? 0 : 500,
        padding: room(),
      });
  }
}

/** Shows the stretch between two people. */
export function showPair(a: number, b: number) {
  const at = performance.now();
  const p = s.dots.lonLat(a, at);
  const q = s.dots.lonLat(b, at);
  if (!map || !p || !q) return;
  map.fitBounds(
    [
      [Math.min(p.lon, q.lon), Math.min(p.lat, q.lat)],
      [Math.max(p.lon, q.lon), Math.max(p.lat, q.lat)],
    ],
    { padding: 120, maxZoom: 16, duration: 900 },
  );
}

export function zoomBy(steps: number) {
  map?.easeTo({ zoom: map.getZoom() + steps, duration: calm.value ? 0 : 250 });
}

/** "Everyone": for an administrator the next picture of the whole world says where that is. */
export function showEveryone() {
  s.following.value = false;
  if (s.admin.value) {
    fitPending = true;
    sendView();
  } else fitAll();
}

function fitAll() {
  const m = map;
  if (!m) return;
  const first = fitPending;
  fitPending = false;
  const xs: number[] = [];
  const ys: number[] = [];
  if (cells?.kind === 'cells') {
    for (const c of cells.cells) {
      xs.push(c.lon);
      ys.push(c.lat);
    }
  } else {
    for (let i = 0; i < s.dots.count; i++) {
      const around = areaOf(s.dots.keys[i]!) ? AROUND : 0;
      xs.push(lonOf(s.dots.x1[i]! - around), lonOf(s.dots.x1[i]! + around));
      ys.push(latOf(s.dots.y1[i]! - around), latOf(s.dots.y1[i]! + around));
    }
  }
  if (xs.length > 0) {
    // a few far away do not decide what the many look like
    const cut = xs.length > (cells?.kind === 'cells' ? 30 : 60) ? 0.03 : 0;
    const [w, e] = spread(xs, cut);
    const [so, n] = spread(ys, cut);
    m.fitBounds(
      [
        [w, so],
        [e, n],
      ],
      {
        padding: wide.value
          ? { top: 70, bottom: 70, left: 60, right: 120 }
          : { top: 30, bottom: 40, left: 30, right: 76 },
        maxZoom: 15,
        duration: first && !m.isMoving() ? 0 : 900,
      },
    );
  }
  sendView();
}

function spread(values: number[], cut: number): [number, number] {
  values.sort((a, b) => a - b);
  const last = values.length - 1;
  return [values[Math.floor(last * cut)]!, values[Math.ceil(last * (1 - cut))]!];
}

function drawGrid() {
  if (!map) return;
  const source = map.getSource<GeoJSONSource>('graticule');
  if (!source) return;
  const b = map.getBounds();
  const dx = (b.getEast() - b.getWest()) * 0.5;
  const dy = (b.getNorth() - b.getSouth()) * 0.5;
  source.setData(
    map.getZoom() < 11
      ? EMPTY
      : graticule(b.getWest() - dx, b.getSouth() - dy, b.getEast() + dx, b.getNorth() + dy, map.getZoom()),
  );
}

function drawCells() {
  const source = map?.getSource<GeoJSONSource>('cells');
  if (!source) return;
  if (cells?.kind !== 'cells') {
    source.setData(EMPTY);
    return;
  }
  const most = cells.cells.reduce((n, c) => Math.max(n, c.people), 1);
  const widest = Math.min(
    34,
    (pitch(cells.cells.map((c) => c.lon)) / 360) * 512 * 2 ** (map?.getZoom() ?? 0) * 0.56,
  );
  source.setData({
    type: 'FeatureCollection',
    features: cells.cells.map((c) => {
      const r = Math.max(4, widest * (0.3 + 0.7 * Math.sqrt(c.people / most)));
      return {
        type: 'Feature',
        properties: {
          r,
          rf: r * Math.sqrt(Math.min(1, c.free / Math.max(1, c.people))) * 0.92,
          people: c.people,
          label: r > 9 ? brief(c.people) : '',
        },
        geometry: { type: 'Point', coordinates: [c.lon, c.lat] },
      };
    }),
  });
}

/** The smallest step between two different values: how wide the server's cells are, in degrees. */
function pitch(values: number[]): number {
  const sorted = [...new Set(values)].sort((a, b) => a - b);
  let least = 360;
  for (let i = 1; i < sorted.length; i++) {
    const step = sorted[i]! - sorted[i - 1]!;
    if (step > 1e-6) least = Math.min(least, step);
  }
  return least;
}

let areasDrawn = '';

/** Friends who show only their area. */
function drawAreas() {
  const source = map?.getSource<GeoJSONSource>('areas');
  if (!source) return;
  const { free, busy } = COLOURS[theme.peek()];
  const css = (c: [number, number, number]) => `rgb(${c.map((x) => Math.round(x * 255)).join(',')})`;
  const isFree = (p: s.Person) => {
    const i = s.dots.slot(p.key);
    return i !== undefined && (s.dots.flags[i]! & (STALE | FREE)) === FREE;
  };
  const features = s.admin.peek()
    ? []
    : areaFeatures(s.friends.peek().values(), s.selected.peek(), isFree, {
        free: css(free),
        busy: css(busy),
      });
  const drawn = JSON.stringify(features);
  if (drawn === areasDrawn) return;
  areasDrawn = drawn;
  source.setData({ type: 'FeatureCollection', features });
}

/** The circle of uncertainty around the selected person. */
function drawAccuracy() {
  const source = map?.getSource<GeoJSONSource>('accuracy');
  if (!source) return;
  const features: GeoJSON.Feature[] = [];
  const key = s.selected.peek();
  const i = key === null ? undefined : s.dots.slot(key);
  if (i !== undefined && s.dots.accuracy[i]! < 255 && !areaOf(s.dots.keys[i]!)) {
    const dark = theme.peek() === 'dark';
    features.push({
      type: 'Feature',
      properties: { colour: dark ? '#8fa3c7' : '#33415c' },
      geometry: {
        type: 'Polygon',
        coordinates: [circle(lonOf(s.dots.x1[i]!), latOf(s.dots.y1[i]!), s.dots.accuracy[i]!)],
      },
    });
  }
  if (features.length === 0 && !circled) return;
  circled = features.length > 0;
  source.setData({ type: 'FeatureCollection', features });
}

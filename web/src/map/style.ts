import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from 'maplibre-gl';
import newYorkUrl from '../../basemap/newyork.json?url';
import worldUrl from '../../basemap/world.json?url';

/** The embedded basemap in two dresses. No glyph server, no tiles: two GeoJSON files and the page's own font. */

interface Palette {
  water: string;
  land: string;
  borough: string;
  park: string;
  pond: string;
  street: string;
  avenue: string;
  main: string;
  casing: string;
  border: string;
  shore: string;
  text: string;
  soft: string;
  waterText: string;
  parkText: string;
  halo: string;
  cell: string;
  cellFree: string;
  cellText: string;
}

const LIGHT: Palette = {
  water: '#bfd9e6',
  land: '#f4f1ea',
  borough: '#f2efe8',
  park: '#cfe5c3',
  pond: '#bfd9e6',
  street: '#ffffff',
  avenue: '#ffffff',
  main: '#ffffff',
  casing: '#ddd6c8',
  border: '#cfc8bb',
  shore: '#a9c9d9',
  text: '#3d4048',
  soft: '#6f6f74',
  waterText: '#4f7f96',
  parkText: '#4b7a3d',
  halo: 'rgba(250,248,244,0.92)',
  cell: '#33415c',
  cellFree: '#0c8f5c',
  cellText: '#131a24',
};

const DARK: Palette = {
  water: '#0e1621',
  land: '#1a1e25',
  borough: '#1d2129',
  park: '#1c2e26',
  pond: '#0e1621',
  street: '#2a303a',
  avenue: '#303743',
  main: '#384150',
  casing: '#161a20',
  border: '#434c5b',
  shore: '#243648',
  text: '#c9ced8',
  soft: '#8d95a3',
  waterText: '#5f86a3',
  parkText: '#6da07f',
  halo: 'rgba(20,23,28,0.9)',
  cell: '#8fa3c7',
  cellFree: '#34d399',
  cellText: '#ffffff',
};

export const FONT = ['Figtree Variable'];
const is = (kind: string): ExpressionSpecification => ['==', ['get', 'k'], kind];
const byZoom = (...stops: number[]): ExpressionSpecification =>
  ['interpolate', ['exponential', 1.5], ['zoom'], ...stops] as ExpressionSpecification;
const linear = (...stops: (number | string)[]): ExpressionSpecification =>
  ['interpolate', ['linear'], ['zoom'], ...stops] as ExpressionSpecification;

/** A disc of so many metres: `r` pixels at zoom 0, doubled with every zoom, and never too small to be seen. */
const areaRadius: ExpressionSpecification = [
  'interpolate',
  ['exponential', 2],
  ['zoom'],
  9,
  ['max', 7, ['*', ['get', 'r'], 2 ** 9]],
  22,
  ['*', ['get', 'r'], 2 ** 22],
];

function streets(p: Palette): LayerSpecification[] {
  const road = (kind: string, colour: string, minzoom: number, widths: number[]): LayerSpecification[] => [
    {
      id: `${kind}-casing`,
      type: 'line',
      source: 'newyork',
      minzoom: minzoom + 0.6,
      filter: is(kind),
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: {
        'line-color': p.casing,
        'line-width': byZoom(...widths.map((w, i) => (i % 2 ? w + 1.6 : w))),
        'line-opacity': linear(minzoom + 0.6, 0, minzoom + 1.4, 1),
      },
    },
    {
      id: kind,
      type: 'line',
      source: 'newyork',
      minzoom,
      filter: is(kind),
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: {
        'line-color': colour,
        'line-width': byZoom(...widths),
        'line-opacity': linear(minzoom, 0, minzoom + 0.8, 1),
      },
    },
  ];
  const all = [
    ...road('street', p.street, 12.4, [12, 0.5, 14, 2, 16, 6.5, 18, 20]),
    ...road('avenue', p.avenue, 11, [11, 0.5, 13, 1.8, 15, 5, 17, 16, 18, 26]),
    ...road('main', p.main, 11.4, [11, 0.5, 13, 1.8, 15, 5, 17, 15, 18, 24]),
    ...road('broadway', p.main, 10.4, [10, 0.5, 12, 1.6, 14, 3.6, 16, 9, 18, 26]),
  ];
  // all casings below all fills, so that crossings look like crossings
  return [...all.filter((l) => l.id.endsWith('casing')), ...all.filter((l) => !l.id.endsWith('casing'))];
}

/** The style of a theme. Custom layers are not part of it: they are added again after each change of style. */
export function basemap(theme: 'light' | 'dark'): StyleSpecification {
  const p = theme === 'dark' ? DARK : LIGHT;
  const text = (colour: string, width = 1.4) => ({
    'text-color': colour,
    'text-halo-color': p.halo,
    'text-halo-width': width,
  });
  const point = (
    kind: string,
    minzoom: number,
    size: ExpressionSpecification,
    paint: object,
    extra: object = {},
    maxzoom = 24,
  ): LayerSpecification =>
    ({
      id: `label-${kind}`,
      type: 'symbol',
      source: ['country', 'city'].includes(kind) ? 'world' : 'newyork',
      minzoom,
      maxzoom,
      filter: ['all', is(`label-${kind}`), ['<=', ['-', ['get', 'rank'], 0.5], ['zoom']]],
      layout: {
        'text-field': ['get', 'name'],
        'text-font': FONT,
        'text-size': size,
        'text-padding': 4,
        'text-max-width': 7,
        'symbol-sort-key': ['get', 'rank'],
        ...extra,
      },
      paint,
    }) as LayerSpecification;

  return {
    version: 8,
    name: `LetsHang ${theme}`,
    sources: {
      world: {
        type: 'geojson',
        data: new URL(worldUrl, location.href).href,
        tolerance: 0.3,
        maxzoom: 9,
        attribution: 'Natural Earth · US Census',
      },
      newyork: {
        type: 'geojson',
        data: new URL(newYorkUrl, location.href).href,
        tolerance: 0.2,
        maxzoom: 14,
        attribution: 'NYC Open Data · street grid computed',
      },
      graticule: { type: 'geojson', data: { type: 'FeatureCollection', features: [] } },
      cells: { type: 'geojson', data: { type: 'FeatureCollection', features: [] } },
      accuracy: { type: 'geojson', data: { type: 'FeatureCollection', features: [] } },
      areas: { type: 'geojson', data: { type: 'FeatureCollection', features: [] } },
    },
    layers: [
      { id: 'water', type: 'background', paint: { 'background-color': p.water } },
      {
        id: 'land',
        type: 'fill',
        source: 'world',
        filter: is('land'),
        paint: { 'fill-color': p.land, 'fill-antialias': true },
      },
      {
        id: 'land-near',
        type: 'fill',
        source: 'world',
        filter: is('land-near'),
        maxzoom: 8.6,
        paint: { 'fill-color': p.land },
      },
      {
        id: 'around',
        type: 'fill',
        source: 'newyork',
        filter: is('around'),
        minzoom: 7.4,
        paint: { 'fill-color': p.land, 'fill-opacity': linear(7.4, 0, 8.4, 1) },
      },
      {
        id: 'borough',
        type: 'fill',
        source: 'newyork',
        filter: ['all', is('borough'), ['!=', ['get', 'name'], 'Manhattan']],
        minzoom: 7.4,
        paint: { 'fill-color': p.borough, 'fill-opacity': linear(7.4, 0, 8.4, 1) },
      },
      {
        id: 'graticule',
        type: 'line',
        source: 'graticule',
        minzoom: 11,
        paint: {
          'line-color': p.border,
          'line-width': 0.7,
          'line-opacity': linear(11, 0, 12, theme === 'dark' ? 0.32 : 0.45),
        },
      },
      {
        id: 'manhattan',
        type: 'fill',
        source: 'newyork',
        filter: ['all', is('borough'), ['==', ['get', 'name'], 'Manhattan']],
        minzoom: 7.4,
        paint: { 'fill-color': p.borough, 'fill-opacity': linear(7.4, 0, 8.4, 1) },
      },
      {
        id: 'shore',
        type: 'line',
        source: 'newyork',
        filter: is('borough'),
        minzoom: 9.5,
        paint: {
          'line-color': p.shore,
          'line-width': linear(9.5, 0.5, 15, 1.6),
          'line-opacity': linear(9.5, 0, 11, 0.9),
        },
      },
      {
        id: 'state',
        type: 'line',
        source: 'world',
        filter: is('state'),
        minzoom: 3.4,
        maxzoom: 9,
        paint: {
          'line-color': p.border,
          'line-width': 0.7,
          'line-dasharray': [3, 2],
          'line-opacity': linear(3.4, 0, 4.4, 0.8, 8, 0.8, 9, 0),
        },
      },
      {
        id: 'border',
        type: 'line',
        source: 'world',
        filter: is('border'),
        maxzoom: 9,
        layout: { 'line-join': 'round' },
        paint: { 'line-color': p.border, 'line-width': linear(1, 0.6, 6, 1.4) },
      },
      {
        id: 'park',
        type: 'fill',
        source: 'newyork',
        filter: is('park'),
        minzoom: 9.6,
        paint: { 'fill-color': p.park, 'fill-opacity': linear(9.6, 0, 10.6, 1) },
      },
      {
        id: 'pond',
        type: 'fill',
        source: 'newyork',
        filter: is('pond'),
        minzoom: 11,
        paint: { 'fill-color': p.pond },
      },
      ...streets(p),
      {
        id: 'bridge',
        type: 'line',
        source: 'newyork',
        filter: is('bridge'),
        minzoom: 10.6,
        layout: { 'line-cap': 'round' },
        paint: {
          'line-color': theme === 'dark' ? p.main : '#ded7c9',
          'line-width': linear(10.6, 1, 13, 2.4, 16, 7),
        },
      },
      point('water', 8.4, linear(9, 11, 14, 15), text(p.waterText, 0.6), { 'text-letter-spacing': 0.08 }),
      {
        id: 'label-street',
        type: 'symbol',
        source: 'newyork',
        minzoom: 13.6,
        filter: ['in', ['get', 'k'], ['literal', ['avenue', 'main', 'broadway']]],
        layout: {
          'symbol-placement': 'line',
          'text-field': ['get', 'name'],
          'text-font': FONT,
          'text-size': linear(13.6, 10, 17, 13),
          'symbol-spacing': 420,
          'text-padding': 6,
          'text-max-angle': 30,
        },
        paint: text(p.soft, 1.6),
      },
      {
        id: 'label-sidestreet',
        type: 'symbol',
        source: 'newyork',
        minzoom: 15,
        filter: is('street'),
        layout: {
          'symbol-placement': 'line',
          'text-field': ['get', 'name'],
          'text-font': FONT,
          'text-size': linear(15, 10, 17, 12),
          'symbol-spacing': 520,
          'text-padding': 10,
        },
        paint: text(p.soft, 1.6),
      },
      point('sight', 11, linear(11, 10.5, 16, 12.5), text(p.soft), { 'text-max-width': 6 }),
      point('park', 12, linear(12, 11, 16, 13), text(p.parkText, 1)),
      point('hood', 12.2, linear(12.2, 11, 15, 14), text(p.soft, 1.6), { 'text-letter-spacing': 0.02 }, 15.6),
      point('town', 9.2, linear(9, 11, 12, 14), text(p.text, 1.6), {}, 14),
      point(
        'borough',
        9.4,
        linear(9.4, 13, 12, 17),
        text(p.text, 1.8),
        { 'text-letter-spacing': 0.06 },
        12.8,
      ),
      point('city', 2.6, linear(3, 10.5, 7, 14), text(p.text, 1.4), { 'text-radial-offset': 0 }, 9.4),
      point('country', 1.1, linear(1.5, 10.5, 5, 15), text(p.soft, 1.2), { 'text-letter-spacing': 0.05 }, 7),
      {
        id: 'accuracy',
        type: 'fill',
        source: 'accuracy',
        paint: {
          'fill-color': ['get', 'colour'],
          'fill-opacity': 0.13,
          'fill-outline-color': ['get', 'colour'],
        },
      },
      {
        id: 'areas',
        type: 'circle',
        source: 'areas',
        paint: {
          'circle-radius': areaRadius,
          'circle-color': ['get', 'colour'],
          'circle-blur': 0.4,
          'circle-opacity': ['case', ['get', 'chosen'], 0.34, 0.22],
        },
      },
      {
        id: 'areas-edge',
        type: 'circle',
        source: 'areas',
        filter: ['any', ['get', 'near'], ['get', 'chosen']],
        paint: {
          'circle-radius': areaRadius,
          'circle-color': 'transparent',
          'circle-stroke-color': ['case', ['get', 'near'], theme === 'dark' ? '#ff7a57' : '#e8451f', p.cell],
          'circle-stroke-width': 1.6,
          'circle-stroke-opacity': 0.7,
        },
      },
      {
        id: 'cells',
        type: 'circle',
        source: 'cells',
        paint: {
          'circle-radius': ['get', 'r'],
          'circle-color': theme === 'dark' ? '#222936' : '#ffffff',
          'circle-opacity': 0.94,
          'circle-stroke-color': p.cell,
          'circle-stroke-width': 1.6,
          'circle-stroke-opacity': 0.75,
        },
      },
      {
        id: 'cells-free',
        type: 'circle',
        source: 'cells',
        paint: {
          'circle-radius': ['get', 'rf'],
          'circle-color': p.cellFree,
          'circle-opacity': theme === 'dark' ? 0.42 : 0.3,
        },
      },
      {
        id: 'cells-count',
        type: 'symbol',
        source: 'cells',
        layout: {
          'text-field': ['get', 'label'],
          'text-font': FONT,
          'text-size': ['interpolate', ['linear'], ['get', 'r'], 11, 11, 34, 15],
          'text-allow-overlap': true,
          'symbol-sort-key': ['-', 0, ['get', 'people']],
        },
        paint: { 'text-color': p.cellText },
      },
    ],
  };
}

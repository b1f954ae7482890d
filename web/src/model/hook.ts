import { map, mapReady } from '../map/map';
import { stateWord } from './dots';
import { invited } from './invited';
import * as s from './state';
import { theme } from './theme';

/** `window.__letshang`: what a browser test may look at. Read only; nothing here changes anything. */
export function installHook() {
  const hook = {
    get ready() {
      return mapReady.value;
    },
    get session() {
      return s.session.value.kind;
    },
    get joining() {
      return invited.value !== null;
    },
    get hidden() {
      return s.hiddenUntil.value !== null;
    },
    get admin() {
      return s.admin.value;
    },
    get connected() {
      return s.welcomed.value;
    },
    get link() {
      return s.link.value;
    },
    get theme() {
      return theme.value;
    },
    get counters() {
      return { ...s.counters };
    },
    get shown() {
      return s.dots.count;
    },
    get pairs() {
      return s.admin.value
        ? s.crowd.value.pairs.length
        : [...s.friends.value.values()].filter((p) => p.near).length;
    },
    get crowd() {
      const { pairs, ...rest } = s.crowd.value;
      return { ...rest, pairs: pairs.slice(0, 20) };
    },
    get steps() {
      return s.admin.value ? (s.stats.value?.steps_today ?? 0) : s.mySteps.value;
    },
    get histogram() {
      return s.histogram.value;
    },
    get selected() {
      return s.selected.value;
    },
    get following() {
      return s.following.value;
    },
    /** The first few dots: where they are going, where they are drawn at this moment, and where on the screen that is. */
    people(limit = 20) {
      const now = performance.now();
      return Array.from({ length: Math.min(limit, s.dots.count) }, (_, i) => {
        const key = s.dots.keys[i]!;
        const here = s.dots.lonLat(key, now)!;
        const at = map?.project([here.lon, here.lat]);
        return {
          key,
          name: s.nameOf(key),
          lat: here.lat,
          lon: here.lon,
          state: stateWord(s.dots.flags[i]!),
          flags: s.dots.flags[i]!,
          x: at?.x ?? 0,
          y: at?.y ?? 0,
        };
      });
    },
    view() {
      return map ? { lat: map.getCenter().lat, lon: map.getCenter().lng, zoom: map.getZoom() } : null;
    },
  };
  Object.defineProperty(window, '__letshang', { value: hook });
}

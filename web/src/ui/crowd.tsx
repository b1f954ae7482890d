import { useEffect } from 'preact/hooks';
import { showPair } from '../map/map';
import { wantNames } from '../model/names';
import * as s from '../model/state';
import { brief, count, metres, metresBetween, span } from '../text/words';
import { Avatar } from './person';

const MOST = 40;

function Tile({ name, value, sub, tone }: { name: string; value: string; sub: string; tone?: string }) {
  return (
    <div class={`tile ${tone ?? ''}`} data-tile={name}>
      <dt>{name}</dt>
      <dd>
        <strong>{value}</strong>
        <span>{sub}</span>
      </dd>
    </div>
  );
}

/** The whole server at a glance. */
export function Totals() {
  const { stats } = s;
  const live = s.crowd.value;
  const online = live.kind === 'none' ? (stats.value?.online ?? 0) : live.online;
  const free = live.kind === 'none' ? (stats.value?.free ?? 0) : live.free;
  const users = stats.value?.users ?? 0;
  const pairs = Math.max(stats.value?.near_pairs ?? 0, live.pairs.length);
  const steps = stats.value?.steps_today ?? 0;
  return (
    <section class="block" aria-label="Right now">
      <dl class="tiles">
        <Tile name="Online" value={brief(online)} sub={users ? `of ${count(users)}` : 'people'} />
        <Tile
          name="Free now"
          value={brief(free)}
          sub={online ? `${Math.round((100 * Math.min(free, online)) / online)} % of online` : 'nobody yet'}
          tone="free"
        />
        <Tile name="Near" value={brief(pairs)} sub={pairs === 1 ? 'pair' : 'pairs'} tone="near" />
        <Tile name="Steps today" value={brief(steps)} sub={`${brief((steps * 0.762) / 1000)} km walked`} />
      </dl>
    </section>
  );
}

/** Who is near whom, the newest encounter first. */
export function NearPairs() {
  const { pairs } = s.crowd.value;
  const shown = pairs.slice(0, MOST);
  const ids = shown.map((p) => p.id).join();
  useEffect(() => {
    wantNames(shown.flatMap((p) => [p.a, p.b]));
  }, [ids]);
  const all = Math.max(s.stats.value?.near_pairs ?? 0, pairs.length);
  const at = performance.now();
  return (
    <section class="block" aria-labelledby="pairs-title">
      <h2 id="pairs-title" class="title">
        Near each other now <span class="tally">{count(pairs.length)}</span>
      </h2>
      {all > pairs.length && (
        <p class="hint tight">{`${count(all)} pairs in all; these are the ones in view.`}</p>
      )}
      {shown.length === 0 ? (
        <p class="hint">
          {s.crowd.value.kind === 'none'
            ? 'Waiting for the first picture…'
            : all > 0
              ? 'No pair in this part of the map.'
              : 'No two free friends are close to each other right now.'}
        </p>
      ) : (
        <ul class="rows" data-list="pairs">
          {shown.map((p) => {
            const a = s.names.value.get(p.a);
            const b = s.names.value.get(p.b);
            const from = s.dots.lonLat(p.a, at);
            const to = s.dots.lonLat(p.b, at);
            const apart = from && to ? metres(metresBetween(from.lat, from.lon, to.lat, to.lon)) : null;
            return (
              <li key={p.id}>
                <button
                  type="button"
                  class="row"
                  aria-disabled={apart ? undefined : 'true'}
                  title={apart ? 'Show on the map' : undefined}
                  onClick={() => showPair(p.a, p.b)}
                >
                  <span class="duo">
                    <Avatar id={a?.user ?? String(p.a)} name={a?.name ?? '…'} />
                    <Avatar id={b?.user ?? String(p.b)} name={b?.name ?? '…'} />
                  </span>
                  <span class="row-main">
                    <span class="row-name">{`${a?.name ?? '…'} & ${b?.name ?? '…'}`}</span>
                    <span class="row-sub">
                      {p.since === 0
                        ? 'both free'
                        : s.now.value - p.since < 5_000
                          ? 'met just now'
                          : `for ${span((s.now.value - p.since) / 1000)}`}
                    </span>
                  </span>
                  <span class="row-side">{apart && <span class="row-distance">{apart}</span>}</span>
                </button>
              </li>
            );
          })}
        </ul>
      )}
      {pairs.length > MOST && <p class="hint tight">{`and ${count(pairs.length - MOST)} more in view`}</p>}
    </section>
  );
}

/** The operator's line: small, at the end. */
export function Machine() {
  const value = s.stats.value;
  if (!value) return null;
  const parts = [
    `${brief(value.fixes_per_second)} fixes/s`,
    `${count(value.connections)} ${value.connections === 1 ? 'connection' : 'connections'}`,
    `up ${span(value.uptime_s)}`,
    value.mode?.redis ? 'Redis' : null,
    value.mode?.demo ? 'demo' : null,
    `LetsHang ${value.version}`,
  ].filter(Boolean);
  return <p class="machine">{parts.join(' · ')}</p>;
}

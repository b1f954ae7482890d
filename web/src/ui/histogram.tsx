import { useSignal } from '@preact/signals';
import { refreshHistogram } from '../model/live';
import * as s from '../model/state';
import type { DayHistogram } from '../net/wire';
import { count, hourIn, shiftDay, zoneName } from '../text/words';
import { bars, hourLabel } from './histogram-shape';
import { Bars, Left, Right, Table } from './icons';

const W = 340;
const H = 128;
const tick = (n: number): string => (n >= 1000 ? `${Number((n / 1000).toFixed(1))}k` : String(n));
const PLOT = { left: 30, right: 4, top: 8, bottom: 22 };

function Chart({
  day,
  hourNow,
  onHour,
}: {
  day: DayHistogram;
  hourNow: number | null;
  onHour: (hour: number | null) => void;
}) {
  const shape = bars(day.hours, {
    x: PLOT.left,
    y: PLOT.top,
    width: W - PLOT.left - PLOT.right,
    height: H - PLOT.top - PLOT.bottom,
  });
  const base = H - PLOT.bottom;
  const busiest = day.hours.reduce((best, h) => (h.free > best.free ? h : best), day.hours[0]!);
  const label = `Bar chart: people free in each hour. ${busiest.free > 0 ? `Most at ${hourLabel(busiest.hour)}: ${busiest.free} free.` : 'Nobody so far.'} The table view has all numbers.`;
  return (
    <svg
      class="chart"
      viewBox={`0 0 ${W} ${H}`}
      role="img"
      aria-label={label}
      onPointerLeave={() => onHour(null)}
    >
      {shape.ticks.map((t) => (
        <g key={t.value}>
          <line
            x1={PLOT.left}
            x2={W - PLOT.right}
            y1={t.y}
            y2={t.y}
            class={t.value === 0 ? 'axis' : 'grid'}
          />
          <text x={PLOT.left - 6} y={t.y + 3.5} class="tick" text-anchor="end">
            {tick(t.value)}
          </text>
        </g>
      ))}
      {hourNow !== null && (
        <rect
          x={shape.bars[hourNow]!.x - 2}
          y={PLOT.top - 4}
          width={shape.width + 4}
          height={base - PLOT.top + 4}
          rx="3"
          class="now-column"
        />
      )}
      {shape.bars.map((b) => (
        <g
          key={b.hour}
          class={hourNow !== null && b.hour > hourNow ? 'future' : hourNow === b.hour ? 'is-now' : undefined}
        >
          {b.online.height > 0 && (
            <rect
              x={b.x}
              y={b.online.y}
              width={shape.width}
              height={b.online.height}
              rx="2"
              class="bar-online"
            />
          )}
          {b.free.height > 0 && (
            <rect
              x={b.x}
              y={b.free.y}
              width={shape.width}
              height={b.free.height}
              rx="2"
              class="bar-free"
              data-hour={b.hour}
            />
          )}
          <rect
            x={b.x - 1.5}
            y={PLOT.top - 4}
            width={shape.width + 3}
            height={base - PLOT.top + 4}
            class="bar-hit"
            onPointerEnter={() => onHour(b.hour)}
          />
        </g>
      ))}
      {[0, 6, 12, 18, 23]
        .filter((h) => hourNow === null || h === hourNow || Math.abs(h - hourNow) > 1)
        .map((h) => (
          <text
            key={h}
            x={shape.bars[h]!.x + shape.width / 2}
            y={H - 7}
            class={`tick${h === hourNow ? ' tick-now' : ''}`}
            text-anchor="middle"
          >
            {String(h).padStart(2, '0')}
          </text>
        ))}
      {hourNow !== null && ![0, 6, 12, 18, 23].includes(hourNow) && (
        <text
          x={shape.bars[hourNow]!.x + shape.width / 2}
          y={H - 7}
          class="tick tick-now"
          text-anchor="middle"
        >
          {String(hourNow).padStart(2, '0')}
        </text>
      )}
    </svg>
  );
}

/** At which hours people are free. */
export function Histogram() {
  const table = useSignal(false);
  const pointed = useSignal<number | null>(null);
  const day = s.histogram.value;
  const zone = day?.time_zone ?? s.me.value?.time_zone ?? 'UTC';
  const today = hourIn(zone, s.now.value + s.clockOffset.value);
  const date = s.histogramDay.value ?? today.date;
  const isToday = date === today.date;
  const ready =
    day !== null && day.hours.length === 24 && (s.histogramDay.value === null || day.date === date);
  const hour = pointed.value ?? (isToday ? today.hour : null);
  const at = ready && hour !== null ? day.hours[hour] : undefined;
  const go = (days: number) => {
    const next = shiftDay(date, days);
    s.histogramDay.value = next >= today.date ? null : next;
    pointed.value = null;
    void refreshHistogram();
  };
  const dayWords = isToday
    ? 'Today'
    : date === shiftDay(today.date, -1)
      ? 'Yesterday'
      : new Date(`${date}T12:00:00Z`).toLocaleDateString(undefined, {
          weekday: 'short',
          day: 'numeric',
          month: 'short',
          timeZone: 'UTC',
        });
  return (
    <section class="block pulse" aria-labelledby="hours-title">
      <header class="pulse-head">
        <div>
          <h2 id="hours-title">Free by the hour</h2>
          <p class="muted">{`${dayWords} · ${zoneName(zone)} time`}</p>
        </div>
        <div class="pulse-tools">
          <button type="button" class="icon-button" aria-label="The day before" onClick={() => go(-1)}>
            <Left />
          </button>
          <button
            type="button"
            class="icon-button"
            aria-label="The day after"
            disabled={isToday}
            onClick={() => go(1)}
          >
            <Right />
          </button>
          <button
            type="button"
            class="icon-button"
            aria-pressed={table.value}
            aria-label={table.value ? 'Show as a chart' : 'Show as a table'}
            onClick={() => {
              table.value = !table.value;
            }}
          >
            {table.value ? <Bars /> : <Table />}
          </button>
        </div>
      </header>
      {ready && !s.admin.value && (day.smallest ?? 0) > 1 && (
        <p class="hint tight">{`Hours with fewer than ${day.smallest} people show as none.`}</p>
      )}
      {!ready ? (
        <div class="chart-wait">Waiting for the counts…</div>
      ) : table.value ? (
        <div class="table-scroll" tabIndex={0}>
          <table>
            <caption class="sr">{`People free and online in each hour of ${date}`}</caption>
            <thead>
              <tr>
                <th scope="col">Hour</th>
                <th scope="col">Free</th>
                <th scope="col">Online</th>
              </tr>
            </thead>
            <tbody>
              {day.hours.map((h) => (
                <tr key={h.hour} class={isToday && h.hour === today.hour ? 'is-now' : undefined}>
                  <th scope="row">{hourLabel(h.hour)}</th>
                  <td>{count(h.free)}</td>
                  <td>{count(h.online)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <>
          <Chart
            day={day}
            hourNow={isToday ? today.hour : null}
            onHour={(h) => {
              pointed.value = h;
            }}
          />
          <p class="pulse-foot">
            <span class="swatch free" /> <strong>{at ? count(at.free) : '–'}</strong> free
            <span class="swatch online" /> <strong>{at ? count(at.online) : '–'}</strong> online
            <span class="muted pulse-hour">
              {hour === null
                ? 'Point at an hour'
                : pointed.value === null
                  ? `${hourLabel(hour)}, now`
                  : hourLabel(hour)}
            </span>
          </p>
        </>
      )}
    </section>
  );
}

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { changeMe } from '../model/circle';
import * as s from '../model/state';
import type { FreeHours, Weekday } from '../net/wire';
import { dayName, hoursProblem, hoursWords, overMidnight, toFields, toServer, WEEK } from '../text/free';
import { zoneName } from '../text/words';
import { Problem, useTask } from './dialog';
import { Bin, Plus } from './icons';

const MOST = 21;
const WEEKDAYS: Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri'];
const WEEKEND: Weekday[] = ['sat', 'sun'];

/** The hours of a week in which I am free by default. */
export function WeeklyHours() {
  const stored = s.me.value?.free_hours ?? [];
  const edited = useSignal<FreeHours[] | null>(null);
  const saved = useSignal(false);
  const { busy, problem, run } = useTask();
  const box = useRef<HTMLElement>(null);
  const focusRow = useRef<number | null>(null);
  const zone = s.me.value?.time_zone ?? 'UTC';
  const rows = edited.value ?? toFields(stored);
  const change = (next: FreeHours[]) => {
    saved.value = false;
    problem.value = null;
    edited.value = next;
  };
  const put = (at: number, what: Partial<FreeHours>) =>
    change(rows.map((row, i) => (i === at ? { ...row, ...what } : row)));
  useEffect(() => {
    if (focusRow.current === null) return;
    const target =
      box.current?.querySelectorAll<HTMLElement>('.hours-row')[focusRow.current]?.querySelector('input') ??
      box.current?.querySelector<HTMLElement>('.hours-add');
    focusRow.current = null;
    target?.focus();
  });
  const add = () => {
    const days = rows.length === 0 ? WEEKDAYS : WEEKEND;
    focusRow.current = rows.length;
    change([
      ...rows,
      {
        days: [...days],
        from: rows.length === 0 ? '18:00' : '10:00',
        to: rows.length === 0 ? '22:00' : '20:00',
      },
    ]);
  };
  const save = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      const wrong = hoursProblem(rows);
      if (wrong !== null) throw new Error(wrong);
      await changeMe({ free_hours: rows.length === 0 ? null : toServer(rows) });
      edited.value = null;
      saved.value = true;
    });
  };
  return (
    <section class="part" aria-labelledby="hours-of-week" ref={box}>
      <h3 id="hours-of-week">Weekly hours</h3>
      <p class="muted">
        {rows.length === 0
          ? 'Hours in which you are free each week, unless your calendar says busy.'
          : `You are free in these hours each week, ${zoneName(zone)} time, unless your calendar says busy.`}
      </p>
      <form class="hours" onSubmit={save} noValidate>
        {rows.map((row, at) => (
          <fieldset key={at} class="hours-row">
            <legend class="sr">{row.days.length > 0 ? hoursWords(row) : `Line ${at + 1}: no day`}</legend>
            <div class="days">
              {WEEK.map((day) => (
                <label key={day} class="day">
                  <input
                    type="checkbox"
                    aria-label={dayName(day, 'long')}
                    checked={row.days.includes(day)}
                    onChange={(e) =>
                      put(at, {
                        days: e.currentTarget.checked
                          ? [...row.days, day]
                          : row.days.filter((one) => one !== day),
                      })
                    }
                  />
                  <span aria-hidden="true">{dayName(day)}</span>
                </label>
              ))}
            </div>
            <div class="from-to">
              <label class="field">
                <span class="sr">From</span>
                <input
                  type="time"
                  required
                  value={row.from}
                  onInput={(e) => put(at, { from: e.currentTarget.value })}
                />
              </label>
              <span aria-hidden="true">to</span>
              <label class="field">
                <span class="sr">To</span>
                <input
                  type="time"
                  required
                  value={row.to}
                  onInput={(e) => put(at, { to: e.currentTarget.value })}
                />
              </label>
              <span class="hint tight next-day">{overMidnight(row) ? 'next day' : ''}</span>
              <button
                type="button"
                class="icon-button"
                aria-label={`Remove line ${at + 1}`}
                title="Remove"
                onClick={() => {
                  focusRow.current = Math.min(at, rows.length - 2);
                  change(rows.filter((_, i) => i !== at));
                }}
              >
                <Bin />
              </button>
            </div>
          </fieldset>
        ))}
        <Problem text={problem.value} />
        <div class="row-of">
          <button type="button" class="button hours-add" disabled={rows.length >= MOST} onClick={add}>
            <Plus /> {rows.length === 0 ? 'Set hours' : 'More hours'}
          </button>
          {edited.value !== null && (
            <button type="submit" class="button primary" disabled={busy.value}>
              Save hours
            </button>
          )}
        </div>
        <p class="hint tight" role="status">
          {saved.value ? (stored.length === 0 ? 'Saved: no weekly hours.' : 'Saved.') : ''}
        </p>
      </form>
    </section>
  );
}

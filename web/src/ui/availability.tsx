import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { ours, theirs } from '../model/circle';
import { setAvailability } from '../model/live';
import { refreshCalendar, takeBack } from '../model/mine';
import * as s from '../model/state';
import { backWords, freeWords, nextAt, proposal } from '../text/free';
import { until as untilWords } from '../text/words';
import { problemOf, useTask } from './dialog';
import { Calendar, Right } from './icons';

const HOUR_MS = 3_600_000;

/** My own free or busy: what it is now and why, in words, and one tap to change it. */
export function Availability() {
  const note = useSignal('');
  const editing = useSignal(false);
  const choosing = useSignal(false);
  const { busy, run } = useTask();
  const mine = { ...s.availability.value, until: ours(s.availability.value.until) };
  const offline = !s.welcomed.value;
  const open = !mine.free || editing.value;
  const hours = s.me.value?.free_hours?.length ?? 0;
  const back = backWords(mine, !!s.calendar.value, hours);
  const unsure = mine.source === 'hand' && mine.next === undefined && hours === 0;
  useEffect(() => {
    // only then it matters whether there is a calendar to go back to
    if (unsure && s.calendar.peek() === undefined) void refreshCalendar().catch(() => {});
  }, [unsure]);

  const free = (until: number | undefined) => {
    setAvailability(true, note.value, until);
    editing.value = false;
    choosing.value = false;
    note.value = '';
  };
  const forHours = (n: number) => free(theirs(Date.now() + n * HOUR_MS));

  return (
    <section class={`block mine ${mine.free ? 'is-free' : 'is-busy'}`} aria-labelledby="mine-title">
      <div class="mine-head">
        <div>
          <h2 id="mine-title">{mine.free ? 'You’re free' : 'You’re busy'}</h2>
          <p class="muted" aria-live="polite" data-why={mine.source}>
            {freeWords(mine, s.now.value)}
          </p>
        </div>
        {mine.free && !editing.value && (
          <div class="mine-actions">
            <button
              type="button"
              class="button quiet"
              disabled={offline}
              onClick={() => {
                note.value = mine.note ?? '';
                editing.value = true;
              }}
            >
              Edit
            </button>
            <button
              type="button"
              class="button"
              disabled={offline}
              onClick={() => setAvailability(false, '')}
            >
              I’m busy
            </button>
          </div>
        )}
      </div>
      {open && (
        <div class="mine-form">
          <label class="field">
            <span class="sr">What for?</span>
            <input
              type="text"
              maxLength={140}
              placeholder="What for? Coffee, a walk…"
              value={note.value}
              onInput={(e) => {
                note.value = e.currentTarget.value;
              }}
            />
          </label>
          <div class="mine-go" role="group" aria-label="I’m free">
            <button type="button" class="button primary wide" disabled={offline} onClick={() => forHours(1)}>
              Free for 1 hour
            </button>
            <button
              type="button"
              class="button"
              aria-label="Free for 3 hours"
              disabled={offline}
              onClick={() => forHours(3)}
            >
              3 hours
            </button>
            <button
              type="button"
              class="button"
              aria-label="Free until…"
              aria-expanded={choosing.value}
              disabled={offline}
              onClick={() => {
                choosing.value = !choosing.value;
              }}
            >
              Until…
            </button>
          </div>
          {choosing.value && <Until offline={offline} onFree={free} />}
        </div>
      )}
      <div class="mine-more">
        {editing.value && mine.free && (
          <button
            type="button"
            class="link"
            onClick={() => {
              editing.value = false;
              choosing.value = false;
            }}
          >
            Cancel
          </button>
        )}
        {back !== null && !editing.value && (
          <button
            type="button"
            class="link"
            disabled={busy.value}
            onClick={() =>
              void run(takeBack, (error) => {
                s.toast(problemOf(error), 'bad');
                return '';
              })
            }
          >
            {back}
          </button>
        )}
        <button
          type="button"
          class="mine-auto"
          onClick={() => {
            s.page.value = { at: 'calendar' };
          }}
        >
          <Calendar /> <span>Calendar and hours</span> <Right />
        </button>
      </div>
    </section>
  );
}

/** An end that is chosen: a time of the clock, or none. */
function Until({ offline, onFree }: { offline: boolean; onFree: (until: number | undefined) => void }) {
  const time = useSignal(proposal(Date.now()));
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const at = nextAt(time.value, s.now.value);
  return (
    <form
      class="mine-until"
      onSubmit={(e) => {
        e.preventDefault();
        const end = nextAt(time.value, Date.now());
        if (end !== undefined) onFree(theirs(end));
      }}
    >
      <label class="field">
        <span class="sr">Free until</span>
        <input
          type="time"
          required
          ref={field}
          value={time.value}
          onInput={(e) => {
            time.value = e.currentTarget.value;
          }}
        />
      </label>
      <button type="submit" class="button primary" disabled={offline || at === undefined}>
        {at === undefined ? 'Free' : `Free${untilWords(at, s.now.value)}`}
      </button>
      <button type="button" class="button" disabled={offline} onClick={() => onFree(undefined)}>
        Until I change it
      </button>
    </form>
  );
}

import '../styles/calendar.css';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ours } from '../model/circle';
import { refreshCalendar, setCalendar } from '../model/mine';
import * as s from '../model/state';
import { ApiError, api } from '../net/api';
import type { Calendar } from '../net/wire';
import { addressWrong, calendarWords, LARGEST, troubleWords, whence } from '../text/calendar';
import { freeWords } from '../text/free';
import { count } from '../text/words';
import { BusyStrip } from './busystrip';
import { Chips, Confirm, Problem, problemOf, useTask } from './dialog';
import { WeeklyHours } from './hours';

/** What makes me free and busy by itself: a calendar and the hours of a week. */
export function CalendarPage() {
  const { busy, problem, run } = useTask();
  const a = { ...s.availability.value, until: ours(s.availability.value.until) };
  const now = s.now.value;
  useEffect(() => void run(refreshCalendar), []);
  const calendar = s.calendar.value;
  return (
    <>
      <section class={`agreement now-is ${a.free ? 'is-free' : ''}`} aria-label="Now">
        <p>
          <strong>{a.free ? 'You’re free.' : 'You’re busy.'}</strong> {freeWords(a, now)}
        </p>
        <p class="muted">
          What you say by hand comes first, then your calendar, then your weekly hours. Without any of them
          you are busy.
        </p>
      </section>
      <section class="part" aria-labelledby="calendar-title">
        <h3 id="calendar-title">Calendar</h3>
        <Problem text={problem.value} />
        {calendar === undefined ? (
          problem.value === null && <p class="muted">Asking the server…</p>
        ) : calendar === null ? (
          <>
            <p class="muted">
              You are busy during its busy events and free between them, or in your weekly hours where you
              have set some. Friends are never told what is in it.
            </p>
            <Add />
          </>
        ) : (
          <Present calendar={calendar} busy={busy.value} run={run} />
        )}
      </section>
      <WeeklyHours />
    </>
  );
}

function Present({
  calendar,
  busy,
  run,
}: {
  calendar: Calendar;
  busy: boolean;
  run: ReturnType<typeof useTask>['run'];
}) {
  const other = useSignal(false);
  const now = s.now.value + s.clockOffset.value;
  const zone = s.me.value?.time_zone ?? 'UTC';
  return (
    <>
      <div class="calendar-head">
        <bdi class="name">{whence(calendar)}</bdi>
        <span class="line-sub">{calendarWords(calendar, now)}</span>
      </div>
      {calendar.error && <p class="problem">{troubleWords(calendar)}</p>}
      <BusyStrip busy={calendar.busy} zone={zone} now={now} />
      {calendar.notes.length > 0 && (
        <details class="more notes">
          <summary>
            {calendar.notes.length === 1
              ? '1 note on what was left out'
              : `${calendar.notes.length} notes on what was left out`}
          </summary>
          <ul class="bullets">
            {calendar.notes.map((note, i) => (
              <li key={i}>
                <bdi>{note}</bdi>
              </li>
            ))}
          </ul>
        </details>
      )}
      {other.value ? (
        <Add
          replace
          onDone={() => {
            other.value = false;
          }}
        />
      ) : (
        <div class="row-of">
          <button
            type="button"
            class="button"
            onClick={() => {
              other.value = true;
            }}
          >
            Use another
          </button>
          <Confirm
            label="Remove"
            question="The server forgets the calendar and its address. You are then free in your weekly hours, or when you say so."
            yes="Remove the calendar"
            busy={busy}
            onYes={() =>
              void run(async () => {
                await api.dropCalendar();
                await setCalendar(Promise.resolve(null));
              })
            }
          />
        </div>
      )}
    </>
  );
}

type Way = 'url' | 'file';
const WAYS: [Way, string][] = [
  ['url', 'By its address'],
  ['file', 'From a file'],
];

/** What the server has against a calendar, said of the calendar. */
function calendarProblem(error: unknown): string {
  if (error instanceof ApiError && error.status === 413)
    return 'The file is larger than this server takes (1 MiB).';
  return problemOf(error);
}

/** Subscribes to an address or uploads a file. The address is a secret and stays in this field only until it is sent. */
function Add({ replace, onDone }: { replace?: boolean; onDone?: () => void }) {
  const way = useSignal<Way>('url');
  const address = useSignal('');
  const { busy, problem, run } = useTask();
  const done = () => {
    address.value = '';
    onDone?.();
  };
  const subscribe = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      const wrong = addressWrong(address.value);
      if (wrong !== null) throw new Error(wrong);
      await setCalendar(api.subscribe(address.value.trim()));
      done();
    }, calendarProblem);
  };
  const upload = (input: HTMLInputElement) => {
    const file = input.files?.[0];
    if (!file) return;
    void run(async () => {
      if (file.size > LARGEST)
        throw new Error(
          `${file.name} has ${count(file.size / 1024)} KiB; the server takes at most ${count(LARGEST / 1024)}.`,
        );
      await setCalendar(api.upload(await file.text()));
      done();
    }, calendarProblem).then(() => {
      input.value = '';
    });
  };
  return (
    <form class="calendar-add" onSubmit={subscribe}>
      <Chips
        legend={replace ? 'Use another calendar' : 'Add a calendar'}
        name="calendar-way"
        options={WAYS}
        value={way.value}
        onChange={(value) => {
          way.value = value;
          problem.value = null;
        }}
      />
      {way.value === 'url' ? (
        <>
          <label class="field labelled">
            <span>Its secret address (iCal)</span>
            <input
              type="text"
              inputMode="url"
              autocomplete="off"
              autocapitalize="off"
              spellcheck={false}
              placeholder="https://…  or  webcal://…"
              value={address.value}
              onInput={(e) => {
                address.value = e.currentTarget.value;
              }}
            />
          </label>
          <p class="hint tight">
            The server fetches it every hour, and tells nobody the address: you too will see only the name of
            its host.
          </p>
        </>
      ) : (
        <>
          <label class={`button file${busy.value ? ' is-busy' : ''}`}>
            {busy.value ? 'Reading…' : 'Choose a file (.ics)'}
            <input
              type="file"
              accept=".ics,.ical,.ifb,text/calendar"
              disabled={busy.value}
              onChange={(e) => upload(e.currentTarget)}
            />
          </label>
          <p class="hint tight">
            At most 1 MiB. What changes in the calendar later is not seen: upload it again.
          </p>
        </>
      )}
      <Problem text={problem.value} />
      <div class="pair">
        {way.value === 'url' && (
          <button type="submit" class="button primary" disabled={busy.value}>
            {busy.value ? 'Fetching it…' : 'Subscribe'}
          </button>
        )}
        {replace && (
          <button type="button" class="button" onClick={onDone}>
            Cancel
          </button>
        )}
      </div>
    </form>
  );
}

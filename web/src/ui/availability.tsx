import { useSignal } from '@preact/signals';
import { setAvailability } from '../model/live';
import * as s from '../model/state';
import { clock, span } from '../text/words';

type Length = '1' | '3' | 'open';
const LENGTHS: [Length, string][] = [
  ['1', '1 hour'],
  ['3', '3 hours'],
  ['open', 'Until I change it'],
];

/** My own free or busy: what it is now, in words, and one tap to change it. */
export function Availability() {
  const note = useSignal('');
  const length = useSignal<Length>('1');
  const editing = useSignal(false);
  const mine = s.availability.value;
  const offline = !s.welcomed.value;
  const until = mine.until ? mine.until - s.clockOffset.value : undefined;
  const open = !mine.free || editing.value;

  const submit = (event: Event) => {
    event.preventDefault();
    const hours = length.value === 'open' ? undefined : Number(length.value);
    setAvailability(
      true,
      note.value,
      hours === undefined ? undefined : Date.now() + s.clockOffset.value + hours * 3_600_000,
    );
    editing.value = false;
  };

  return (
    <section class={`block mine ${mine.free ? 'is-free' : 'is-busy'}`} aria-labelledby="mine-title">
      <div class="mine-head">
        <div>
          <h2 id="mine-title">{mine.free ? 'You’re free' : 'You’re busy'}</h2>
          <p class="muted" aria-live="polite">
            {mine.free
              ? [
                  mine.note && `“${mine.note}”`,
                  until
                    ? `until ${clock(until)}, ${span((until - s.now.value) / 1000)} left`
                    : 'until you change it',
                ]
                  .filter(Boolean)
                  .join(' · ')
              : until
                ? `until ${clock(until)}`
                : 'Friends nearby are not told about you.'}
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
        <form onSubmit={submit}>
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
          <fieldset class="chips">
            <legend class="sr">For how long?</legend>
            {LENGTHS.map(([value, text]) => (
              <label key={value} class="chip">
                <input
                  type="radio"
                  name="length"
                  value={value}
                  checked={length.value === value}
                  onChange={() => {
                    length.value = value;
                  }}
                />
                <span>{text}</span>
              </label>
            ))}
          </fieldset>
          <div class="mine-go">
            <button type="submit" class="button primary grow" disabled={offline}>
              {mine.free ? 'Update' : 'I’m free'}
            </button>
            {mine.free && (
              <button
                type="button"
                class="button"
                onClick={() => {
                  editing.value = false;
                }}
              >
                Cancel
              </button>
            )}
          </div>
        </form>
      )}
    </section>
  );
}

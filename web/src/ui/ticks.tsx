import { useEffect } from 'preact/hooks';
import { refreshPhones } from '../model/mine';
import type { Tick } from '../text/phones';
import { Alarm, Check } from './icons';

const EVERY_MS = 2_000;

/** Asks how the phones do every two seconds, while this is shown and the page is in sight. */
export function usePhones(onProblem: (error: unknown) => void): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let under = false;
    let over = false;
    const ask = async () => {
      clearTimeout(timer);
      if (under || over || document.hidden) return;
      under = true;
      try {
        await refreshPhones();
      } catch (error) {
        onProblem(error);
      }
      under = false;
      if (!over && !document.hidden) timer = setTimeout(() => void ask(), EVERY_MS);
    };
    const seen = () => void ask();
    document.addEventListener('visibilitychange', seen);
    void ask();
    return () => {
      over = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', seen);
    };
  }, []);
}

const STATES = { done: 'done', wait: 'not yet', wrong: 'wrong' } as const;

/** The list that fills by itself while a phone is set up. */
export function Ticks({ ticks }: { ticks: Tick[] }) {
  return (
    <ol class="ticks" data-list="ticks">
      {ticks.map((tick) => (
        <li key={tick.id} class={`tick-${tick.state}`} data-tick={tick.id} data-state={tick.state}>
          <span class="tick-mark" aria-hidden="true">
            {tick.state === 'done' ? <Check /> : tick.state === 'wrong' ? <Alarm /> : null}
          </span>
          <span class="tick-title">
            {tick.title}
            <span class="sr">{`: ${STATES[tick.state]}`}</span>
          </span>
          <span class="tick-words">{tick.words}</span>
        </li>
      ))}
    </ol>
  );
}

/** For who does not see the list fill: one sentence whenever it changes, and only then. */
export function TicksAloud({ ticks }: { ticks: Tick[] }) {
  const wrong = ticks.find((t) => t.state === 'wrong');
  const done = ticks.filter((t) => t.state === 'done');
  const words = wrong
    ? `${wrong.title}: ${wrong.words.split(',')[0]}`
    : done.length > 0
      ? `Done: ${done.map((t) => t.title.toLowerCase()).join(', ')}`
      : 'Waiting for the phone';
  return (
    <p class="sr" role="status">
      {words}
    </p>
  );
}

import * as s from '../model/state';
import { count } from '../text/words';
import { Steps as StepsIcon } from './icons';

/** My steps today, how far that is, and how far friends have come. */
export function Steps() {
  const me = s.me.value;
  const km = (s.mySteps.value * (me?.stride ?? 0.762)) / 1000;
  const all = s.walkers.value.filter((w) => w.steps > 0);
  const mine = all.findIndex((w) => w.user === me?.user);
  const people = mine < 5 ? all.slice(0, 5) : [...all.slice(0, 4), all[mine]!];
  const most = people[0]?.steps ?? 1;
  return (
    <section class="block steps" aria-labelledby="steps-title">
      <div class="steps-head">
        <span class="steps-icon">
          <StepsIcon />
        </span>
        <h2 id="steps-title" class="steps-title">
          Steps today
        </h2>
        <p class="steps-count">
          <strong data-steps>{count(s.mySteps.value)}</strong>{' '}
          <span class="muted">{km < 0.1 ? '' : `${km.toFixed(1)} km`}</span>
        </p>
      </div>
      {people.length > 1 && (
        <ol class="walkers">
          {people.map((w) => (
            <li key={w.user} class={w.user === me?.user ? 'is-me' : undefined}>
              <span class="walker-name">{w.user === me?.user ? 'You' : w.name}</span>
              <meter
                class="walker-bar"
                min={0}
                max={most}
                value={w.steps}
                aria-label={`${w.name}: ${count(w.steps)} steps`}
              />
              <span class="walker-steps">{count(w.steps)}</span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

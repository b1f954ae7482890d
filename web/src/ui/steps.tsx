import { changeMe } from '../model/circle';
import { refreshSteps } from '../model/mine';
import * as s from '../model/state';
import { count } from '../text/words';
import { problemOf, Switch, useTask } from './dialog';
import { Steps as StepsIcon } from './icons';

const SPANS = [
  ['day', 'Today'],
  ['week', 'This week'],
] as const;

/** My steps today or this week, how far that is, and how far friends have come. */
export function Steps() {
  const me = s.me.value;
  const week = s.stepsSpan.value === 'week';
  const all = s.walkers.value.filter((w) => w.steps > 0);
  const isMe = (w: { user: string; me?: boolean }) => w.me === true || w.user === me?.user;
  const mine = all.findIndex(isMe);
  const steps = week ? (s.weekSteps.value ?? all[mine]?.steps ?? 0) : s.mySteps.value;
  const km = (steps * (me?.stride ?? 0.762)) / 1000;
  const people = mine < 5 ? all.slice(0, 5) : [...all.slice(0, 4), all[mine]!];
  const most = people[0]?.steps ?? 1;
  const onBoard = me?.on_board ?? true;
  const { busy, run } = useTask();
  return (
    <section class="block steps" aria-labelledby="steps-title">
      <div class="steps-head">
        <span class="steps-icon">
          <StepsIcon />
        </span>
        <h2 id="steps-title" class="steps-title">
          {week ? 'Steps this week' : 'Steps today'}
        </h2>
        <p class="steps-count">
          <strong data-steps>{count(steps)}</strong>{' '}
          <span class="muted">{km < 0.1 ? '' : `${km.toFixed(1)} km`}</span>
        </p>
      </div>
      <fieldset class="chips steps-span">
        <legend class="sr">Steps of</legend>
        {SPANS.map(([key, text]) => (
          <label key={key} class="chip">
            <input
              type="radio"
              name="steps-span"
              value={key}
              checked={s.stepsSpan.value === key}
              onChange={() => {
                s.stepsSpan.value = key;
                void refreshSteps();
              }}
            />
            <span>{text}</span>
          </label>
        ))}
      </fieldset>
      {people.length > 1 && (
        <ol class="walkers" data-list="walkers">
          {people.map((w) => (
            <li key={w.user} class={isMe(w) ? 'is-me' : undefined}>
              <span class="walker-name">{isMe(w) ? 'You' : w.name}</span>
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
      <Switch
        title="On the friends’ board"
        sub={
          onBoard
            ? 'Friends who see exactly where you are see your steps too.'
            : 'Nobody but you sees your steps, and you see nobody’s.'
        }
        on={onBoard}
        busy={busy.value}
        onChange={(on_board) =>
          void run(
            () => changeMe({ on_board }).then(refreshSteps),
            (error) => {
              s.toast(problemOf(error), 'bad');
              return '';
            },
          )
        }
      />
    </section>
  );
}

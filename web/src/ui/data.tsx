import { useSignal } from '@preact/signals';
import { erase } from '../model/circle';
import * as s from '../model/state';
import { Problem, useTask } from './dialog';

/** My data: a copy of all of it, and the end of all of it. */
export function DataPage() {
  const typed = useSignal('');
  const { busy, problem, run } = useTask();
  const user = s.me.value?.user ?? '';
  const submit = (event: Event) => {
    event.preventDefault();
    if (typed.value.trim() !== user) return;
    void run(erase);
  };
  return (
    <>
      <section class="part" aria-labelledby="copy-title">
        <h3 id="copy-title">Download my data</h3>
        <p class="muted">
          Everything the server knows about you, in open formats: profile, friends and sharing, devices,
          positions, steps and availability.
        </p>
        <a class="button grow" href="/v1/export" download="letshang.zip">
          Download (ZIP)
        </a>
      </section>
      <form class="part" aria-labelledby="erase-title" onSubmit={submit}>
        <h3 id="erase-title">Erase me</h3>
        <p>At once and for good, on every device, this goes:</p>
        <ul class="bullets">
          <li>your account, name and id, and every sign-in and token</li>
          <li>your positions, past and present, steps, availability and notes</li>
          <li>your friendships, what you share, invites and blocks</li>
        </ul>
        <p class="muted">
          The hourly graph keeps its counts, in which nobody can be told apart. There is no way back.
        </p>
        <label class="field labelled">
          <span>
            Type your id, <code>{user}</code>, to confirm
          </span>
          <input
            type="text"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            value={typed.value}
            onInput={(e) => {
              typed.value = e.currentTarget.value;
            }}
          />
        </label>
        <Problem text={problem.value} />
        <button
          type="submit"
          class="button danger solid grow"
          disabled={busy.value || typed.value.trim() !== user}
        >
          Erase me
        </button>
      </form>
    </>
  );
}

import '../styles/phones.css';
import { useSignal } from '@preact/signals';
import * as s from '../model/state';
import { api } from '../net/api';
import type { Phone } from '../net/wire';
import { refreshPhones } from '../model/mine';
import {
  appName,
  droppedCount,
  droppedWords,
  isWrong,
  phoneState,
  platformName,
  pointsWords,
  ticks,
} from '../text/phones';
import { Confirm, Problem, problemOf, Switch, useTask } from './dialog';
import { Bell, Phone as PhoneIcon, Plus, Right } from './icons';
import { Ticks, usePhones } from './ticks';

/** The phone apps that report as me, how each does, and the way to another. */
export function PhonesPage() {
  const problem = useSignal<string | null>(null);
  usePhones((error) => {
    problem.value = problemOf(error);
  });
  const all = s.phones.value;
  const now = s.now.value + s.clockOffset.value;
  const wrong = isWrong(undefined, all, undefined, now) ? all?.wrong_credentials : undefined;
  const seen = all?.phones.some((p) => isWrong(p, all, p.app, now)) ?? false;
  return (
    <>
      <section class="part">
        {all === null ? (
          <p class="muted">Asking the server…</p>
        ) : all.phones.length === 0 ? (
          <p>
            No phone app reports for you yet. A free one on your phone shows friends where you are, also while
            it is in your pocket.
          </p>
        ) : (
          <ul class="lines" data-list="phones">
            {all.phones.map((p) => {
              const { tone, words } = phoneState(p, now);
              return (
                <li key={p.id}>
                  <button
                    type="button"
                    class="row"
                    onClick={() => {
                      s.page.value = { at: 'phone', id: String(p.id), device: p.device };
                    }}
                  >
                    <span class={`menu-icon phone-${tone}`}>
                      <PhoneIcon />
                    </span>
                    <span class="row-main">
                      <span class="row-name">{p.device}</span>
                      <span class="row-sub">{`${appName(p.app)} · ${words}`}</span>
                    </span>
                    <Right />
                  </button>
                </li>
              );
            })}
          </ul>
        )}
        {wrong && seen && (
          <p class="problem">
            {`${appName(wrong.app)} came with your name and a wrong secret. Set it up anew, or compare what it holds with what was shown when you added it.`}
          </p>
        )}
        <Problem text={problem.value} />
        <button
          type="button"
          class="button primary grow"
          onClick={() => {
            s.page.value = { at: 'addPhone' };
          }}
        >
          <Plus /> Add my phone
        </button>
      </section>
      <section class="part">
        <button
          type="button"
          class="button grow"
          onClick={() => {
            s.page.value = { at: 'alerts', back: { at: 'phones' } };
          }}
        >
          <Bell /> Why no alert?
        </button>
      </section>
    </>
  );
}

/** One phone: how it does, what of its points was left out, what it may show, and its end. */
export function PhonePage({ id, device }: { id: string; device: string }) {
  const { busy, problem, run } = useTask();
  const failed = useSignal<string | null>(null);
  usePhones((error) => {
    failed.value = problemOf(error);
  });
  const all = s.phones.value;
  const phone = all?.phones.find((p) => String(p.id) === id);
  const now = s.now.value + s.clockOffset.value;
  if (phone === undefined)
    return (
      <section class="part">
        <p class="muted">{all === null ? 'Asking the server…' : 'This phone is not there any more.'}</p>
        <Problem text={failed.value} />
      </section>
    );
  const choose = (what: { near_notices?: boolean; ask_steps?: boolean }) =>
    void run(async () => {
      await api.changePhone(phone.id, what);
      await refreshPhones();
    });
  return (
    <>
      <div class="friend-head">
        <span class="menu-icon big">
          <PhoneIcon />
        </span>
        <div>
          <p class="name">{device}</p>
          <p class="muted">
            {[appName(phone.app), platformName(phone.platform)].filter(Boolean).join(' · ')}
          </p>
        </div>
      </div>
      <section class="part" aria-labelledby="does-title">
        <h3 id="does-title">How it does</h3>
        {phone.hint && <p class="problem">{phone.hint.message}</p>}
        {isWrong(phone, all, phone.app, now) && !phone.hint && (
          <p class="problem">
            It came with a wrong secret. If you changed something in the app, compare it with what was shown
            when you added it; else revoke this phone and add it anew.
          </p>
        )}
        <Ticks ticks={ticks(phone, all, now)} />
        <Points phone={phone} />
      </section>
      {phone.app === 'owntracks' && (
        <section class="part">
          <Switch
            title="Tell me in OwnTracks who is near"
            sub="As a notification of the app, once for each meeting. On an iPhone it reads well; on Android the app adds a nameless contact for it."
            on={phone.near_notices ?? phone.platform === 'ios'}
            busy={busy.value}
            onChange={(near_notices) => choose({ near_notices })}
          />
          {phone.platform !== 'android' && (
            <Switch
              title="Ask this iPhone for its steps"
              sub="Once an hour at most. The app answers only where its settings allow remote commands."
              on={phone.ask_steps ?? false}
              busy={busy.value}
              onChange={(ask_steps) => choose({ ask_steps })}
            />
          )}
        </section>
      )}
      <Problem text={problem.value ?? failed.value} />
      <section class="part stack">
        <button
          type="button"
          class="button"
          onClick={() => {
            s.page.value = { at: 'alerts', back: { at: 'phone', id, device } };
          }}
        >
          <Bell /> Why no alert?
        </button>
        <Confirm
          label="Revoke"
          question="It can report no more, at once. What it has reported stays yours. To use it again, add it anew."
          yes="Revoke this phone"
          busy={busy.value}
          onYes={() =>
            void run(async () => {
              await api.revoke(phone.id);
              await refreshPhones().catch(() => {});
              s.page.value = { at: 'phones' };
            })
          }
        />
      </section>
    </>
  );
}

/** How many points were taken in, and which of them moved nothing, and why. */
function Points({ phone }: { phone: Phone }) {
  const left = droppedCount(phone.dropped);
  return (
    <div class="agreement" data-points>
      <p>
        <strong>{pointsWords(phone.accepted)}</strong> taken in since the server started.
      </p>
      {left > 0 && (
        <>
          <p class="muted">{`${pointsWords(left)} moved nothing:`}</p>
          <ul class="bullets">
            {droppedWords(phone.dropped).map((words) => (
              <li key={words}>{words}</li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}

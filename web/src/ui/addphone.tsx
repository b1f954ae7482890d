import '../styles/phones.css';
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import * as s from '../model/state';
import { api } from '../net/api';
import type { PhoneApp, Setup } from '../net/wire';
import { addressProblem, APP_ORDER, APPS, freshName, isWrong, safeLink, ticks } from '../text/phones';
import { CopyField } from './copy';
import { Problem, problemOf, useTask } from './dialog';
import { Qr } from './qr';
import { Ticks, TicksAloud, usePhones } from './ticks';

type Tab = 'browser' | PhoneApp;
const TABS: readonly Tab[] = ['browser', ...APP_ORDER];
const tabName = (tab: Tab): string => (tab === 'browser' ? 'Browser' : APPS[tab].name);

interface Made {
  id: string;
  device: string;
  setup: Setup;
}

/** Add my phone: an app is chosen, gets a token of its own, and reports while one watches. */
export function AddPhonePage() {
  const tab = useSignal<Tab>('owntracks');
  // what was made stays while one looks at another tab, and goes with the dialog
  const made = useSignal<Partial<Record<PhoneApp, Made>>>({});
  const row = useRef<HTMLDivElement>(null);
  const select = (at: number) => {
    const next = TABS[(at + TABS.length) % TABS.length]!;
    tab.value = next;
    row.current?.querySelector<HTMLElement>(`#tab-${next}`)?.focus();
  };
  const keys = (e: KeyboardEvent) => {
    const at = TABS.indexOf(tab.value);
    const to =
      e.key === 'ArrowRight'
        ? at + 1
        : e.key === 'ArrowLeft'
          ? at - 1
          : e.key === 'Home'
            ? 0
            : e.key === 'End'
              ? TABS.length - 1
              : null;
    if (to === null) return;
    e.preventDefault();
    select(to);
  };
  const app = tab.value;
  return (
    <>
      <div class="tabs" role="tablist" aria-label="Which app" ref={row} onKeyDown={keys}>
        {TABS.map((key) => (
          <button
            key={key}
            type="button"
            role="tab"
            id={`tab-${key}`}
            class="tab"
            aria-selected={app === key}
            aria-controls="tab-panel"
            tabIndex={app === key ? 0 : -1}
            onClick={() => {
              tab.value = key;
            }}
          >
            {tabName(key)}
          </button>
        ))}
      </div>
      <div id="tab-panel" role="tabpanel" aria-labelledby={`tab-${app}`}>
        {app === 'browser' ? (
          <BrowserTab />
        ) : (
          <AppTab
            key={app}
            app={app}
            made={made.value[app]}
            onMade={(one) => {
              made.value = { ...made.value, [app]: one };
            }}
          />
        )}
      </div>
    </>
  );
}

/** What this page itself does, and does not do. */
function BrowserTab() {
  return (
    <section class="part">
      <p>
        This page shows who is free and near, and a note appears on it when a friend comes near while it is
        open. You can say here that you are free, from any browser that you sign in with.
      </p>
      <p>
        It does not send where you are: a browser cannot do that in the background. To be seen, add one of the
        phone apps on the other tabs. All of them are free, and open source.
      </p>
      <ul class="bullets">
        <li>On an iPhone: OwnTracks, Overland or Traccar Client.</li>
        <li>On Android: OwnTracks, GPSLogger or Traccar Client.</li>
        <li>Only OwnTracks shows your friends on a map of its own.</li>
      </ul>
    </section>
  );
}

function AppTab({ app, made, onMade }: { app: PhoneApp; made?: Made; onMade: (made: Made) => void }) {
  const words = APPS[app];
  return (
    <>
      <section class="part">
        <p>
          <span class="tag runs">{words.runs}</span> {words.good}
        </p>
        {made === undefined && <Name app={app} onMade={onMade} />}
      </section>
      {made !== undefined && <SetupPart app={app} made={made} />}
      {made !== undefined && <Live app={app} made={made} />}
    </>
  );
}

/** The name of the device, and the token for it. */
function Name({ app, onMade }: { app: PhoneApp; onMade: (made: Made) => void }) {
  const name = useSignal('');
  const touched = useRef(false);
  const { busy, problem, run } = useTask();
  useEffect(() => {
    void api.tokens().then(
      ({ tokens }) => {
        if (touched.current) return;
        name.value = freshName(
          tokens.map((t) => t.device),
          `My ${APPS[app].name}`,
        );
      },
      () => {},
    );
  }, []);
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      const given = await api.addPhone(name.value.trim(), app);
      onMade({ id: String(given.id), device: given.device, setup: given.setup });
    });
  };
  return (
    <form class="phone-name" onSubmit={submit}>
      <label class="field labelled">
        <span>What is the phone called?</span>
        <input
          type="text"
          maxLength={64}
          required
          pattern="[A-Za-z0-9_. \-]+"
          title="Letters, digits, space and . _ -"
          placeholder="Pixel 9"
          autocomplete="off"
          value={name.value}
          onInput={(e) => {
            touched.current = true;
            name.value = e.currentTarget.value;
          }}
        />
      </label>
      <Problem text={problem.value} />
      <button type="submit" class="button primary grow" disabled={busy.value}>
        Show how to set it up
      </button>
    </form>
  );
}

/** The code, the link, and what to type: all of it holds the secret, and is given only once. */
function SetupPart({ app, made: { device, setup } }: { app: PhoneApp; made: Made }) {
  const words = APPS[app];
  const link = safeLink(setup.link);
  const problem = addressProblem(setup.url);
  const head = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (document.activeElement === document.body || !document.activeElement?.closest('[role=tablist]'))
      head.current?.focus();
  }, []);
  return (
    <section class="part" aria-labelledby="setup-title">
      <h3 id="setup-title" tabIndex={-1} ref={head}>
        Set up <bdi>{device}</bdi>
      </h3>
      <p class="once">
        <strong>Shown only now.</strong> The server keeps no copy of this secret that could be shown again.
        Whoever has it can report positions as you, and is told what the app shows of your friends.
      </p>
      {problem !== null && <p class="problem">{problem}</p>}
      <div class="carry">
        <div class="qr-box">
          <Qr text={setup.qr} label={`QR code that sets up ${words.name}`} />
          <p class="hint tight">{words.scan}</p>
        </div>
        <div class="carry-text">
          <ol class="numbers">
            {words.quick.map((step) => (
              <li key={step}>{step}</li>
            ))}
          </ol>
          {link !== undefined && (
            <a class="button" href={link}>
              {words.open}
            </a>
          )}
        </div>
      </div>
      <p>{words.typed}</p>
      <div class="copy-fields">
        {setup.fields.map((field) => (
          <CopyField key={field.name} label={field.name} value={field.value} />
        ))}
      </div>
      <ul class="bullets muted">
        {words.notes.map((note) => (
          <li key={note}>{note}</li>
        ))}
      </ul>
    </section>
  );
}

function Live({ app, made }: { app: PhoneApp; made: Made }) {
  const problem = useSignal<string | null>(null);
  usePhones((error) => {
    problem.value = problemOf(error);
  });
  const all = s.phones.value;
  const phone = all?.phones.find((p) => String(p.id) === made.id);
  const now = s.now.value + s.clockOffset.value;
  const list = ticks(phone, all, now, app);
  const wrong = isWrong(phone, all, app, now);
  const working = phone?.last_fix !== undefined && !phone.hint && !wrong;
  return (
    <section class="part" aria-labelledby="live-title">
      <h3 id="live-title">{working ? 'It works' : 'Is it working?'}</h3>
      <p class="muted">
        {working
          ? 'The phone reports, and you are on your friends’ maps as far as you share it.'
          : 'This list fills by itself as the phone comes in. You can leave it open beside you.'}
      </p>
      <Ticks ticks={list} />
      <TicksAloud ticks={list} />
      {phone?.hint && <p class="problem">{phone.hint.message}</p>}
      {wrong && !phone?.hint && (
        <p class="problem">
          A phone came with your name and a wrong secret. Compare what the app holds with what is shown above:
          no blank before or after it, all of it, and upper and lower case as they are.
        </p>
      )}
      <Problem text={problem.value} />
      <div class="pair">
        <button
          type="button"
          class={`button${working ? ' primary' : ''}`}
          onClick={() => {
            s.page.value = { at: 'phones' };
          }}
        >
          Done
        </button>
        <button
          type="button"
          class="button"
          onClick={() => {
            s.page.value = { at: 'alerts', back: { at: 'phones' } };
          }}
        >
          Why no alert?
        </button>
      </div>
    </section>
  );
}

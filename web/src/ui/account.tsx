import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { changeMe, ours } from '../model/circle';
import { signOut } from '../model/live';
import * as s from '../model/state';
import { type Choice as Theme, choice } from '../model/theme';
import { api } from '../net/api';
import type { AuditEntry } from '../net/wire';
import { actionWords, moment } from '../text/words';
import { Chips, Problem, useTask } from './dialog';
import { Archive, Calendar, Device, Eye, Invite, Leave, Log, Person, Phone, Right } from './icons';
import { Avatar } from './person';

const THEMES: [Theme, string][] = [
  ['system', 'As the system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
];

export function AccountPage() {
  const me = s.me.value;
  if (!me) return null;
  const entries: [s.Plain, typeof Person, string, string][] = [
    ['profile', Person, 'Profile', 'Name, radius, time zone, stride'],
    ['phones', Phone, 'My phones', 'Add one, how each does, why no alert'],
    ['calendar', Calendar, 'Calendar and hours', 'What makes you free or busy'],
    ['privacy', Eye, 'Who sees me', 'Hide, share less, block'],
    ['invite', Invite, 'Invite a friend', 'A link or a QR code'],
    ['devices', Device, 'Devices', 'What is signed in as you'],
    ['data', Archive, 'My data', 'Download it, or erase yourself'],
  ];
  if (me.admin) entries.push(['audit', Log, 'Audit log', 'What administrators, invites and tokens did']);
  return (
    <>
      <div class="friend-head">
        <Avatar id={me.user} name={me.name} big />
        <div>
          <p class="name">{me.name}</p>
          <p class="muted">
            {me.user}
            {me.admin ? ' · administrator' : ''}
          </p>
        </div>
      </div>
      <ul class="lines menu">
        {entries.map(([at, Icon, title, sub]) => (
          <li key={at}>
            <button
              type="button"
              class="row"
              onClick={() => {
                s.page.value = { at };
              }}
            >
              <span class="menu-icon">
                <Icon />
              </span>
              <span class="row-main">
                <span class="row-name">{title}</span>
                <span class="row-sub">{sub}</span>
              </span>
              <Right />
            </button>
          </li>
        ))}
      </ul>
      <section class="part">
        <Chips
          legend="Theme"
          name="theme"
          options={THEMES}
          value={choice.value}
          onChange={(value) => {
            choice.value = value;
          }}
        />
        <button type="button" class="button grow" onClick={() => void signOut()}>
          <Leave /> Sign out
        </button>
      </section>
    </>
  );
}

const ZONES: string[] =
  typeof Intl.supportedValuesOf === 'function' ? Intl.supportedValuesOf('timeZone') : [];

export function ProfilePage() {
  const me = s.me.value;
  const form = useSignal({
    name: me?.name ?? '',
    radius: String(me?.radius ?? 500),
    stride: String(me?.stride ?? 0.762),
    time_zone: me?.time_zone ?? 'UTC',
  });
  const saved = useSignal(false);
  const { busy, problem, run } = useTask();
  const edit = (key: keyof typeof form.value) => (e: { currentTarget: HTMLInputElement }) => {
    saved.value = false;
    form.value = { ...form.value, [key]: e.currentTarget.value };
  };
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      const { name, radius, stride, time_zone } = form.value;
      await changeMe({
        name: name.trim(),
        radius: Number(radius),
        stride: Number(stride),
        time_zone: time_zone.trim(),
      });
      saved.value = true;
    });
  };
  return (
    <form class="part" onSubmit={submit}>
      <label class="field labelled">
        <span>Name, as friends read it</span>
        <input type="text" maxLength={64} required value={form.value.name} onInput={edit('name')} />
      </label>
      <label class="field labelled">
        <span>Near means within, metres</span>
        <input
          type="number"
          min={50}
          max={50_000}
          step="any"
          required
          inputMode="numeric"
          value={form.value.radius}
          onInput={edit('radius')}
        />
      </label>
      <p class="hint tight">50 to 50,000. Of two friends the smaller radius counts.</p>
      <label class="field labelled">
        <span>Time zone of my days</span>
        <input type="text" required list="zones" value={form.value.time_zone} onInput={edit('time_zone')} />
      </label>
      <datalist id="zones">
        {ZONES.map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
      <label class="field labelled">
        <span>Length of a stride, metres</span>
        <input
          type="number"
          min={0.2}
          max={2}
          step="any"
          required
          inputMode="decimal"
          value={form.value.stride}
          onInput={edit('stride')}
        />
      </label>
      <p class="hint tight">Turns metres walked into steps, where a phone does not count them itself.</p>
      <Problem text={problem.value} />
      <button type="submit" class="button primary grow" disabled={busy.value}>
        Save
      </button>
      <p class="hint tight" role="status">
        {saved.value ? 'Saved.' : ''}
      </p>
    </form>
  );
}

const AUDIT_ROWS = 200;

export function AuditPage() {
  const entries = useSignal<AuditEntry[] | null>(null);
  const { problem, run } = useTask();
  const now = s.now.value;
  useEffect(
    () =>
      void run(async () => {
        entries.value = (await api.audit(AUDIT_ROWS)).entries;
      }),
    [],
  );
  return (
    <section class="part">
      <p class="muted">The newest first. Positions are never in it; people who were erased show as that.</p>
      <Problem text={problem.value} />
      {entries.value === null ? (
        <p class="muted">Asking the server…</p>
      ) : entries.value.length === 0 ? (
        <p class="muted">Nothing has happened yet.</p>
      ) : (
        <div class="audit" tabIndex={0} role="region" aria-label="Audit log">
          <table>
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Who</th>
                <th scope="col">What</th>
                <th scope="col">Whom</th>
              </tr>
            </thead>
            <tbody>
              {entries.value.map((e, i) => (
                <tr key={i}>
                  <td>{moment(ours(e.t) ?? 0, now)}</td>
                  <td>
                    <bdi>{e.actor ?? '–'}</bdi>
                  </td>
                  <td>{actionWords(e.action)}</td>
                  <td>
                    <bdi>{e.subject ?? '–'}</bdi>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

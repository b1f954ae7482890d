import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { mapBroken, openMap, select, showEveryone, zoomBy } from '../map/map';
import { invited } from '../model/invited';
import * as s from '../model/state';
import { wide } from '../model/theme';
import { Availability } from './availability';
import { Card, Tip } from './card';
import { Banner, Status, Toasts } from './connection';
import { Machine, NearPairs, Totals } from './crowd';
import { Dialogs } from './dialogs';
import { Friends } from './friends';
import { Histogram } from './histogram';
import { Everyone, Invite, Logo, Minus, Plus, StateMark } from './icons';
import { Join } from './join';
import { Avatar } from './person';
import { HiddenBanner, Visibility } from './privacy';
import { SignIn } from './signin';
import { Steps } from './steps';

function Header() {
  const me = s.me.value;
  return (
    <header class="top">
      <Logo />
      <div class="top-name">
        <h1>LetsHang</h1>
        <p>{me ? `${me.name}${s.admin.value ? ' · admin' : ''}` : ' '}</p>
      </div>
      <Status />
      <button
        type="button"
        class="icon-button"
        aria-label="Invite a friend"
        title="Invite a friend"
        onClick={() => {
          s.page.value = { at: 'invite' };
        }}
      >
        <Invite />
      </button>
      <button
        type="button"
        class="icon-button"
        title="You"
        onClick={() => {
          s.page.value = { at: 'account' };
        }}
      >
        {me && <Avatar id={me.user} name={me.name} />}
        <span class="sr">You: profile, privacy, devices, sign out</span>
      </button>
    </header>
  );
}

function Legend() {
  return (
    <ul class="legend" aria-label="What the dots mean">
      <li>
        <StateMark state="free" /> free
      </li>
      <li>
        <StateMark state="busy" /> busy
      </li>
      <li>
        <StateMark state="stale" /> not heard from
      </li>
      <li>
        <StateMark state="free" near /> near someone
      </li>
      {!s.admin.value && [...s.friends.value.values()].some((p) => p.approximate) && (
        <li>
          <span class="mark-area" aria-hidden="true" /> about here
        </li>
      )}
    </ul>
  );
}

function Controls() {
  return (
    <fieldset class="controls">
      <legend class="sr">Map</legend>
      <div class="control-group">
        <button type="button" aria-label="Zoom in" onClick={() => zoomBy(1)}>
          <Plus />
        </button>
        <button type="button" aria-label="Zoom out" onClick={() => zoomBy(-1)}>
          <Minus />
        </button>
      </div>
      <div class="control-group">
        <button type="button" aria-label="Show everyone" title="Show everyone" onClick={showEveryone}>
          <Everyone />
        </button>
      </div>
    </fieldset>
  );
}

function Content() {
  return s.admin.value ? (
    <>
      <Totals />
      <NearPairs />
      {!wide.value && <Histogram />}
      {!wide.value && <Legend />}
      <Machine />
    </>
  ) : (
    <>
      <Availability />
      <Visibility />
      <Friends />
      <Steps />
      {!wide.value && <Histogram />}
      {!wide.value && <Legend />}
    </>
  );
}

type Snap = 'low' | 'half' | 'full';
const heights = (): Record<Snap, number> => ({
  low: 116,
  half: Math.round(innerHeight * 0.44),
  full: Math.round(innerHeight * 0.86),
});

/** On a phone the panel is a sheet: dragged by its handle, or moved by the handle's button. */
function Sheet({ children }: { children: ComponentChildren }) {
  const snap = useSignal<Snap>('half');
  const el = useRef<HTMLElement>(null);
  const drag = useRef<{ y: number; height: number; moved: boolean } | null>(null);
  const set = (value: Snap) => {
    snap.value = value;
    if (el.current) el.current.style.height = `${heights()[value]}px`;
  };
  useEffect(() => {
    set(snap.value);
    const again = () => set(snap.value);
    addEventListener('resize', again);
    return () => removeEventListener('resize', again);
  }, []);
  return (
    <aside class="panel sheet" ref={el} aria-label="People">
      <button
        type="button"
        class="handle"
        aria-expanded={snap.value !== 'low'}
        aria-label={snap.value === 'full' ? 'Make the panel smaller' : 'Make the panel larger'}
        onPointerDown={(e) => {
          drag.current = { y: e.clientY, height: el.current?.offsetHeight ?? 0, moved: false };
          e.currentTarget.setPointerCapture(e.pointerId);
          el.current?.classList.add('dragging');
        }}
        onPointerMove={(e) => {
          const d = drag.current;
          if (!d || !el.current) return;
          const by = d.y - e.clientY;
          if (Math.abs(by) > 4) d.moved = true;
          el.current.style.height = `${Math.max(90, Math.min(heights().full, d.height + by))}px`;
        }}
        onPointerUp={() => {
          el.current?.classList.remove('dragging');
          const moved = drag.current?.moved;
          drag.current = null;
          if (!moved || !el.current) return;
          const at = el.current.offsetHeight;
          const h = heights();
          const closest = (['low', 'half', 'full'] as Snap[]).reduce((a, b) =>
            Math.abs(h[b] - at) < Math.abs(h[a] - at) ? b : a,
          );
          set(closest);
          el.current.dataset.dragged = '1';
        }}
        onClick={() => {
          if (el.current?.dataset.dragged) {
            delete el.current.dataset.dragged;
            return;
          }
          set(snap.value === 'low' ? 'half' : snap.value === 'half' ? 'full' : 'low');
        }}
      >
        <span />
      </button>
      <div class="scroll" tabIndex={0}>
        {children}
      </div>
    </aside>
  );
}

export function Shell() {
  const view = useRef<HTMLDivElement>(null);
  const names = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (view.current && names.current) void openMap(view.current, names.current);
    const keys = (e: KeyboardEvent) => {
      if (e.key === 'Escape' && s.page.value === null) select(null);
    };
    addEventListener('keydown', keys);
    return () => removeEventListener('keydown', keys);
  }, []);
  const joining = invited.value !== null;
  const out = joining || s.session.value.kind === 'signedOut';
  const inside = !joining && s.session.value.kind === 'signedIn';
  const stale = inside && s.lost.value;
  return (
    <div class={`shell${stale ? ' is-lost' : ''}${out ? ' is-out' : ''}`}>
      <main class="stage" inert={out}>
        <div class="map" ref={view} />
        {mapBroken.value && (
          <p class="map-broken">
            This browser cannot draw the map (no WebGL 2). The list has everything that it would show.
          </p>
        )}
        <div class="overlay">
          <div class="names" ref={names} aria-hidden="true" />
          <Tip />
          <Card />
        </div>
        {inside && <Controls />}
        {inside && wide.value && (
          <div class="dock">
            <Histogram />
          </div>
        )}
        {inside && wide.value && <Legend />}
      </main>
      {inside && wide.value && (
        <aside class="panel" aria-label="People">
          <Header />
          <div class="scroll" tabIndex={0}>
            <Content />
          </div>
        </aside>
      )}
      {inside && !wide.value && (
        <>
          <div class="topbar">
            <Header />
          </div>
          <Sheet>
            <Content />
          </Sheet>
        </>
      )}
      {joining ? <Join /> : out && <SignIn />}
      {!joining && s.session.value.kind === 'loading' && !s.lost.value && (
        <p class="loading" role="status">
          Opening the map…
        </p>
      )}
      <div class="banners">
        {inside && <HiddenBanner />}
        <Banner />
      </div>
      <Dialogs />
      <Toasts />
    </div>
  );
}

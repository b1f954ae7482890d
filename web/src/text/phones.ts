/** The phone apps, what each has to be told, and how a phone does, in words. Pure: `now` is given. */
import type { Dropped, Phone, PhoneApp, Phones } from '../net/wire';
import { ago, count } from './words';

export interface AppWords {
  name: string;
  /** What it runs on. */
  runs: string;
  /** What it is good for, in a sentence. */
  good: string;
  /** How it is set up with the code or the link. */
  quick: string[];
  /** Where the fields are typed. */
  typed: string;
  /** What else has to be known. */
  notes: string[];
  /** On the button that opens the app. */
  open: string;
  /** What the code is for. */
  scan: string;
}

export const APPS: Record<PhoneApp, AppWords> = {
  owntracks: {
    name: 'OwnTracks',
    runs: 'Android and iPhone',
    good: 'Reports in the background and shows your friends on its own map.',
    quick: [
      'Install OwnTracks and open its settings.',
      'Allow external configuration there. From version 2.6.0 on Android and 26.2.3 on iPhone, links and codes do nothing until that is on.',
      'Open the link on the phone, or point its camera at the code.',
    ],
    typed: 'Or type it: in the app’s settings under Connection, choose the mode HTTP and fill in these.',
    notes: [
      'Where the app has room for an address only, the one with everything in it is enough.',
      'Type the address exactly as it stands here. The iPhone app follows no redirect, not even from http to https.',
      'Friends on the app’s map move when this phone reports. In the mode “significant” that is every 500 m and every few minutes at best; in “move”, every 10 seconds or 100 m, which takes more battery.',
    ],
    open: 'Open in OwnTracks',
    scan: 'Scan with the phone’s camera',
  },
  traccar: {
    name: 'Traccar Client',
    runs: 'Android and iPhone',
    good: 'Reports in the background, also while there is no network: it sends what it kept.',
    quick: [
      'Install Traccar Client and open its settings.',
      'Use the app’s own scanner on the code. The phone’s camera would only open a web page.',
      'Switch on the service.',
    ],
    typed: 'Or type it into the app’s settings. The secret is in the address: there is no password.',
    notes: [
      'On an iPhone without the code it begins with every 75 m or 5 minutes and stops when you stand still.',
    ],
    open: 'Open the address',
    scan: 'Scan in Traccar Client',
  },
  overland: {
    name: 'Overland',
    runs: 'iPhone',
    good: 'Reports in the background, adapts to who is near, and shows the nearest free friend as the name of the place.',
    quick: [
      'Install Overland on the iPhone.',
      'Open the link on it, or point its camera at the code, and agree.',
      'Switch tracking on.',
    ],
    typed: 'Or type it: in the settings under Receiver Endpoint.',
    notes: ['Steps come from its trips: begin one with the app’s trip button when you walk.'],
    open: 'Open in Overland',
    scan: 'Scan with the iPhone’s camera',
  },
  gpslogger: {
    name: 'GPSLogger',
    runs: 'Android',
    good: 'Reports in the background and keeps files of its own, if you like.',
    quick: [
      'Install GPSLogger on the phone.',
      'Open the link on it: it fetches its settings from this server.',
      'Press Start logging.',
    ],
    typed:
      'Or type it: Logging details, Log to custom URL. From version 136 its Dawarich target takes the address and the key instead.',
    notes: ['Any 2xx answer counts as sent. What could not be sent is tried again later.'],
    open: 'Open in GPSLogger',
    scan: 'Scan with the phone’s camera',
  },
};

export const APP_ORDER: readonly PhoneApp[] = ['owntracks', 'traccar', 'overland', 'gpslogger'];

export const platformName = (platform: string | undefined): string =>
  platform === 'ios' ? 'iPhone' : platform === 'android' ? 'Android' : '';

export const appName = (app: PhoneApp | undefined): string => (app ? APPS[app].name : 'Phone app');

/** Only what opens an app or a page is made a link. */
export const safeLink = (link: string | undefined): string | undefined =>
  link !== undefined && /^(owntracks|overland|gpslogger|https?):/i.test(link) ? link : undefined;

/** Why a phone could not use this address as it stands; null: it can. */
export function addressProblem(url: string): string | null {
  let at: URL;
  try {
    at = new URL(url);
  } catch {
    return null;
  }
  if (/^(localhost|127\.|0\.0\.0\.0|\[::1?\])/.test(at.hostname))
    return `${at.hostname} is this machine to itself: a phone that uses this address looks for the server on the phone. Open this page under the server’s own name or address, and add the phone there.`;
  if (at.protocol === 'http:')
    return 'This address is not encrypted (http): whoever is on the same network can read the positions and the secret. Apps on an iPhone may refuse it.';
  return null;
}

/** One line of the list that fills while a phone is set up. */
export interface Tick {
  id: 'reached' | 'credentials' | 'point' | 'friends' | 'answer';
  state: 'done' | 'wait' | 'wrong';
  title: string;
  words: string;
}

const WRONG_LASTS_MS = 600_000;

/** Whether the last visit with a wrong secret may have been this phone's: of its app, lately, and nothing right since. */
export function isWrong(phone: Phone | undefined, all: Phones | null, app?: PhoneApp, now = 0): boolean {
  const wrong = all?.wrong_credentials;
  if (!wrong || now - wrong.t > WRONG_LASTS_MS) return false;
  const mine = phone?.app ?? app;
  if (wrong.app && mine && wrong.app !== mine) return false;
  return wrong.t > (phone?.reached ?? 0);
}

/** `now` and all times are by the server's clock. */
export function ticks(phone: Phone | undefined, all: Phones | null, now: number, app?: PhoneApp): Tick[] {
  const when = (t: number) => ago(Math.max(0, (now - t) / 1000));
  const kind = phone?.app ?? app;
  const reached = phone?.reached;
  const wrong = isWrong(phone, all, kind, now);
  const refusedAt = all?.wrong_credentials?.t ?? 0;
  const dropped = droppedCount(phone?.dropped);
  const list: Tick[] = [
    {
      id: 'reached',
      title: 'Server reached',
      ...(reached !== undefined
        ? { state: 'done', words: when(Math.max(reached, wrong ? refusedAt : 0)) }
        : wrong
          ? { state: 'done', words: when(refusedAt) }
          : { state: 'wait', words: 'Waiting for the phone' }),
    },
    {
      id: 'credentials',
      title: 'Secret right',
      ...(wrong
        ? { state: 'wrong', words: `Wrong ${secretName(kind)}, ${when(refusedAt)}` }
        : reached !== undefined
          ? { state: 'done', words: 'It is you' }
          : { state: 'wait', words: '' }),
    },
    {
      id: 'point',
      title: 'First point',
      ...(phone?.last_fix !== undefined
        ? { state: 'done', words: `The newest ${when(phone.last_fix)}` }
        : (phone?.accepted ?? 0) > 0
          ? { state: 'done', words: pointsWords(phone?.accepted ?? 0) }
          : dropped > 0
            ? { state: 'wrong', words: `Points come, but none could be used` }
            : { state: 'wait', words: '' }),
    },
  ];
  if (kind === 'owntracks') {
    const sent = phone?.friends_sent;
    list.push({
      id: 'friends',
      title: 'Friends sent back',
      ...(!sent
        ? { state: 'wait', words: '' }
        : {
            state: 'done',
            words: `${sent.count === 0 ? 'Nobody to show yet' : sent.count === 1 ? '1 friend' : `${sent.count} friends`}, ${when(sent.t)}`,
          }),
    });
  }
  const status = phone?.last_status;
  const last = Math.max(phone?.last_ok ?? 0, reached ?? 0);
  list.push({
    id: 'answer',
    title: 'Last answer',
    ...(status === undefined
      ? { state: 'wait', words: '' }
      : {
          state: status < 400 ? 'done' : 'wrong',
          words: last > 0 ? `${answerWords(status)}, ${when(last)}` : answerWords(status),
        }),
  });
  return list;
}

const secretName = (app: PhoneApp | undefined): string =>
  app === 'owntracks'
    ? 'user or password'
    : app === 'overland'
      ? 'token'
      : app === undefined
        ? 'secret'
        : 'address: the secret in it is not whole';

/** An HTTP status for a person. */
export function answerWords(status: number): string {
  if (status < 300) return `Taken (${status})`;
  if (status === 401) return 'Refused: wrong secret (401)';
  if (status === 413) return 'Refused: too large (413)';
  if (status === 503) return 'The server could not store it, the phone sends it again (503)';
  return status < 500 ? `Refused (${status})` : `The server failed (${status})`;
}

export const pointsWords = (n: number): string => (n === 1 ? '1 point' : `${count(n)} points`);

const LEFT_OUT: [keyof Dropped, (n: number) => string][] = [
  ['too_often', (n) => `${count(n)} more often than needed`],
  ['duplicate', (n) => `${count(n)} sent twice`],
  ['late', (n) => `${count(n)} that came late, which are only history`],
  ['too_old', (n) => `${count(n)} too old to keep`],
  ['future', (n) => `${count(n)} dated in the future: is the phone’s clock right?`],
  ['odd', (n) => `${count(n)} that made no sense`],
];

export const droppedCount = (dropped: Dropped | undefined): number =>
  Object.values(dropped ?? {}).reduce((sum, n) => sum + n, 0);

/** "40 more often than needed", "12 sent twice": what moved nothing and why, the usual first. */
export const droppedWords = (dropped: Dropped | undefined): string[] =>
  LEFT_OUT.flatMap(([key, words]) => {
    const n = dropped?.[key] ?? 0;
    return n > 0 ? [words(n)] : [];
  });

/** How a phone does, in a few words; times by the server's clock. */
export function phoneState(phone: Phone, now: number): { tone: 'good' | 'wait' | 'bad'; words: string } {
  if (phone.hint) return { tone: 'bad', words: phone.hint.message };
  const when = (t: number) => ago(Math.max(0, (now - t) / 1000));
  if (phone.last_fix !== undefined) return { tone: 'good', words: `Last point ${when(phone.last_fix)}` };
  const reached = phone.reached;
  if (reached !== undefined) return { tone: 'wait', words: `No point yet, last heard ${when(reached)}` };
  return { tone: 'wait', words: 'Not heard from yet' };
}

/** What a new phone may be called: a name that nobody of mine has yet, "Phone", "Phone 2". */
export function freshName(taken: readonly string[], base = 'Phone'): string {
  if (!taken.includes(base)) return base;
  for (let n = 2; ; n++) if (!taken.includes(`${base} ${n}`)) return `${base} ${n}`;
}

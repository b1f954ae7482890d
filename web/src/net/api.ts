import type {
  AlertReason,
  AuditEntry,
  Availability,
  Calendar,
  DayHistogram,
  FreeHours,
  Friend,
  Invitation,
  Invite,
  Me,
  PhoneApp,
  Phones,
  Precision,
  Setup,
  Sharing,
  Sight,
  Stats,
  Token,
  TokenKind,
  Viewer,
  Walker,
} from './wire';

/** A call that was answered with an error; `status` 0 means that no answer came. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly code?: string,
    readonly field?: string,
  ) {
    super(message);
  }
}

interface How {
  /** Without the cookie, whoever is signed in here. */
  anonymous?: boolean;
  /** What the body is; without it, it is an object and is sent as JSON. */
  type?: string;
  /** How long an answer may take, milliseconds. */
  patience?: number;
}

/** What changes something always says what it sends. */
async function call<T>(method: string, path: string, body?: unknown, how: How = {}): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      credentials: how.anonymous ? 'omit' : 'same-origin',
      headers:
        method === 'GET'
          ? { accept: 'application/json' }
          : { accept: 'application/json', 'content-type': how.type ?? 'application/json' },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(how.patience ?? 10_000),
    });
  } catch {
    throw new ApiError(0, 'The server cannot be reached.');
  }
  const text = await answer.text();
  let value: unknown = null;
  try {
    value = text === '' ? null : JSON.parse(text);
  } catch {
    // an error page of a proxy, say
  }
  if (!answer.ok) {
    const said = value as { message?: unknown; code?: unknown; field?: unknown } | null;
    const text = (given: unknown) => (typeof given === 'string' ? given : undefined);
    throw new ApiError(
      answer.status,
      text(said?.message) ?? `The server answered ${answer.status}.`,
      text(said?.code),
      text(said?.field),
    );
  }
  return value as T;
}

const query = (values: Record<string, string | undefined>): string => {
  const given = Object.entries(values).filter((e): e is [string, string] => e[1] !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
};

const one = encodeURIComponent;

/** What may be changed of oneself. */
export interface MeChange {
  name?: string;
  radius?: number;
  time_zone?: string;
  stride?: number;
  hidden_until?: number | null;
  only_free?: boolean;
  free_hours?: FreeHours[] | null;
  on_board?: boolean;
}

/** A calendar's address is asked for while one waits. */
const FETCHING = 40_000;

export interface AcceptBody {
  name?: string;
  user?: string;
  device?: string;
  sharing?: Precision;
  until?: number;
}

export const api = {
  session: () => call<{ user: string | null; guest: boolean }>('GET', '/v1/session'),
  me: () => call<Me>('GET', '/v1/me'),
  signIn: (token?: string) =>
    call<{ user: string; name: string; admin: boolean }>(
      'POST',
      '/v1/session',
      token === undefined ? {} : { token },
    ),
  /** A token that is worth one sign-in: the server revokes it when it gives the cookie. */
  signInOnce: (token: string) => call<unknown>('POST', '/v1/session', { token, once: true }),
  signOut: () => call<unknown>('DELETE', '/v1/session'),
  stats: () => call<Stats>('GET', '/v1/admin/stats'),
  people: (indexes: number[]) =>
    call<{ people: { index: number; user: string; name: string }[] }>(
      'GET',
      `/v1/admin/people?index=${indexes.join(',')}`,
    ),
  histogram: (date?: string) => call<DayHistogram>('GET', `/v1/availability/histogram${query({ date })}`),
  /** `week`: any day of it; without both, today. */
  leaderboard: (days: { date?: string; week?: string } = {}) =>
    call<{ people: Walker[] }>('GET', `/v1/steps/leaderboard${query(days)}`),
  steps: () => call<{ today: number; week?: number }>('GET', '/v1/steps'),

  availability: () => call<Availability>('GET', '/v1/me/availability'),
  /** What was said by hand is taken back: the calendar's, the weekly hours' or the default's word holds again. */
  takeBack: () => call<Availability>('DELETE', '/v1/me/availability'),
  calendar: () => call<Calendar>('GET', '/v1/me/calendar'),
  subscribe: (url: string) => call<Calendar>('PUT', '/v1/me/calendar', { url }, { patience: FETCHING }),
  upload: (text: string) =>
    call<Calendar>('PUT', '/v1/me/calendar', text, { type: 'text/calendar', patience: FETCHING }),
  dropCalendar: () => call<unknown>('DELETE', '/v1/me/calendar'),

  addPhone: (device: string, app: PhoneApp) =>
    call<{ id: Token['id']; token: string; device: string; setup: Setup }>('POST', '/v1/me/tokens', {
      device,
      kind: 'device',
      app,
    }),
  phones: () => call<Phones>('GET', '/v1/me/phones'),
  changePhone: (id: Token['id'], change: { near_notices?: boolean; ask_steps?: boolean }) =>
    call<unknown>('PATCH', `/v1/me/phones/${one(id)}`, change),
  alerts: () => call<{ friends: AlertReason[] }>('GET', '/v1/me/alerts'),

  invite: (sharing?: Precision, until?: number) =>
    call<{ code: string; url: string; expires: number }>('POST', '/v1/invites', { sharing, until }),
  invites: () => call<{ invites: Invite[] }>('GET', '/v1/invites'),
  withdraw: (id: Invite['id']) => call<unknown>('DELETE', `/v1/invites/${one(id)}`),
  invitation: (code: string) =>
    call<Invitation>('GET', `/v1/invites/${one(code)}`, undefined, { anonymous: true }),
  accept: (code: string, body: AcceptBody, anonymous: boolean) =>
    call<{ user: string; friend?: string; token?: string }>('POST', `/v1/invites/${one(code)}/accept`, body, {
      anonymous,
    }),

  changeMe: (change: MeChange) => call<Me>('PATCH', '/v1/me', change),
  erase: () => call<unknown>('DELETE', '/v1/me'),
  tokens: () => call<{ tokens: Token[] }>('GET', '/v1/me/tokens'),
  addToken: (device: string, kind: Exclude<TokenKind, 'session'>) =>
    call<{ id: Token['id']; token: string; device: string; kind: TokenKind }>('POST', '/v1/me/tokens', {
      device,
      kind,
    }),
  revoke: (id: Token['id']) => call<unknown>('DELETE', `/v1/me/tokens/${one(id)}`),
  revokeOthers: () => call<unknown>('DELETE', '/v1/me/tokens'),

  friends: () => call<{ friends: (Friend & Sharing)[] }>('GET', '/v1/friends'),
  share: (user: string, sharing: Precision, until?: number) =>
    call<Sharing>('PATCH', `/v1/friends/${one(user)}`, { sharing, until }),
  unfriend: (user: string) => call<unknown>('DELETE', `/v1/friends/${one(user)}`),
  view: (user: string) => call<{ sight: Sight; friend: Friend }>('GET', `/v1/friends/${one(user)}/view`),
  viewers: () => call<{ viewers: Viewer[] }>('GET', '/v1/me/viewers'),
  blocks: () => call<{ blocked: { user: string; name: string }[] }>('GET', '/v1/blocks'),
  block: (user: string) => call<unknown>('PUT', `/v1/blocks/${one(user)}`),
  unblock: (user: string) => call<unknown>('DELETE', `/v1/blocks/${one(user)}`),
  audit: (limit: number) =>
    call<{ entries: AuditEntry[] }>('GET', `/v1/admin/audit${query({ limit: String(limit) })}`),
};

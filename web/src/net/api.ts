import type { DayHistogram, Me, Stats, Walker } from './wire';

/** A call that was answered with an error; `status` 0 means that no answer came. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      credentials: 'same-origin',
      headers:
        body === undefined
          ? { accept: 'application/json' }
          : { accept: 'application/json', 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
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
    const message = (value as { message?: unknown } | null)?.message;
    throw new ApiError(
      answer.status,
      typeof message === 'string' ? message : `The server answered ${answer.status}.`,
    );
  }
  return value as T;
}

const query = (values: Record<string, string | undefined>): string => {
  const given = Object.entries(values).filter((e): e is [string, string] => e[1] !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
};

export const api = {
  session: () => call<{ user: string | null; guest: boolean }>('GET', '/v1/session'),
  me: () => call<Me>('GET', '/v1/me'),
  signIn: (token?: string) =>
    call<{ user: string; name: string; admin: boolean }>(
      'POST',
      '/v1/session',
      token === undefined ? {} : { token },
    ),
  signOut: () => call<unknown>('DELETE', '/v1/session'),
  stats: () => call<Stats>('GET', '/v1/admin/stats'),
  people: (indexes: number[]) =>
    call<{ people: { index: number; user: string; name: string }[] }>(
      'GET',
      `/v1/admin/people?index=${indexes.join(',')}`,
    ),
  histogram: (date?: string) => call<DayHistogram>('GET', `/v1/availability/histogram${query({ date })}`),
  leaderboard: (date?: string) =>
    call<{ date: string; people: Walker[] }>('GET', `/v1/steps/leaderboard${query({ date })}`),
};

import { leaveJoin } from './invited';
import { connection, enter, leave, removeFriend } from './live';
import { refreshAvailability } from './mine';
import * as s from './state';
import { type AcceptBody, api, type MeChange } from '../net/api';
import type { Precision } from '../net/wire';
import { browserName } from '../text/words';

/** What a person does about their circle and themselves: the calls, and what the page knows after them. */

/** The server's clock for a moment of this machine's, and back. */
export const theirs = (ms: number | undefined): number | undefined =>
  ms === undefined ? undefined : Math.round(ms + s.clockOffset.value);
export const ours = (ms: number | null | undefined): number | undefined =>
  ms === undefined || ms === null ? undefined : ms - s.clockOffset.value;

export async function changeMe(change: MeChange): Promise<void> {
  enter(await api.changeMe(change));
  if (change.free_hours !== undefined) await refreshAvailability();
}

export async function share(user: string, sharing: Precision, until?: number): Promise<void> {
  const now = await api.share(user, sharing, theirs(until));
  s.shares.value = new Map(s.shares.value).set(user, now);
}

export async function unfriend(user: string): Promise<void> {
  await api.unfriend(user);
  removeFriend(user);
}

export async function block(user: string): Promise<void> {
  await api.block(user);
  removeFriend(user);
}

/** Someone who is new here has this much: a token that is worth one sign-in. It is never written down anywhere. */
export interface Joined {
  friend?: string;
  token?: string;
}

/** Accepts an invite: as who is signed in here, or as somebody new. */
export async function accept(code: string, body: AcceptBody, anew: boolean): Promise<Joined> {
  const device = anew ? browserName(navigator.userAgent) : undefined;
  const { friend, token } = await api.accept(code, { ...body, until: theirs(body.until), device }, anew);
  return { friend, token };
}

/** From the page of an invite into the dashboard. `token`: the one that accepting gave, turned into the cookie first. */
export async function goIn(token?: string): Promise<void> {
  if (token !== undefined) await api.signInOnce(token);
  leaveJoin();
  connection.retry();
}

/** The end of everything about me. The socket goes first: the server cuts it in any case, which is no revoked sign-in. */
export async function erase(): Promise<void> {
  connection.stop();
  try {
    await api.erase();
  } catch (error) {
    connection.retry();
    throw error;
  }
  leave('You are erased. Nothing about you is left on this server.');
}

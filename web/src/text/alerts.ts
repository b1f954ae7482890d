/** Why there is no alert: tags, order, and what of it is in one's own hand. Pure. */
import type { AlertReason } from '../net/wire';

type State = AlertReason['state'];

/** Beside the sentence, in a word or two. */
export const ALERT_TAGS: Record<State, string> = {
  near: 'Near',
  far: 'Far',
  busy: 'Busy',
  you_busy: 'You’re busy',
  stale: 'No news',
  you_stale: 'No news of you',
  coarse: 'Too coarse',
  recently: 'Told lately',
  not_shown: 'Not shown',
  you_hidden: 'You show nothing',
};

const ORDER: readonly State[] = [
  'near',
  'recently',
  'you_hidden',
  'you_busy',
  'you_stale',
  'busy',
  'coarse',
  'stale',
  'far',
  'not_shown',
];

/** The nearest to an alert first; within one reason, the closest first. */
export const byReason = (friends: readonly AlertReason[]): AlertReason[] => {
  const rank = (f: AlertReason) => {
    const at = ORDER.indexOf(f.state);
    return at < 0 ? ORDER.length : at;
  };
  return [...friends].sort(
    (a, b) =>
      rank(a) - rank(b) || (a.distance ?? 1e12) - (b.distance ?? 1e12) || a.name.localeCompare(b.name),
  );
};

const HIDDEN: [State, string] = [
  'you_hidden',
  'You are hidden, so nobody sees you and you are told of nobody.',
];
const OWN: [State, string][] = [
  ['you_busy', 'You are busy: alerts come only while you are free.'],
  ['you_stale', 'None of your phones has said lately where you are.'],
];

/** What stands in the way on my own side, when anything does. Who is not shown to one friend is not `hidden` from all. */
export function ownReason(
  friends: readonly AlertReason[],
  hidden: boolean,
): { state: State; words: string } | null {
  for (const [state, words] of hidden ? [HIDDEN, ...OWN] : OWN)
    if (friends.some((f) => f.state === state)) return { state, words };
  return null;
}

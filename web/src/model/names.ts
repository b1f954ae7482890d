import { api } from '../net/api';
import * as s from './state';

const asked = new Set<number>();
let wanted = new Set<number>();
let nameTimer: ReturnType<typeof setTimeout> | undefined;

/** Asks for names of the crowd, gathered for a moment and in batches of 100. */
export function wantNames(indexes: Iterable<number>) {
  if (!s.admin.value) return;
  for (const i of indexes) if (!asked.has(i) && !s.names.value.has(i)) wanted.add(i);
  if (wanted.size === 0 || nameTimer !== undefined) return;
  nameTimer = setTimeout(async () => {
    const batchOf = [...wanted].slice(0, 100);
    wanted = new Set([...wanted].slice(100));
    for (const i of batchOf) asked.add(i);
    try {
      const { people } = await api.people(batchOf);
      const next = new Map(s.names.value.size > 20_000 ? [] : s.names.value);
      for (const p of people) next.set(p.index, { user: p.user, name: p.name });
      s.names.value = next;
    } catch {
      // asked again when they are next on show
    }
    for (const i of batchOf) asked.delete(i);
    nameTimer = undefined;
    if (wanted.size > 0) wantNames([]);
  }, 60);
}

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import * as s from '../model/state';
import { api } from '../net/api';
import type { AlertReason } from '../net/wire';

/** On a friend's sheet: whether I am told when they are near, and if not, why. */
export function AlertLine({ user, name }: { user: string; name: string }) {
  const reason = useSignal<AlertReason | null | undefined>(undefined);
  useEffect(() => {
    let over = false;
    void api.alerts().then(
      ({ friends }) => {
        if (!over) reason.value = friends.find((f) => f.user === user) ?? null;
      },
      () => {
        if (!over) reason.value = null;
      },
    );
    return () => {
      over = true;
    };
  }, [user]);
  return (
    <section class="part" aria-labelledby="told-title">
      <h3 id="told-title">Are you told when {name} is near?</h3>
      {reason.value !== null && (
        <p class="agreement" aria-live="polite" data-reason={reason.value?.state}>
          {reason.value === undefined ? 'Asking the server…' : reason.value.message}
        </p>
      )}
      <button
        type="button"
        class="link"
        onClick={() => {
          const here = s.page.peek();
          s.page.value = { at: 'alerts', ...(here ? { back: here } : {}) };
        }}
      >
        Why no alert? All friends
      </button>
    </section>
  );
}

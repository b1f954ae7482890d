import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';

/** A part of the page that is fetched when it is first shown; the first load is the map and the list. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  const part = signal<ComponentType<P> | null>(null);
  const failed = signal(false);
  let under = false;
  const get = async () => {
    if (under || part.value !== null) return;
    under = true;
    failed.value = false;
    try {
      part.value = await load();
    } catch {
      failed.value = true;
    }
    under = false;
  };
  return function Lazy(props: P) {
    useEffect(() => void get(), []);
    const Part = part.value;
    if (Part !== null) return <Part {...props} />;
    if (!failed.value) return <p class="muted">Opening…</p>;
    return (
      <section class="part" role="alert">
        <p class="problem">
          This part could not be fetched. If the server was renewed meanwhile, the page has to be loaded anew.
        </p>
        <div class="pair">
          <button type="button" class="button" onClick={() => void get()}>
            Try again
          </button>
          <button type="button" class="button" onClick={() => location.reload()}>
            Load the page anew
          </button>
        </div>
      </section>
    );
  };
}

import { signal } from '@preact/signals';

/**
 * The code of the invite this page was opened with (`/join#CODE`). Taken out of the address bar before anything else
 * runs, so that it is in no history entry, no bookmark and no picture of the screen.
 */
function taken(): string | null {
  if (location.pathname !== '/join') return null;
  let code = location.hash.slice(1);
  history.replaceState(null, '', '/join');
  try {
    code = decodeURIComponent(code);
  } catch {
    // the server then knows no such code
  }
  return code.trim();
}

/** Null: this page is not about an invite. Empty: it is, but the link had no code. */
export const invited = signal<string | null>(taken());

/** The invite is dealt with: the page is the dashboard again. */
export function leaveJoin() {
  invited.value = null;
  history.replaceState(null, '', `/${location.hash}`);
}

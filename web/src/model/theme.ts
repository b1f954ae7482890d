import { computed, effect, signal } from '@preact/signals';

export type Choice = 'system' | 'light' | 'dark';

const KEY = 'letshang.theme';
const dark = matchMedia('(prefers-color-scheme: dark)');
const systemDark = signal(dark.matches);
dark.addEventListener('change', (e) => {
  systemDark.value = e.matches;
});

function stored(): Choice {
  try {
    const value = localStorage.getItem(KEY);
    return value === 'light' || value === 'dark' ? value : 'system';
  } catch {
    return 'system';
  }
}

export const choice = signal<Choice>(stored());
export const theme = computed<'light' | 'dark'>(() =>
  choice.value === 'system' ? (systemDark.value ? 'dark' : 'light') : choice.value,
);

effect(() => {
  const root = document.documentElement;
  if (choice.value === 'system') delete root.dataset.theme;
  else root.dataset.theme = choice.value;
  try {
    if (choice.value === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, choice.value);
  } catch {
    // the choice then lasts as long as the page
  }
});

/** No gliding, no pulsing, no camera flights. */
export const calm = signal(matchMedia('(prefers-reduced-motion: reduce)').matches);
matchMedia('(prefers-reduced-motion: reduce)').addEventListener('change', (e) => {
  calm.value = e.matches;
});

/** Whether there is room for a panel beside the map. */
const wideQuery = matchMedia('(min-width: 820px)');
export const wide = signal(wideQuery.matches);
wideQuery.addEventListener('change', (e) => {
  wide.value = e.matches;
});

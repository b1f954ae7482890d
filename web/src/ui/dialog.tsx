import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { ApiError } from '../net/api';
import { Close, Left } from './icons';

/**
 * The browser's own modal dialog: focus stays inside, Escape closes, the rest of the page is inert, and what opened it
 * has the focus again afterwards. `sticky`: a click beside it does not close it (it shows what is shown only once).
 */
export function Dialog({
  title,
  onClose,
  onBack,
  sticky,
  children,
}: {
  title: string;
  onClose: () => void;
  onBack?: () => void;
  sticky?: boolean;
  children: ComponentChildren;
}) {
  const box = useRef<HTMLDialogElement>(null);
  const head = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => {
    const dialog = box.current;
    const opener = document.activeElement;
    if (dialog && !dialog.open) dialog.showModal();
    return () => {
      dialog?.close();
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  useEffect(() => {
    head.current?.focus();
    box.current?.querySelector('.dialog-body')?.scrollTo(0, 0);
  }, [title]);
  return (
    <dialog
      class="dialog"
      ref={box}
      aria-labelledby="dialog-title"
      onCancel={(e) => {
        e.preventDefault();
        onClose();
      }}
      onClick={(e) => {
        if (!sticky && e.target === box.current) onClose();
      }}
    >
      <div class="dialog-box">
        <header class="dialog-head">
          {onBack && (
            <button type="button" class="icon-button" aria-label="Back" onClick={onBack}>
              <Left />
            </button>
          )}
          <h2 id="dialog-title" tabIndex={-1} ref={head}>
            {title}
          </h2>
          <button type="button" class="icon-button" aria-label="Close" onClick={onClose}>
            <Close />
          </button>
        </header>
        <div class="dialog-body">{children}</div>
      </div>
    </dialog>
  );
}

/** What went wrong, for a person. */
export function problemOf(error: unknown): string {
  if (error instanceof ApiError) {
    if (error.status === 404) return 'That is not there any more.';
    if (error.status === 429) return `That was too often. ${error.message}`;
    return error.message;
  }
  return error instanceof Error ? error.message : 'That did not work.';
}

/** One thing at a time that is asked of the server: whether it is under way, and what went wrong. */
export function useTask() {
  const busy = useSignal(false);
  const problem = useSignal<string | null>(null);
  const run = async (work: () => Promise<unknown>, words: (error: unknown) => string = problemOf) => {
    if (busy.value) return false;
    busy.value = true;
    problem.value = null;
    try {
      await work();
      return true;
    } catch (error) {
      problem.value = words(error);
      return false;
    } finally {
      busy.value = false;
    }
  };
  return { busy, problem, run };
}

export function Problem({ text }: { text: string | null }) {
  return text === null ? null : (
    <p class="problem" role="alert">
      {text}
    </p>
  );
}

/** A button that asks once more before it does what cannot be taken back. */
export function Confirm({
  label,
  question,
  yes,
  busy,
  onYes,
}: {
  label: string;
  question: string;
  yes: string;
  busy: boolean;
  onYes: () => void;
}) {
  const asked = useSignal(false);
  const ask = useRef<HTMLButtonElement>(null);
  const no = useRef<HTMLButtonElement>(null);
  const was = useRef(false);
  useEffect(() => {
    if (asked.value) no.current?.focus();
    else if (was.current) ask.current?.focus();
    was.current = asked.value;
  }, [asked.value]);
  if (!asked.value)
    return (
      <button
        type="button"
        class="button danger"
        ref={ask}
        onClick={() => {
          asked.value = true;
        }}
      >
        {label}
      </button>
    );
  return (
    <div class="confirm" role="group" aria-label={label}>
      <p>{question}</p>
      <div class="pair">
        <button
          type="button"
          class="button"
          ref={no}
          onClick={() => {
            asked.value = false;
          }}
        >
          Cancel
        </button>
        <button type="button" class="button danger solid" disabled={busy} onClick={onYes}>
          {yes}
        </button>
      </div>
    </div>
  );
}

/** On or off, at once. */
export function Switch({
  title,
  sub,
  on,
  busy,
  onChange,
}: {
  title: string;
  sub: string;
  on: boolean;
  busy: boolean;
  onChange: (on: boolean) => void;
}) {
  return (
    <label class="switch">
      <span>
        <strong>{title}</strong>
        <span class="line-sub">{sub}</span>
      </span>
      <input
        type="checkbox"
        role="switch"
        checked={on}
        disabled={busy}
        onChange={(e) => onChange(e.currentTarget.checked)}
      />
    </label>
  );
}

/** One of a few: chips in a row. */
export function Chips<T extends string>({
  legend,
  name,
  options,
  value,
  onChange,
}: {
  legend: string;
  name: string;
  options: readonly (readonly [T, string])[];
  value: T;
  onChange: (value: T) => void;
}) {
  return (
    <fieldset class="choice">
      <legend>{legend}</legend>
      <div class="chips">
        {options.map(([key, text]) => (
          <label key={key} class="chip">
            <input
              type="radio"
              name={name}
              value={key}
              checked={value === key}
              onChange={() => onChange(key)}
            />
            <span>{text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

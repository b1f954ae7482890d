import { useSignal } from '@preact/signals';
import { Check, Copy } from './icons';

/** One thing to type elsewhere: its name, its value, and a button that copies it. */
export function CopyField({ label, value }: { label: string; value: string }) {
  const copied = useSignal<'no' | 'yes' | 'failed'>('no');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
      copied.value = 'yes';
    } catch {
      copied.value = 'failed';
    }
  };
  return (
    <div class="copy-field">
      <label class="field labelled">
        <span>{label}</span>
        <input
          type="text"
          readOnly
          value={value}
          spellcheck={false}
          autocomplete="off"
          onFocus={(e) => e.currentTarget.select()}
        />
      </label>
      <button
        type="button"
        class="icon-button"
        aria-label={`Copy: ${label}`}
        title="Copy"
        onClick={() => void copy()}
      >
        {copied.value === 'yes' ? <Check /> : <Copy />}
      </button>
      <p class="sr" role="status">
        {copied.value === 'yes' ? `${label} is on the clipboard.` : ''}
      </p>
      {copied.value === 'failed' && (
        <p class="hint tight">
          This browser does not let the page copy: select the text and copy it by hand.
        </p>
      )}
    </div>
  );
}

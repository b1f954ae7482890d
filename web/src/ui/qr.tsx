import { useMemo } from 'preact/hooks';
import { encode } from 'uqr';
import { useSignal } from '@preact/signals';
import { Copy } from './icons';

const QUIET = 4;

/** The dark modules as one path: a run of each row is one rectangle. */
export function modules(text: string): { size: number; path: string } {
  const { data, size } = encode(text, { ecc: 'M', border: 0 });
  let path = '';
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      if (!data[y]![x]) continue;
      const from = x;
      while (x < size && data[y]![x]) x++;
      path += `M${from + QUIET} ${y + QUIET}h${x - from}v1h${from - x}z`;
    }
  return { size: size + 2 * QUIET, path };
}

/** A QR code, black on white in either theme: cameras want it so. */
export function Qr({ text, label }: { text: string; label: string }) {
  const { size, path } = useMemo(() => modules(text), [text]);
  return (
    <svg
      class="qr"
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={label}
      shape-rendering="crispEdges"
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}

/** A link or a token that is to be carried elsewhere: to read, to copy, and as a QR code beside it. */
export function Carry({ label, text, qr }: { label: string; text: string; qr: string }) {
  const copied = useSignal<'no' | 'yes' | 'failed'>('no');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      copied.value = 'yes';
    } catch {
      copied.value = 'failed';
    }
  };
  return (
    <div class="carry">
      <Qr text={text} label={qr} />
      <div class="carry-text">
        <label class="field labelled">
          <span>{label}</span>
          <input
            type="text"
            readOnly
            value={text}
            spellcheck={false}
            autocomplete="off"
            onFocus={(e) => e.currentTarget.select()}
          />
        </label>
        <button type="button" class="button" onClick={() => void copy()}>
          <Copy /> {copied.value === 'yes' ? 'Copied' : 'Copy'}
        </button>
        <p class="hint tight" role="status">
          {copied.value === 'failed'
            ? 'This browser does not let the page copy: select the text and copy it by hand.'
            : copied.value === 'yes'
              ? 'It is on the clipboard.'
              : ''}
        </p>
      </div>
    </div>
  );
}

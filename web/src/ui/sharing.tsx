import type { Precision } from '../net/wire';
import { endOf, type Length, moment } from '../text/words';
import { Chips } from './dialog';

/** A choice of what to share and for how long. `keep`: the end that holds already. */
export interface Choice {
  precision: Precision;
  length: Length | 'keep';
}

const PRECISIONS: [Precision, string][] = [
  ['exact', 'Exact position'],
  ['approximate', 'About 1 km'],
  ['off', 'Nothing'],
];

export const endOfChoice = (choice: Choice, keep: number | undefined, now: number): number | undefined =>
  choice.length === 'keep' ? keep : endOf(choice.length, now);

/** `pause`: also "nothing" may have an end, after which holds again what held before. */
export function SharingChoice({
  id,
  legend,
  nothing = 'Nothing',
  value,
  keep,
  pause = false,
  now,
  onChange,
}: {
  id: string;
  legend: string;
  nothing?: string;
  value: Choice;
  keep?: number;
  pause?: boolean;
  now: number;
  onChange: (value: Choice) => void;
}) {
  const lengths: [Choice['length'], string][] = [
    ['hour', 'For 1 hour'],
    ['today', 'Today'],
    ['open', 'Until I change it'],
  ];
  if (keep !== undefined) lengths.unshift(['keep', `Until ${moment(keep, now)}`]);
  return (
    <>
      <Chips
        legend={legend}
        name={`${id}-precision`}
        options={PRECISIONS.map(([key, text]) => [key, key === 'off' ? nothing : text] as const)}
        value={value.precision}
        onChange={(precision) =>
          onChange({
            precision,
            length: precision === 'off' && !pause ? 'open' : value.length === 'keep' ? 'open' : value.length,
          })
        }
      />
      {(value.precision !== 'off' || pause) && (
        <Chips
          legend="For how long"
          name={`${id}-length`}
          options={lengths}
          value={value.length}
          onChange={(length) => onChange({ ...value, length })}
        />
      )}
    </>
  );
}

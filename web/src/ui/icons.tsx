import type { ComponentChildren } from 'preact';

/** Line icons on a 20-unit grid, drawn for this page. */
const icon = (children: ComponentChildren) => () => (
  <svg
    class="icon"
    viewBox="0 0 20 20"
    width="20"
    height="20"
    fill="none"
    stroke="currentColor"
    stroke-width="1.7"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  >
    {children}
  </svg>
);

export const Plus = icon(<path d="M10 4v12M4 10h12" />);
export const Minus = icon(<path d="M4 10h12" />);
export const Everyone = icon(
  <path d="M3 7V4.5A1.5 1.5 0 0 1 4.5 3H7M13 3h2.5A1.5 1.5 0 0 1 17 4.5V7M17 13v2.500A1.500 1.500 0 0 1 15.500 17H13M7 17H4.500A1.500 1.500 0 0 1 3 15.500V13M10 8.200a1.800 1.800 0 1 0 0 3.600 1.800 1.800 0 0 0 0-3.600Z" />,
);
export const Leave = icon(
  <path d="M12 6V4.500A1.500 1.500 0 0 0 10.500 3h-5A1.500 1.500 0 0 0 4 4.500v11A1.500 1.500 0 0 0 5.500 17h5a1.500 1.500 0 0 0 1.500-1.500V14M8.500 10H17M14.500 7.300 17 10l-2.500 2.700" />,
);
export const Close = icon(<path d="m5.500 5.500 9 9M14.500 5.500l-9 9" />);
export const Target = icon(
  <>
    <circle cx="10" cy="10" r="5.500" />
    <path d="M10 2v3M10 15v3M2 10h3M15 10h3" />
  </>,
);
export const Left = icon(<path d="M12 5 7 10l5 5" />);
export const Right = icon(<path d="m8 5 5 5-5 5" />);
export const Table = icon(
  <>
    <rect x="3" y="4" width="14" height="12" rx="1.800" />
    <path d="M3 8.200h14M3 12h14M8.500 8.200V16" />
  </>,
);
export const Bars = icon(<path d="M4 16V11M8 16V6M12 16V9M16 16V4" />);
export const Steps = icon(
  <path d="M6.200 11.500c-1.700 0-2.700-1.900-2.700-4.200S4.600 3 6.200 3s2.300 1.800 2.300 4-.600 4.500-2.300 4.500ZM4.700 13.400h2.900c0 1.300-.400 2.200-1.400 2.200s-1.500-.900-1.500-2.200ZM13.800 12.300c1.700 0 2.700-1.700 2.700-4S15.400 4.400 13.800 4.400s-2.300 1.500-2.300 3.600.600 4.300 2.300 4.300ZM12.400 14.200h2.900c0 1.300-.400 2.300-1.500 2.300s-1.400-1-1.400-2.300Z" />,
);
export const Pin = icon(
  <>
    <path d="M10 17.500s5.500-4.700 5.500-9a5.500 5.500 0 0 0-11 0c0 4.300 5.500 9 5.500 9Z" />
    <circle cx="10" cy="8.500" r="1.900" />
  </>,
);

export const Invite = icon(
  <>
    <circle cx="8" cy="7" r="3.200" />
    <path d="M2.500 16.500c.400-3 2.500-4.700 5.500-4.700 1.300 0 2.400.300 3.300.900M15 11v6M12 14h6" />
  </>,
);
export const Ghost = icon(
  <>
    <path d="M4 16.500V9a6 6 0 0 1 12 0v7.500l-2-1.500-2 1.500-2-1.500-2 1.500-2-1.500-2 1.500Z" />
    <path d="M8 8.800v.700M12 8.800v.700" />
  </>,
);
export const Eye = icon(
  <>
    <path d="M2.200 10S5 4.800 10 4.800 17.800 10 17.800 10 15 15.200 10 15.200 2.200 10 2.200 10Z" />
    <circle cx="10" cy="10" r="2.300" />
  </>,
);
export const Device = icon(
  <>
    <rect x="5.500" y="2.500" width="9" height="15" rx="2" />
    <path d="M9 14.800h2" />
  </>,
);
export const Person = icon(
  <>
    <circle cx="10" cy="7" r="3.300" />
    <path d="M3.800 16.800c.500-3.200 2.900-5 6.200-5s5.700 1.800 6.200 5" />
  </>,
);
export const Archive = icon(
  <>
    <path d="M10 3v8.500M6.700 8.500 10 11.800l3.300-3.300" />
    <path d="M3.500 13.500v2A1.500 1.500 0 0 0 5 17h10a1.500 1.500 0 0 0 1.500-1.500v-2" />
  </>,
);
export const Log = icon(<path d="M4 5h.010M4 10h.010M4 15h.010M7.500 5H16M7.500 10H16M7.500 15H16" />);
export const More = icon(
  <g fill="currentColor" stroke="none">
    <circle cx="4.500" cy="10" r="1.500" />
    <circle cx="10" cy="10" r="1.500" />
    <circle cx="15.500" cy="10" r="1.500" />
  </g>,
);
export const Copy = icon(
  <>
    <rect x="7" y="7" width="9.500" height="9.500" rx="2" />
    <path d="M13 7V5.300A1.800 1.800 0 0 0 11.200 3.500H5.300A1.800 1.800 0 0 0 3.500 5.300v5.900A1.800 1.800 0 0 0 5.300 13H7" />
  </>,
);
export const Calendar = icon(
  <>
    <rect x="3" y="4.500" width="14" height="12.500" rx="2" />
    <path d="M3 8.500h14M7 2.800v3.200M13 2.800v3.200" />
  </>,
);
export const Phone = icon(
  <>
    <rect x="3.500" y="2.500" width="8.500" height="15" rx="2" />
    <path d="M7 14.800h1.500M14.600 7.700a3.400 3.400 0 0 1 0 4.600M16.800 5.500a6.500 6.500 0 0 1 0 9" />
  </>,
);
export const Bell = icon(
  <>
    <path d="M5 13.800c.900-1 1.300-2.200 1.300-4.300 0-2.600 1.400-4.500 3.700-4.500s3.700 1.900 3.700 4.500c0 2.100.400 3.300 1.300 4.300Z" />
    <path d="M8.700 16.300a1.500 1.500 0 0 0 2.600 0M10 5V3.500" />
  </>,
);
export const Check = icon(<path d="m4.500 10.500 3.700 3.700 7.300-8" />);
export const Alarm = icon(<path d="M10 5.500v5.500M10 14.300v.100" />);
export const Bin = icon(
  <path d="M4 6h12M8 6V4.500h4V6M5.800 6l.7 9.500a1.300 1.300 0 0 0 1.300 1.200h4.400a1.300 1.300 0 0 0 1.300-1.200l.7-9.500" />,
);

export const Logo = () => (
  <svg class="logo" viewBox="0 0 64 64" width="34" height="34" aria-hidden="true">
    <rect width="64" height="64" rx="18" fill="var(--brand-fill)" />
    <circle cx="25" cy="32" r="12.500" fill="none" stroke="#fff" stroke-width="6" />
    <circle cx="41.500" cy="32" r="10" fill="#fff" />
  </svg>
);

/** The map's own sign for a state: full, hollow, broken; with a halo when near. The same shapes as on the map. */
export function StateMark({
  state,
  near = false,
  size = 16,
}: {
  state: 'free' | 'busy' | 'stale';
  near?: boolean;
  size?: number;
}) {
  return (
    <svg class={`mark mark-${state}`} viewBox="0 0 16 16" width={size} height={size} aria-hidden="true">
      {near && <circle cx="8" cy="8" r="7.200" class="mark-halo" />}
      {state === 'free' && <circle cx="8" cy="8" r="4.600" class="mark-fill" />}
      {state === 'busy' && <circle cx="8" cy="8" r="3.900" class="mark-ring" />}
      {state === 'stale' && <circle cx="8" cy="8" r="3.900" class="mark-dash" />}
    </svg>
  );
}

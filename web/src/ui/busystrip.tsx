import { busyDays, dayWords, stretchWords, wall } from '../text/calendar';
import { zoneName } from '../text/words';

const W = 288;
const H = 18;
const HOURS = [0, 6, 12, 18, 24];

/** The next seven days, a row each: what is busy of it. In words for who does not see it. */
export function BusyStrip({
  busy,
  zone,
  now,
}: {
  busy: readonly { from: number; to: number }[];
  zone: string;
  now: number;
}) {
  const days = busyDays(busy, zone, now);
  const { date: today, minute } = wall(zone, now);
  const nowAt = (minute / 1440) * W;
  const none = days.every((day) => day.busy.length === 0);
  return (
    <figure class="strip" data-strip>
      <figcaption class="hint tight">
        {none
          ? 'Nothing busy in the next seven days.'
          : `Busy in the next seven days, ${zoneName(zone)} time`}
      </figcaption>
      <ol>
        {days.map((day) => (
          <li key={day.date} data-date={day.date}>
            <span class="strip-day">{dayWords(day.date, today)}</span>
            <svg viewBox={`0 0 ${W} ${H}`} preserveAspectRatio="none" aria-hidden="true">
              <rect class="strip-back" width={W} height={H} rx="4" />
              {day.busy.map((b) => (
                <rect
                  key={b.from}
                  class="strip-busy"
                  x={(b.from / 1440) * W}
                  width={Math.max(1.5, ((b.to - b.from) / 1440) * W)}
                  height={H}
                  rx="2"
                >
                  <title>{stretchWords([b])}</title>
                </rect>
              ))}
              {day.date === today && <line class="strip-now" x1={nowAt} x2={nowAt} y1="-1" y2={H + 1} />}
            </svg>
            <span class="sr">{`busy: ${stretchWords(day.busy)}`}</span>
          </li>
        ))}
        <li class="strip-hours" aria-hidden="true">
          <span class="strip-day" />
          <span class="strip-ticks">
            {HOURS.map((h) => (
              <span key={h}>{String(h).padStart(2, '0')}</span>
            ))}
          </span>
        </li>
      </ol>
    </figure>
  );
}

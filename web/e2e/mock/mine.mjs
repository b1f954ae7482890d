// The pretend server's phones, calendar, availability, alerts and steps: what is one person's own. No rights, no parsing.
import { randomBytes } from 'node:crypto';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ok = (body) => ({ status: 200, body });
const DONE = { status: 204 };
const refused = (status, code, message, field) => ({ status, body: { code, message, field } });
const NOT_FOUND = refused(404, 'not_found', 'there is no such thing, or it is not yours to see');
const WEEK = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const ANSWERED = ['owntracks', 'overland'];

/** `seeds`: what is there from the start, of `phones`, `trouble`, `calendar`, `hours`. */
export class Mine {
  constructor({ zone, circle, mates, seeds = [] }) {
    Object.assign(this, { zone, circle, mates });
    this.hand = null;
    this.calendar = seeds.includes('calendar') ? this.read('url', 'calendar.example.org') : null;
    this.phones = seeds.includes('phones') ? this.seeded() : [];
    this.wrong = null;
    if (seeds.includes('hours'))
      circle.changes.free_hours = [
        { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '18:00', to: '22:00' },
        { days: ['fri', 'sat'], from: '22:00', to: '02:00' },
      ];
    if (seeds.includes('trouble')) {
      this.wrong = { t: Date.now() - 20_000, app: 'traccar' };
      if (this.calendar)
        this.calendar.error = {
          code: 'unreachable',
          message: 'calendar.example.org did not answer within 10 s.',
        };
    }
  }

  answer(method, path, body, query) {
    const id = path.split('/')[4];
    switch (`${method} ${path.split('/').slice(2, 4).join('/')}`) {
      case 'GET me/availability':
        return ok(this.availability());
      case 'PUT me/availability':
        this.say(body);
        return ok(this.availability());
      case 'DELETE me/availability':
        this.hand = null;
        return ok(this.availability());
      case 'GET me/calendar':
        return this.calendar === null ? NOT_FOUND : ok(this.calendar);
      case 'PUT me/calendar':
        return this.take(body);
      case 'DELETE me/calendar':
        this.calendar = null;
        return DONE;
      case 'GET me/phones':
        return ok({
          phones: this.phones.map((p) => this.seen(p)),
          wrong_credentials: this.wrong ?? undefined,
        });
      case 'PATCH me/phones': {
        const phone = this.phones.find((p) => String(p.id) === id);
        if (!phone) return NOT_FOUND;
        Object.assign(phone, body);
        return ok(this.seen(phone));
      }
      case 'POST me/tokens':
        return body.app ? this.add(body) : null;
      case 'DELETE me/tokens':
        this.phones = this.phones.filter((p) => id !== undefined && String(p.id) !== id);
        return null;
      case 'GET me/alerts':
        return ok({ friends: this.alerts() });
      case 'GET steps/leaderboard':
        return ok(this.board(query));
      case 'GET steps':
        return ok({ today: 6_214, week: 31_840, days: [] });
      default:
        return null;
    }
  }

  // ------------------------------------------------------------------ free and busy

  say({ free, note, until }) {
    this.hand = { free, note, until };
  }

  availability() {
    if (this.hand?.until && this.hand.until < Date.now()) this.hand = null;
    if (this.hand === null) {
      const { until, ...now } = this.automatic(Date.now());
      return { ...now, until, next: until ? this.at(until) : undefined };
    }
    return { ...this.hand, source: 'hand', next: this.hand.until ? this.at(this.hand.until) : undefined };
  }

  /** Without a hand's word: what holds at a moment. */
  at(ms) {
    const hours = this.circle.changes.free_hours ?? [];
    if (this.calendar?.busy.some((b) => b.from <= ms && ms < b.to))
      return { free: false, source: 'calendar' };
    if (hours.length > 0) return { free: this.inHours(hours, ms), source: 'hours' };
    return this.calendar ? { free: true, source: 'calendar' } : { free: false, source: 'default' };
  }

  automatic(now) {
    const first = this.at(now);
    if (first.source === 'default') return first;
    const step = 5 * MINUTE;
    for (let ms = Math.ceil(now / step) * step; ms < now + 168 * HOUR; ms += step)
      if (this.at(ms).free !== first.free) return { ...first, until: ms };
    return first;
  }

  inHours(hours, ms) {
    const parts = new Intl.DateTimeFormat('en-GB', {
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      timeZone: this.zone,
    }).formatToParts(ms);
    const part = (type) => parts.find((p) => p.type === type).value;
    const day = WEEK.indexOf(part('weekday').toLowerCase());
    const minute = (Number(part('hour')) % 24) * 60 + Number(part('minute'));
    const of = (time) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
    return hours.some(({ days, from, to }) => {
      const [a, b] = [of(from), of(to)];
      if (a < b) return days.includes(WEEK[day]) && a <= minute && minute < b;
      return (days.includes(WEEK[day]) && a <= minute) || (days.includes(WEEK[(day + 6) % 7]) && minute < b);
    });
  }

  // ------------------------------------------------------------------ the calendar

  /** A week like many: meetings, a day off, something over midnight. */
  read(source, host) {
    const now = Date.now();
    const hour = Math.floor(now / HOUR) * HOUR;
    const busy = [{ from: hour - HOUR, to: hour + 2 * HOUR }];
    for (let day = 1; day < 7; day++) {
      const at = hour + day * 24 * HOUR;
      if (day === 3) busy.push({ from: at - 4 * HOUR, to: at + 20 * HOUR });
      else
        busy.push(
          { from: at - 3 * HOUR, to: at - 1.5 * HOUR },
          { from: at + day * HOUR, to: at + (day + 1) * HOUR },
        );
    }
    return {
      source,
      url_host: host,
      events: 42,
      busy: busy.sort((a, b) => a.from - b.from),
      fetched: now - 12 * MINUTE,
      next_fetch: source === 'url' ? now + 48 * MINUTE : undefined,
      notes: [
        '“Standup”: repeats more than 10,000 times; cut after 10,000.',
        '“Lunch” ends before it begins; it was left out.',
        'Time zone “Customized Time Zone” is not known; UTC was taken.',
      ],
    };
  }

  take(body) {
    const bad = (message) => refused(422, 'bad_field', message, 'calendar');
    if (typeof body === 'string') {
      if (!body.includes('BEGIN:VCALENDAR'))
        return bad('this is no calendar: it does not begin with BEGIN:VCALENDAR');
      this.calendar = this.read('upload', undefined);
      this.calendar.notes = [];
      return ok(this.calendar);
    }
    const host = new URL(String(body.url).replace(/^webcal:/, 'https:')).host;
    if (/^(127\.|10\.|192\.168\.|localhost)/.test(host))
      return bad(`${host} is an address of the server's own network, which is not fetched`);
    this.calendar = this.read('url', host);
    return ok(this.calendar);
  }

  // ------------------------------------------------------------------ phones

  add({ device, app }) {
    const made = { id: this.circle.next++, device, kind: 'device', created: Date.now() };
    this.circle.tokens.push(made);
    const token = `lht_${randomBytes(24).toString('base64url')}`;
    this.phones.push({
      id: made.id,
      device,
      app,
      accepted: 0,
      dropped: {},
      begun: Date.now(),
      ask_steps: false,
    });
    if (/wrong/i.test(device)) this.wrong = { t: Date.now() + 1_500, app };
    return ok({ id: made.id, token, device, kind: 'device', setup: this.setup(app, device, token) });
  }

  setup(app, device, token) {
    const base = process.env.MOCK_BASE ?? 'https://hang.example.org';
    const user = this.circle.me().user;
    switch (app) {
      case 'owntracks': {
        const settings = {
          _type: 'configuration',
          mode: 3,
          url: `${base}/owntracks`,
          username: user,
          password: token,
        };
        const link = `owntracks:///config?inline=${Buffer.from(JSON.stringify(settings)).toString('base64url')}`;
        return {
          url: `${base}/owntracks`,
          user,
          password: token,
          link,
          qr: link,
          fields: [
            { name: 'Mode', value: 'HTTP' },
            { name: 'URL', value: `${base}/owntracks` },
            { name: 'UserID', value: user },
            { name: 'Password', value: token },
            {
              name: 'URL with everything in it',
              value: `${base.replace('://', `://${user}:${token}@`)}/owntracks`,
            },
          ],
        };
      }
      case 'traccar': {
        const url = `${base}/t/${token}`;
        const qr = `${url}?id=${encodeURIComponent(device)}&accuracy=high&distance=20&interval=60&buffer=true`;
        return {
          url,
          qr,
          fields: [
            { name: 'Server URL', value: url },
            { name: 'Device identifier', value: device },
          ],
        };
      }
      case 'overland': {
        const url = `${base}/overland`;
        const link = `overland://setup?url=${encodeURIComponent(url)}&token=${token}&device_id=phone&unique_id=yes`;
        return {
          url,
          password: token,
          link,
          qr: link,
          fields: [
            { name: 'Receiver Endpoint URL', value: url },
            { name: 'Access Token', value: token },
          ],
        };
      }
      default: {
        const link = `gpslogger://properties/${base}/p/${token}.properties`;
        return {
          url: `${base}/gpslogger/${token}`,
          link,
          qr: link,
          fields: [
            {
              name: 'URL',
              value: `${base}/gpslogger/${token}?lat=%LAT&lon=%LON&acc=%ACC&alt=%ALT&spd=%SPD&dir=%DIR&batt=%BATT&timestamp=%TIMESTAMP`,
            },
            { name: 'Dawarich address', value: base },
            { name: 'Dawarich API key', value: token },
          ],
        };
      }
    }
  }

  /** A phone that was just added comes in bit by bit. */
  seen({ begun, ...phone }) {
    if (begun === undefined || this.wrong?.app === phone.app) return phone;
    const age = Date.now() - begun;
    if (age > 1_500)
      Object.assign(phone, { reached: Date.now() - 400, last_ok: Date.now() - 400, last_status: 200 });
    if (age > 4_000) Object.assign(phone, { last_fix: Date.now() - 900, accepted: Math.floor(age / 2_000) });
    if (age > 6_000 && ANSWERED.includes(phone.app))
      phone.friends_sent = { t: Date.now() - 400, count: this.mates().length };
    return phone;
  }

  seeded() {
    const now = Date.now();
    return [
      {
        id: 2,
        device: 'Pixel 9',
        app: 'owntracks',
        platform: 'android',
        reached: now - 3_000,
        last_ok: now - 3_000,
        last_fix: now - 14_000,
        friends_sent: { t: now - 3_000, count: 11 },
        last_status: 200,
        accepted: 18_204,
        dropped: { duplicate: 12, too_often: 1_530, late: 3, odd: 1 },
        ask_steps: false,
      },
      {
        id: 4,
        device: 'Old iPhone',
        app: 'overland',
        platform: 'ios',
        reached: now - 90 * MINUTE,
        last_ok: now - 90 * MINUTE,
        last_status: 200,
        accepted: 0,
        dropped: { future: 240 },
        hint: {
          code: 'clock_ahead',
          message:
            'Its points are dated 2 hours in the future: the clock or the time zone of the phone is wrong.',
        },
      },
      { id: 5, device: 'Bike tracker', app: 'traccar', accepted: 0, dropped: {} },
    ];
  }

  // ------------------------------------------------------------------ alerts and steps

  alerts() {
    const { free, hidden_until: hidden } = this.circle.me();
    const says = [
      ['near', 180, (n) => `${n} is free and 180 m away: you have been told.`],
      ['busy', 240, (n) => `${n} is 240 m away, but busy.`],
      [
        'coarse',
        undefined,
        (n) => `${n} shares only an area of about 1 km, which is too coarse for an alert.`,
      ],
      ['far', 2_300, (n) => `${n} is free, but 2.3 km away; you are told within 500 m.`],
      ['stale', undefined, (n) => `${n} has not been heard from for 25 min.`],
      ['recently', 90, (n) => `${n} is near: you were told 20 min ago, and are told once an hour.`],
      ['not_shown', undefined, (n) => `${n} does not show you where they are.`],
    ];
    return this.mates().map(({ user, name }, i) => {
      const [state, distance, words] = says[i % says.length];
      if (hidden && hidden > Date.now())
        return { user, name, state: 'you_hidden', message: `You are hidden from ${name} and everyone else.` };
      if (!free && ['near', 'recently'].includes(state))
        return {
          user,
          name,
          state: 'you_busy',
          distance,
          message: `${name} is free and near, but you are busy.`,
        };
      return { user, name, state, distance, message: words(name) };
    });
  }

  board(query) {
    const week = query.get('week') !== null;
    const me = { user: 'guest', name: this.circle.me().name, steps: week ? 31_840 : 6_214, me: true };
    if (this.circle.changes.on_board === false) return { people: [me] };
    const rest = this.mates().map(({ user, name, steps = 0 }) => ({
      user,
      name,
      steps: week ? steps * 4 + 900 : steps,
    }));
    return { people: [me, ...rest].sort((a, b) => b.steps - a.steps) };
  }
}

// A pretend server for working on the page: people walk Manhattan's grid. Not a test of anything; the tests drive the
// real binary. `node e2e/mock/server.mjs [admin|friend|token] [people] [port]`, after `npm run build`.
import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { Circle } from './circle.mjs';
import { Mine } from './mine.mjs';

const [mode = 'admin', peopleWanted = '420', portWanted = '8080'] = process.argv.slice(2);
const root = join(fileURLToPath(new URL('.', import.meta.url)), '../../dist');
const N = Number(peopleWanted);
const ZONE = process.env.MOCK_ZONE ?? 'America/New_York';
let seed = 7;
const random = () => {
  seed = (seed * 1664525 + 1013904223) >>> 0;
  return seed / 2 ** 32;
};

const FIRST =
  'Ada Ben Cleo Dan Eva Finn Gia Hugo Ines Jack Kira Leo Mia Noah Olga Paul Quinn Rosa Sam Tara Uma Vera Will Xena Yuri Zoe Amir Bea Carl Dora'.split(
    ' ',
  );
const LAST =
  'Adler Brooks Chen Diaz Evans Fox Garcia Haddad Ito Jones Kim Lopez Moreau Nowak Okafor Park Quist Rossi Silva Tran Unger Vogel Walsh Xu Young Zhang'.split(
    ' ',
  );
const bearing = (29 * Math.PI) / 180;
const at = (u, v) => {
  const north = u * Math.cos(bearing) + v * Math.sin(bearing);
  const east = u * Math.sin(bearing) - v * Math.cos(bearing);
  return [-73.994 + east / 84_235, 40.7363 + north / 111_195];
};
const avenues = [-1480, -940, -710, -622, -466, -311, -155, 0, 311, 585, 860, 1134, 1408];
const streetAt = (n) => (n - 14) * 80;
const people = Array.from({ length: N }, (_, i) => ({
  index: i + 1,
  user: `user_${i + 1}`,
  name: `${FIRST[Math.floor(random() * FIRST.length)]} ${LAST[Math.floor(random() * LAST.length)]}`,
  u: streetAt(14 + Math.floor(random() * 45)),
  v: avenues[Math.floor(random() * avenues.length)],
  along: random() < 0.5,
  speed: (0.9 + random() * 0.9) * (random() < 0.5 ? 1 : -1),
  free: random() < 0.42,
  quiet: random() < 0.07,
  t: Date.now(),
  steps: Math.floor(random() ** 2 * 14_000),
}));
const couples = [];
for (let i = 0; i + 1 < Math.min(N, 60); i += 2) {
  const [a, b] = [people[i], people[i + 1]];
  Object.assign(b, {
    along: a.along,
    speed: a.speed,
    u: a.u + (a.along ? 45 + random() * 90 : 6),
    v: a.v + (a.along ? 6 : 45 + random() * 60),
    free: true,
    quiet: false,
  });
  Object.assign(a, { free: true, quiet: false });
  couples.push([a, b]);
}
setInterval(() => {
  const now = Date.now();
  for (const p of people) {
    if (p.quiet) {
      p.t = now - 700_000;
      continue;
    }
    if (p.along) p.u += p.speed;
    else p.v += p.speed;
    if (p.u < -1000 || p.u > 3600 || p.v < -1500 || p.v > 1450) p.speed = -p.speed;
    p.t = now - Math.floor(random() * 3000);
    p.steps += random() < 0.7 ? 2 : 0;
  }
}, 1000);

const free = () => people.filter((p) => p.free).length;
const hourNow = () =>
  Number(
    new Intl.DateTimeFormat('en', { hour: '2-digit', hourCycle: 'h23', timeZone: ZONE }).format(Date.now()),
  );
const today = () => new Intl.DateTimeFormat('en-CA', { timeZone: ZONE }).format(Date.now());
const shape = [2, 1, 1, 0, 0, 1, 4, 9, 14, 12, 10, 13, 26, 22, 15, 14, 18, 27, 38, 44, 40, 29, 17, 8];
let guests = mode !== 'token';
let talking = null;
const known = people.slice(0, 12).map((p, i) => ({
  p,
  near: i < 2,
  online: i !== 9,
  note: ['coffee?', 'walking the dog', undefined, 'lunch at 1', undefined][i % 5],
}));
/** Every fifth friend shows only the cell. */
const placeOf = (p) => {
  const [lon, lat] = at(p.u, p.v);
  if (p.index % 5 !== 3) return { lat, lon, t: p.t, acc: 14 };
  const cell = (x, step) => (Math.floor(x / step) + 0.5) * step;
  return { lat: cell(lat, 0.01), lon: cell(lon, 0.0132), t: p.t, acc: 800, approximate: true };
};
/** The friend objects, as the welcome and `GET /v1/friends` give them. */
const mates = () =>
  known.map(({ p, near, online, note }) => ({
    user: p.user,
    name: p.name,
    online,
    free: p.free,
    note: p.free ? note : undefined,
    until: p.free ? Date.now() + 4e6 : undefined,
    near,
    ...placeOf(p),
  }));
const me = () => ({
  user: 'guest',
  name: mode === 'admin' ? 'Demo guest' : 'Nora Lindqvist',
  admin: mode === 'admin',
  radius: 500,
  time_zone: ZONE,
  stride: 0.762,
  on_board: true,
  ...justNow(),
  ...circle.changes,
});
/** Free or busy as the profile tells it: without what comes next. */
const justNow = () => {
  const { next: _, ...now } = mine.availability();
  return now;
};
const circle = new Circle({
  me: () => me(),
  mates,
  tell: (frame) => talking?.send(JSON.stringify(frame)),
  signOut: () => {
    guests = false;
    talking?.close(4401, 'erased');
  },
});
const mine = new Mine({
  zone: ZONE,
  circle,
  mates: () => circle.mates().map((m) => ({ ...m, steps: people.find((p) => p.user === m.user)?.steps })),
  seeds: (process.env.MOCK_MINE ?? '').split(','),
});

const routes = {
  'GET /v1/session': () => ({ user: guests ? 'guest' : null, guest: guests && mode !== 'token' }),
  'GET /v1/me': () => (guests ? me() : null),
  'POST /v1/session': (body) => {
    if (body.token !== undefined && body.token !== 'secret' && !circle.once.delete(body.token)) return null;
    if (mode === 'token' && body.token === undefined) return null;
    guests = true;
    return { user: 'guest', name: 'Demo guest', admin: mode !== 'friend' };
  },
  'DELETE /v1/session': () => {
    guests = mode !== 'token';
    return {};
  },
  'GET /v1/admin/stats': () => ({
    users: Math.round(N * 1.6),
    online: N,
    free: free(),
    near_pairs: couples.length,
    fixes_per_second: N * 1.02,
    steps_today: people.reduce((n, p) => n + p.steps, 0),
    connections: N + 1,
    uptime_s: Math.floor(process.uptime()),
    version: '0.1.0',
    mode: { redis: false, demo: true },
  }),
  'GET /v1/admin/people': (_, query) => ({
    people: query
      .get('index')
      .split(',')
      .map(Number)
      .filter((i) => people[i - 1])
      .map((i) => ({ index: i, user: people[i - 1].user, name: people[i - 1].name })),
  }),
  'GET /v1/availability/histogram': (_, query) => {
    const date = query.get('date') ?? today();
    const now = date === today() ? hourNow() : 23;
    const k = N / 60;
    return {
      date,
      time_zone: ZONE,
      complete: date !== today(),
      ...(mode === 'friend' ? { smallest: 5 } : {}),
      hours: shape.map((n, hour) => ({
        hour,
        free: hour > now ? 0 : Math.round(n * k),
        online: hour > now ? 0 : Math.round((n * 1.5 + 4) * k),
      })),
    };
  },
};

const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
};

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost');
  let body = '';
  request.on('data', (d) => {
    body += d;
  });
  request.on('end', () => {
    const isJson = request.headers['content-type'] !== 'text/calendar';
    const given = body ? (isJson ? JSON.parse(body) : body) : {};
    circle.origin = `http://${request.headers.host}`;
    const answer = url.pathname.startsWith('/v1/')
      ? (mine.answer(request.method, url.pathname, given, url.searchParams) ??
        circle.answer(request.method, url.pathname, given, url.searchParams))
      : null;
    if (answer !== null) {
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(answer.body === undefined ? undefined : JSON.stringify(answer.body));
      return;
    }
    const route = routes[`${request.method} ${url.pathname}`];
    if (route) {
      const value = route(given, url.searchParams);
      response.writeHead(value === null ? 401 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(value ?? { code: 'forbidden', message: 'sign in first' }));
      return;
    }
    const path = join(root, normalize(extname(url.pathname) === '' ? '/index.html' : url.pathname));
    try {
      if (!path.startsWith(root) || !statSync(path).isFile()) throw new Error();
      response.writeHead(200, {
        'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
        'content-security-policy': CSP,
      });
      response.end(readFileSync(path));
    } catch {
      response.writeHead(404).end('not here');
    }
  });
});

const sockets = new WebSocketServer({ noServer: true });
server.on('upgrade', (request, socket, head) => {
  if (!guests) {
    socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
    return;
  }
  sockets.handleUpgrade(request, socket, head, (ws) => {
    talking = ws;
    if (mode === 'admin') crowd(ws);
    else friend(ws);
  });
});

function crowd(ws) {
  ws.send(
    JSON.stringify({
      type: 'welcome',
      user: 'guest',
      name: 'Demo guest',
      server_time: Date.now(),
      free: false,
      steps_today: 0,
      last_seq: 0,
      limits: {},
      friends: [],
    }),
  );
  let view = null;
  const push = () => view && ws.send(crowdFrame(view));
  ws.on('message', (text) => {
    const frame = JSON.parse(text);
    if (frame.type === 'view') {
      view = frame;
      push();
    }
    if (frame.type === 'ping')
      ws.send(JSON.stringify({ type: 'pong', id: frame.id, server_time: Date.now() }));
  });
  const timer = setInterval(push, 1000);
  ws.on('close', () => clearInterval(timer));
}

function crowdFrame({ bbox: [w, s, e, n], zoom }) {
  const inside = people
    .map((p) => ({ p, at: at(p.u, p.v) }))
    .filter(({ at: [x, y] }) => x >= w && x <= e && y >= s && y <= n);
  const set = new Set(inside.map(({ p }) => p.index));
  const pairs = couples.filter(([a, b]) => set.has(a.index) || set.has(b.index));
  const near = new Set(couples.flat().map((p) => p.index));
  let items;
  let kind = 0;
  if (zoom < 11 && inside.length > (process.env.MOCK_CELLS ? 0 : 5000)) {
    kind = 1;
    const size = 22 / 2 ** zoom;
    const cells = new Map();
    for (const {
      p,
      at: [x, y],
    } of inside) {
      const key = `${Math.floor(x / size)} ${Math.floor(y / size)}`;
      const cell = cells.get(key) ?? {
        x: (Math.floor(x / size) + 0.5) * size,
        y: (Math.floor(y / size) + 0.5) * size,
        n: 0,
        free: 0,
      };
      cell.n++;
      cell.free += p.free ? 1 : 0;
      cells.set(key, cell);
    }
    items = [...cells.values()];
  } else items = inside;
  const out = Buffer.alloc(32 + items.length * 16 + pairs.length * 8);
  out.write('LHC1', 0);
  out.writeUInt8(kind, 4);
  out.writeDoubleLE(Date.now(), 8);
  out.writeUInt32LE(items.length, 16);
  out.writeUInt32LE(pairs.length, 20);
  out.writeUInt32LE(N, 24);
  out.writeUInt32LE(free(), 28);
  let o = 32;
  for (const item of items) {
    if (kind === 1) {
      out.writeInt32LE(Math.round(item.y * 1e7), o);
      out.writeInt32LE(Math.round(item.x * 1e7), o + 4);
      out.writeUInt32LE(item.n, o + 8);
      out.writeUInt32LE(item.free, o + 12);
    } else {
      const {
        p,
        at: [x, y],
      } = item;
      out.writeUInt32LE(p.index, o);
      out.writeInt32LE(Math.round(y * 1e7), o + 4);
      out.writeInt32LE(Math.round(x * 1e7), o + 8);
      out.writeUInt16LE(Math.min(65535, Math.floor((Date.now() - p.t) / 1000)), o + 12);
      out.writeUInt8((p.free ? 1 : 0) | 2 | (p.quiet ? 4 : 0) | (near.has(p.index) ? 8 : 0), o + 14);
      out.writeUInt8(12, o + 15);
    }
    o += 16;
  }
  for (const [a, b] of pairs) {
    out.writeUInt32LE(a.index, o);
    out.writeUInt32LE(b.index, o + 4);
    o += 8;
  }
  return out;
}

function friend(ws) {
  const here = at(streetAt(42), -100);
  const metres = (p) => {
    const [x, y] = at(p.u, p.v);
    return Math.hypot((x - here[0]) * 84_235, (y - here[1]) * 111_195);
  };
  Object.assign(known[0].p, { u: streetAt(41), v: -60 });
  Object.assign(known[1].p, { u: streetAt(43), v: -140 });
  for (const [i, m] of known.entries()) if (i > 6) Object.assign(m.p, { free: false, quiet: i > 9 });
  const send = (frame) => ws.send(JSON.stringify(frame));
  send({
    type: 'welcome',
    user: 'guest',
    name: 'Nora Lindqvist',
    server_time: Date.now(),
    free: mine.availability().free,
    steps_today: 6214,
    last_seq: 0,
    limits: {},
    friends: circle.mates(),
  });
  const timer = setInterval(
    () =>
      send({
        type: 'moved',
        friends: known.filter((m) => !m.p.quiet).map(({ p }) => ({ user: p.user, ...placeOf(p) })),
      }),
    1000,
  );
  ws.on('message', (text) => {
    const frame = JSON.parse(text);
    if (frame.type === 'nearby')
      send({
        type: 'nearby',
        id: frame.id,
        friends: known
          .map(({ p }) => ({ user: p.user, distance: metres(p) }))
          .sort((a, b) => a.distance - b.distance),
      });
    if (frame.type === 'availability') {
      mine.say(frame);
      send({ type: 'ack', seq: frame.seq });
      if (frame.free) send({ type: 'near', user: known[2].p.user, distance: 180, free: true, t: Date.now() });
    }
    if (frame.type === 'ping') send({ type: 'pong', id: frame.id, server_time: Date.now() });
  });
  ws.on('close', () => clearInterval(timer));
}

server.listen(Number(portWanted), '127.0.0.1', () =>
  console.log(`http://127.0.0.1:${server.address().port} ${mode}`),
);

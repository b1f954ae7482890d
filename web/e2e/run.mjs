// The dashboard in a real Chromium against a real server: LETSHANG_BIN=…/letshang node e2e/run.mjs [folder for pictures]
//
// Nothing is mocked. The browser can reach 127.0.0.1 and nothing else, so a page that needs the internet fails here.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { accessible, hasBrowser, openBrowser, Suite } from './browser.mjs';
import { circle } from './circle.mjs';
import { mine } from './mine.mjs';
import { Phone, Server, until } from './server.mjs';

const pictures = process.argv[2] ?? process.env.LETSHANG_SHOTS;
const binary = process.env.LETSHANG_BIN;
if (!binary || !hasBrowser()) {
  console.log(
    `skipped: ${binary ? 'no Chromium at /usr/bin/chromium (or $CHROMIUM)' : 'LETSHANG_BIN names no server'}`,
  );
  console.log('0 passed, 0 failed, 1 skipped');
  process.exit(process.env.CI && binary ? 1 : 0);
}
if (pictures) mkdirSync(pictures, { recursive: true });

const WIDE = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
const TIMES_SQUARE = { lat: 40.758, lon: -73.9855 };
const suite = new Suite();
const { test } = suite;

const server = new Server(binary);
await server.start();
const tokens = { root: await server.person('root', true) };
for (const name of ['ada', 'ben', 'cleo']) tokens[name] = await server.person(name);
for (const [a, b] of [
  ['ada', 'ben'],
  ['ada', 'cleo'],
  ['ben', 'cleo'],
])
  await server.cli('befriend', a, b);

const browser = await openBrowser();
const outside = [];
const complaints = [];

/** A new visitor's page. Requests to other hosts, policy violations and script errors are written down. */
async function visit({ on = server, path = '/', size = WIDE, dark = false, hash = '', calm = false } = {}) {
  const context = await browser.newContext({
    viewport: size,
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: calm ? 'reduce' : 'no-preference',
    hasTouch: size === PHONE,
  });
  const page = await context.newPage();
  page.on('request', (r) => {
    const { protocol, host } = new URL(r.url());
    if (!['data:', 'blob:'].includes(protocol) && host !== `127.0.0.1:${on.port}`) outside.push(r.url());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (m) => {
    if (
      m.type() === 'error' &&
      !/status of (401|403|404|409|422)|Failed to fetch \(0\)|ERR_CONNECTION_REFUSED|WebSocket connection|ERR_EMPTY_RESPONSE|503/.test(
        m.text(),
      )
    )
      complaints.push(m.text());
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (e) => {
      console.error(`content policy: ${e.violatedDirective} ${e.blockedURI}`);
    });
  });
  page.setDefaultTimeout(60_000);
  page.on('dialog', (spoken) => {
    complaints.push(`a script spoke: ${spoken.message()}`);
    void spoken.dismiss();
  });
  await page.goto(`${on.url}${path}${hash}`);
  await page.waitForFunction(() => window.__letshang?.ready);
  return page;
}

async function signIn(page, token) {
  await page.getByLabel('Your token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForFunction(() => window.__letshang.connected);
}

const look = (page, what, argument) => page.evaluate(what, argument);
const picture = async (page, name) => {
  if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`) });
};

let ada;
let ben;
let walking;
const paths = {
  ada: { ...TIMES_SQUARE, steps: 4200 },
  ben: { lat: TIMES_SQUARE.lat + 0.0055, lon: TIMES_SQUARE.lon, steps: 1800 },
};
/** Ben comes down from 610 m away at 16 m/s; Ada strolls east. */
function walk() {
  paths.ada.lon += 0.000012;
  paths.ben.lat = Math.max(TIMES_SQUARE.lat + 0.0006, paths.ben.lat - 0.000036);
  paths.ada.steps += 1;
  ada.at(paths.ada.lat, paths.ada.lon, { steps: paths.ada.steps });
  ben.at(paths.ben.lat, paths.ben.lon, { steps: paths.ben.steps });
}
async function phones() {
  ada = await new Phone(server.url, tokens.ada).ready();
  ben = await new Phone(server.url, tokens.ben).ready();
  ada.say({ type: 'availability', free: true, note: 'coffee?', seq: Date.now() });
  ben.say({ type: 'availability', free: true, seq: Date.now() });
}

let admin;

await test('a stranger is asked for a token, and a wrong one is refused in words', async () => {
  admin = await visit();
  await admin.getByRole('heading', { name: 'Sign in to LetsHang' }).waitFor();
  await admin.getByLabel('Your token').fill('not-a-token');
  await admin.getByRole('button', { name: 'Sign in' }).click();
  await admin.getByText('does not know this token').waitFor();
  await accessible(admin, 'sign-in');
  await picture(admin, 'e2e-signin');
  await signIn(admin, tokens.root);
  assert.equal(await look(admin, () => window.__letshang.admin), true);
});

await test('people appear as dots where they are, and move', async () => {
  await phones();
  walk();
  walking = setInterval(walk, 250);
  await admin.waitForFunction(() => window.__letshang.shown >= 2);
  const before = await look(admin, () => window.__letshang.people());
  const first = before.find((p) => Math.abs(p.lat - 40.758) < 0.0002);
  assert.ok(first, `nobody at Times Square: ${JSON.stringify(before)}`);
  await until('a dot to move', async () => {
    const after = await look(admin, () => window.__letshang.people());
    return after.some((p) =>
      before.some((q) => q.key === p.key && Math.hypot(p.lat - q.lat, p.lon - q.lon) > 1e-5),
    );
  });
});

await test('a dot glides between two fixes instead of jumping', async () => {
  // eight looks within one second, while the picture of everyone comes once a second
  const seen = await look(admin, async () => {
    const lats = [];
    for (let i = 0; i < 12; i++) {
      lats.push(
        window.__letshang
          .people()
          .map((p) => `${p.key} ${p.lat.toFixed(7)} ${p.lon.toFixed(7)}`)
          .join(),
      );
      await new Promise((r) => setTimeout(r, 90));
    }
    return new Set(lats).size;
  });
  assert.ok(seen >= 6, `only ${seen} different positions in a second`);
});

await test('two free friends who come near each other are shown as a pair, by name', async () => {
  await admin.waitForFunction(() => window.__letshang.pairs >= 1, null, { timeout: 30_000 });
  const row = admin.locator('[data-list=pairs] .row').first();
  await row.waitFor();
  await until(
    'both names',
    async () => /ada/i.test(await row.innerText()) && /ben/i.test(await row.innerText()),
  );
  const flags = await look(admin, () => window.__letshang.people().map((p) => p.flags & 8));
  assert.deepEqual(flags.slice(0, 2), [8, 8]);
  assert.match(await admin.locator('[data-tile=Near]').innerText(), /1/);
});

await test('the graph of hours fills: both are counted as free in this hour', async () => {
  await admin.waitForFunction(
    () => (window.__letshang.histogram?.hours ?? []).some((h) => h.free >= 2),
    null,
    {
      timeout: 90_000,
    },
  );
  const drawn = await admin.locator('.bar-free').count();
  assert.ok(drawn >= 1);
  await admin.getByRole('button', { name: 'Show as a table' }).click();
  assert.equal(await admin.locator('.table-scroll tbody tr').count(), 24);
  await admin.getByRole('button', { name: 'Show as a chart' }).click();
});

await test('the steps of everyone are added up', async () => {
  await admin.waitForFunction(() => window.__letshang.steps >= 6000, null, { timeout: 30_000 });
});

await test('a click on a dot opens a card that says who, and follow keeps it in the middle', async () => {
  const person = await look(admin, () => window.__letshang.people()[0]);
  await admin.mouse.click(person.x, person.y);
  const card = admin.getByRole('dialog');
  await card.waitFor();
  await until('the name', async () => /ada|ben/i.test(await card.innerText()));
  assert.match(await card.innerText(), /just now|s ago/);
  await card.getByRole('button', { name: 'Follow' }).click();
  await until('the camera to be there', () =>
    look(admin, () => {
      const { lat, lon } = window.__letshang.view();
      const p = window.__letshang.people().find((q) => q.key === window.__letshang.selected);
      return Math.hypot(lat - p.lat, lon - p.lon) < 1e-4;
    }),
  );
  await picture(admin, 'e2e-admin-card');
  await admin.keyboard.press('Escape');
  await card.waitFor({ state: 'detached' });
});

await test('zooming out and in keeps asking for what is in view', async () => {
  const sent = await look(admin, () => window.__letshang.counters.viewsSent);
  await admin.getByRole('button', { name: 'Zoom out' }).click();
  await until(
    'another view',
    async () => (await look(admin, () => window.__letshang.counters.viewsSent)) > sent,
  );
  await admin.getByRole('button', { name: 'Show everyone' }).click();
  await admin.waitForFunction(() => window.__letshang.shown >= 2);
});

await test('the administrator’s page has no accessibility faults, light and dark', async () => {
  await accessible(admin, 'light');
  await picture(admin, 'e2e-admin-wide-light');
  await admin.getByRole('button', { name: /^You:/ }).click();
  await admin.getByLabel('Dark').check();
  await admin.keyboard.press('Escape');
  await admin.waitForFunction(() => window.__letshang.theme === 'dark' && window.__letshang.ready);
  await admin.waitForTimeout(1500);
  await accessible(admin, 'dark');
  await picture(admin, 'e2e-admin-wide-dark');
  assert.ok((await look(admin, () => window.__letshang.shown)) >= 2, 'the dots survive a change of theme');
});

let cleo;

await test('a friend sees friends only, the near ones first', async () => {
  cleo = await visit({ size: PHONE });
  await signIn(cleo, tokens.cleo);
  assert.equal(await look(cleo, () => window.__letshang.admin), false);
  await cleo.waitForFunction(() => window.__letshang.shown === 2);
  await cleo.getByText('Free now').waitFor();
  await until(
    'both friends in the list',
    async () => (await cleo.locator('[data-list=free] .row').count()) === 2,
  );
  assert.match(await cleo.locator('[data-list=free]').innerText(), /coffee/);
});

await test('saying "I’m free" from the page reaches a friend’s phone at once, with note and end', async () => {
  await cleo.getByPlaceholder('What for?').fill('a walk');
  await cleo.getByRole('button', { name: 'Free for 3 hours' }).click();
  const presence = await until('presence at Ada’s', () =>
    ada.heard.find((f) => f.type === 'presence' && f.user === 'cleo' && f.free),
  );
  assert.equal(presence.note, 'a walk');
  assert.ok(Math.abs(presence.until - Date.now() - 3 * 3_600_000) < 60_000);
  await cleo.getByText('You’re free').waitFor();
  await cleo.waitForTimeout(500);
  await picture(cleo, 'e2e-friend-phone-light');
  await accessible(cleo, 'friend, phone');
  await cleo.getByRole('button', { name: 'I’m busy' }).click();
  await until('busy at Ada’s', () =>
    ada.heard.some((f) => f.type === 'presence' && f.user === 'cleo' && !f.free),
  );
  await cleo.getByText('You’re busy').waitFor();
});

await test('friends glide too, and their row leads to them', async () => {
  const moved = await look(cleo, () => window.__letshang.counters.moved);
  await until(
    'moved frames',
    async () => (await look(cleo, () => window.__letshang.counters.moved)) > moved + 2,
  );
  await cleo.locator('[data-list=free] .row').first().click();
  await cleo.getByRole('dialog').waitFor();
  await cleo.waitForTimeout(1200);
  await picture(cleo, 'e2e-friend-phone-card');
  await cleo.getByRole('button', { name: 'Close' }).click();
});

await test('reduced motion is honoured: dots are placed, not slid', async () => {
  const calm = await visit({ calm: true, dark: true });
  await signIn(calm, tokens.cleo);
  await calm.waitForFunction(() => window.__letshang.shown === 2 && window.__letshang.counters.moved > 2);
  const jumps = await look(calm, async () => {
    const spots = new Set();
    for (let i = 0; i < 10; i++) {
      spots.add(
        window.__letshang
          .people()
          .map((p) => p.lon.toFixed(8))
          .join(),
      );
      await new Promise((r) => setTimeout(r, 15));
    }
    return spots.size;
  });
  assert.ok(jumps <= 3, `${jumps} positions within 150 ms`);
  await calm.waitForTimeout(800);
  await picture(calm, 'e2e-friend-wide-dark');
  await accessible(calm, 'friend, wide, dark');
  await calm.context().close();
});

await test('when the server goes away the page says so after two seconds and keeps what it shows', async () => {
  clearInterval(walking);
  await look(admin, () => {
    window.__sameDocument = true;
  });
  const shown = await look(admin, () => window.__letshang.shown);
  ada.close();
  ben.close();
  await server.stop();
  await admin.getByRole('button', { name: 'Retry now' }).waitFor({ timeout: 10_000 });
  assert.match(await admin.getByRole('alert').innerText(), /Connection lost/);
  await until('a countdown', async () =>
    /Reconnecting in \d+ s/.test(await admin.getByRole('alert').innerText()),
  );
  assert.ok(shown >= 2 && (await look(admin, () => window.__letshang.shown)) === shown);
  await picture(admin, 'e2e-admin-lost');
});

await test('when the server is back the page recovers by itself, without a reload', async () => {
  const welcomes = await look(admin, () => window.__letshang.counters.welcomes);
  await server.start();
  await admin.waitForFunction(
    (n) => window.__letshang.connected && window.__letshang.counters.welcomes > n,
    welcomes,
    {
      timeout: 45_000,
    },
  );
  await admin.getByRole('alert').waitFor({ state: 'detached' });
  await phones();
  walking = setInterval(walk, 250);
  const frames = await look(admin, () => window.__letshang.counters.crowdFrames);
  await admin.waitForFunction(
    (n) => window.__letshang.counters.crowdFrames > n + 2 && window.__letshang.shown >= 2,
    frames,
  );
  await cleo.waitForFunction(() => window.__letshang.connected, null, { timeout: 45_000 });
  assert.equal(await look(admin, () => window.__sameDocument), true);
});

await test('signing out forgets everything that was on screen', async () => {
  await cleo.getByRole('button', { name: /^You:/ }).click();
  await cleo.getByRole('button', { name: 'Sign out', exact: true }).click();
  await cleo.getByRole('heading', { name: 'Sign in to LetsHang' }).waitFor();
  assert.equal(await look(cleo, () => window.__letshang.shown), 0);
  const answer = await cleo.evaluate(async () => (await fetch('/v1/me')).status);
  assert.equal(answer, 401);
  await cleo.context().close();
  await admin.context().close();
});

await test('on an open demonstration node a visitor is let in, also after a restart that lost the session', async () => {
  clearInterval(walking);
  ada.close();
  ben.close();
  await server.stop();
  server.setConfig('[dashboard]\nguest = "root"\n');
  await server.start();
  const guest = await visit({ dark: true, size: PHONE });
  await guest.waitForFunction(() => window.__letshang.connected && window.__letshang.admin);
  await guest.context().clearCookies();
  await server.stop();
  await server.start();
  await guest.waitForFunction(
    () => window.__letshang.connected && window.__letshang.counters.welcomes >= 2,
    null,
    {
      timeout: 45_000,
    },
  );
  await phones();
  walk();
  walking = setInterval(walk, 250);
  await guest.waitForFunction(() => window.__letshang.shown >= 2);
  await guest.waitForTimeout(1500);
  await picture(guest, 'e2e-admin-phone-dark');
  await accessible(guest, 'admin, phone, dark');
  clearInterval(walking);
  await guest.context().close();
});

await circle({ binary, test, visit, picture });
await mine({ binary, test, visit, picture });

const walkers = process.env.LETSHANG_WALKERS;
if (walkers) {
  await test('a city of 300 walkers is shown as it moves', async () => {
    const crowd = spawn(
      walkers,
      [
        '--url',
        server.url,
        '--users',
        '300',
        '--rate',
        '1',
        '--friends',
        '6',
        '--radius',
        '250',
        '--lively',
        '--forever',
      ],
      { env: { ...process.env, LETSHANG_TOKEN: tokens.root }, stdio: 'ignore' },
    );
    try {
      const city = await visit({ hash: '#map=14.1/40.7495/-73.9838' });
      await city.waitForFunction(() => window.__letshang.connected && window.__letshang.shown >= 100);
      await city.waitForFunction(() => window.__letshang.pairs >= 1);
      await city.waitForTimeout(12_000);
      await picture(city, 'e2e-city');
    } finally {
      const gone = once(crowd, 'exit');
      crowd.kill('SIGTERM');
      await gone;
    }
  });
}

await test('no request went anywhere else, and the content policy was never broken', async () => {
  assert.deepEqual(outside, []);
  assert.deepEqual(complaints, []);
});

clearInterval(walking);
ada?.close();
ben?.close();
await browser.close();
await server.stop();
server.remove();
process.exit(suite.end());

// Pictures of the page against the pretend server: `node e2e/mock/shots.mjs OUT [name…]`. For eyes, not for asserting.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openBrowser } from '../browser.mjs';

const [out = 'shots', ...wanted] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const script = join(fileURLToPath(new URL('.', import.meta.url)), 'server.mjs');

const start = (mode, people, env = {}) =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [script, mode, String(people), '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { MOCK_ZONE: 'Asia/Tokyo', ...process.env, ...env },
    });
    child.stdout.once('data', (d) => resolve({ url: String(d).split(' ')[0], stop: () => child.kill() }));
  });

const WIDE = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
const shots = [
  { name: 'admin-wide-light', mode: 'admin', size: WIDE },
  { name: 'admin-wide-dark', mode: 'admin', size: WIDE, dark: true },
  { name: 'admin-phone-light', mode: 'admin', size: PHONE },
  { name: 'friend-wide-light', mode: 'friend', size: WIDE },
  {
    name: 'friend-wide-dark',
    mode: 'friend',
    size: WIDE,
    dark: true,
    act: async (page) => {
      await page.getByRole('button', { name: 'Free for 1 hour' }).click();
      await page.waitForTimeout(700);
    },
  },
  { name: 'friend-phone-dark', mode: 'friend', size: PHONE, dark: true },
  { name: 'street-light', mode: 'admin', size: WIDE, hash: '#map=15.4/40.7551/-73.9830' },
  {
    name: 'street-dark',
    mode: 'admin',
    size: WIDE,
    dark: true,
    hash: '#map=16.4/40.7551/-73.9830',
    act: async (page) => {
      await page.locator('[data-list=pairs] .row').first().click();
      await page.waitForTimeout(2500);
      const dot = await page.evaluate(() =>
        __letshang.people(900).find((p) => p.x > 560 && p.x < 1000 && p.y > 350 && p.y < 800 && p.flags & 8),
      );
      if (dot) await page.mouse.click(dot.x, dot.y);
      await page.waitForTimeout(900);
    },
  },
  { name: 'region-light', mode: 'admin', size: WIDE, hash: '#map=10/40.73/-73.95' },
  { name: 'region-dark', mode: 'admin', size: WIDE, dark: true, hash: '#map=8.6/40.73/-73.95' },
  {
    name: 'cells-light',
    mode: 'admin',
    size: WIDE,
    people: 1500,
    env: { MOCK_CELLS: '1' },
    hash: '#map=10.7/40.75/-73.95',
  },
  { name: 'world-light', mode: 'admin', size: WIDE, hash: '#map=1.8/25/-30' },
  { name: 'world-dark', mode: 'admin', size: WIDE, dark: true, hash: '#map=4/40/-80' },
  { name: 'signin-light', mode: 'token', size: WIDE },
  { name: 'signin-phone-dark', mode: 'token', size: PHONE, dark: true },
  {
    name: 'lost-light',
    mode: 'friend',
    size: WIDE,
    act: async (page, server) => {
      server.stop();
      await page.waitForTimeout(5000);
    },
  },
  {
    name: 'phone-card',
    mode: 'friend',
    size: PHONE,
    act: async (page) => {
      await page.locator('[data-list] .row').first().click();
      await page.waitForTimeout(1500);
    },
  },
  {
    name: 'phone-full',
    mode: 'friend',
    size: PHONE,
    act: async (page) => {
      await page.locator('.handle').click();
      await page.waitForTimeout(600);
      await page.locator('.scroll').evaluate((e) => e.scrollTo(0, 9999));
      await page.waitForTimeout(300);
    },
  },
];

/** The circle's pages, each on a desk and in a hand, by day and by night. */
const DESK = { width: 1280, height: 800 };
const open = (page) => page.getByRole('button', { name: /^You:/ }).click();
const account = (name) => async (page) => {
  await open(page);
  await page.getByRole('dialog').getByRole('button', { name }).click();
  await page.waitForTimeout(500);
};
const circle = {
  join: { mode: 'token', path: '/join#ana', act: (page) => page.getByLabel('Your name').fill('Ben') },
  'join-known': { mode: 'friend', path: '/join#ana' },
  'join-admin': { mode: 'token', path: '/join#root' },
  'join-gone': { mode: 'token', path: '/join#nothing' },
  'join-long': { mode: 'token', path: '/join#long' },
  'join-rtl': { mode: 'token', path: '/join#rtl' },
  areas: { mode: 'friend', act: (page) => page.waitForTimeout(500) },
  account: { mode: 'friend', act: open },
  invite: {
    mode: 'friend',
    act: async (page) => {
      await page.getByRole('button', { name: 'Invite a friend' }).first().click();
      await page.waitForTimeout(400);
    },
  },
  'invite-made': {
    mode: 'friend',
    act: async (page) => {
      await page.getByRole('button', { name: 'Invite a friend' }).first().click();
      await page.getByRole('button', { name: 'Make a link' }).click();
      await page.waitForTimeout(400);
    },
  },
  friend: {
    mode: 'friend',
    act: async (page) => {
      await page.locator('.row-more').nth(2).click();
      await page.waitForTimeout(500);
    },
  },
  'friend-end': {
    mode: 'friend',
    act: async (page) => {
      await page.locator('.row-more').nth(1).click();
      await page.getByRole('button', { name: 'Block' }).click();
      await page.waitForTimeout(400);
    },
  },
  privacy: { mode: 'friend', act: account(/^Who sees me/) },
  profile: { mode: 'friend', act: account(/^Profile/) },
  devices: { mode: 'friend', act: account(/^Devices/) },
  'device-made': {
    mode: 'friend',
    act: async (page) => {
      await account(/^Devices/)(page);
      await page.getByRole('button', { name: 'Add a device' }).click();
      await page.getByLabel('What is it called?').fill('Pixel 9');
      await page.getByRole('button', { name: 'Make a token' }).click();
      await page.waitForTimeout(400);
    },
  },
  erase: { mode: 'friend', act: account(/^My data/) },
  audit: { mode: 'admin', act: account(/^Audit log/) },
  hidden: {
    mode: 'friend',
    act: async (page) => {
      await page.getByRole('button', { name: 'Hide from everyone: 1 hour' }).click();
      await page.waitForTimeout(400);
    },
  },
};
/** What is one's own: phones, alerts, calendar, hours, steps. */
const SMALL = { width: 360, height: 740 };
const added = (app, device, wait) => async (page) => {
  await account(/^My phones/)(page);
  await page.getByRole('button', { name: 'Add my phone' }).click();
  await page.getByRole('tab', { name: app }).click();
  if (device) {
    await page.waitForTimeout(300);
    await page.getByLabel('What is the phone called?').fill(device);
    await page.getByRole('button', { name: 'Show how to set it up' }).click();
  }
  await page.waitForTimeout(wait ?? 800);
};
const scrolled = (act, to) => async (page) => {
  await act(page);
  await page.locator(to).scrollIntoViewIfNeeded();
  await page.waitForTimeout(200);
};
const seeded = (...seeds) => ({ mode: 'friend', env: { MOCK_MINE: seeds.join(',') } });
const mine = {
  phones: { ...seeded('phones', 'trouble'), act: account(/^My phones/) },
  'phones-none': { mode: 'friend', act: account(/^My phones/) },
  phone: {
    ...seeded('phones'),
    act: async (page) => {
      await account(/^My phones/)(page);
      await page.getByRole('button', { name: /^Pixel 9/ }).click();
      await page.waitForTimeout(500);
    },
  },
  'phone-odd': {
    ...seeded('phones'),
    act: async (page) => {
      await account(/^My phones/)(page);
      await page.getByRole('button', { name: /^Old iPhone/ }).click();
      await page.waitForTimeout(500);
    },
  },
  'add-browser': { mode: 'friend', act: added('Browser') },
  'add-name': { mode: 'friend', act: added('OwnTracks') },
  'add-owntracks': { mode: 'friend', act: added('OwnTracks', 'Pixel 9') },
  'add-owntracks-works': {
    mode: 'friend',
    act: scrolled(added('OwnTracks', 'Pixel 9', 8_500), '[data-list=ticks] + *'),
  },
  'add-owntracks-wrong': {
    mode: 'friend',
    act: scrolled(added('OwnTracks', 'Wrong one', 4_500), '.dialog-body > :last-child > :last-child'),
  },
  'add-traccar': { mode: 'friend', act: added('Traccar Client', 'Pixel 9') },
  'add-overland': { mode: 'friend', act: added('Overland', 'iPhone') },
  'add-gpslogger': { mode: 'friend', act: added('GPSLogger', 'Pixel 9') },
  'add-local': {
    mode: 'friend',
    env: { MOCK_BASE: 'http://127.0.0.1:8080' },
    act: added('OwnTracks', 'Pixel 9'),
  },
  alerts: {
    mode: 'friend',
    act: async (page) => {
      await page.getByRole('button', { name: 'Free for 1 hour' }).click();
      await page.waitForTimeout(6_500);
      await account(/^My phones/)(page);
      await page.getByRole('button', { name: 'Why no alert?' }).click();
      await page.waitForTimeout(500);
    },
  },
  'alerts-busy': {
    mode: 'friend',
    act: async (page) => {
      await account(/^My phones/)(page);
      await page.getByRole('button', { name: 'Why no alert?' }).click();
      await page.waitForTimeout(500);
    },
  },
  'friend-alert': {
    mode: 'friend',
    act: async (page) => {
      await page.locator('.row-more').nth(1).click();
      await page.waitForTimeout(500);
    },
  },
  'free-calendar': { ...seeded('calendar') },
  'free-until': {
    ...seeded('calendar', 'hours'),
    act: (page) => page.getByRole('button', { name: 'Free until…' }).click(),
  },
  'free-by-hand': {
    ...seeded('calendar'),
    act: async (page) => {
      await page.getByPlaceholder('What for?').fill('coffee on the way');
      await page.getByRole('button', { name: 'Free for 3 hours' }).click();
      await page.waitForTimeout(6_500);
    },
  },
  'free-edit': {
    ...seeded('calendar'),
    act: async (page) => {
      await page.getByRole('button', { name: 'Free for 3 hours' }).click();
      await page.getByRole('button', { name: 'Edit' }).click();
      await page.waitForTimeout(6_500);
    },
  },
  'calendar-none': { mode: 'friend', act: account(/^Calendar and hours/) },
  'calendar-file': {
    mode: 'friend',
    act: async (page) => {
      await account(/^Calendar and hours/)(page);
      await page.getByLabel('From a file').check();
    },
  },
  calendar: { ...seeded('calendar', 'hours'), act: account(/^Calendar and hours/) },
  'calendar-trouble': {
    ...seeded('calendar', 'hours', 'trouble'),
    act: async (page) => {
      await account(/^Calendar and hours/)(page);
      await page.locator('.notes summary').click();
    },
  },
  hours: {
    ...seeded('calendar', 'hours'),
    act: scrolled(async (page) => {
      await account(/^Calendar and hours/)(page);
      await page.getByRole('button', { name: 'More hours' }).click();
    }, '.dialog-body > :last-child > :last-child > :last-child'),
  },
  steps: {
    mode: 'friend',
    act: scrolled(async (page) => {
      if (await page.locator('.handle').isVisible()) await page.locator('.handle').click();
      await page.getByLabel('This week').check();
      await page.waitForTimeout(500);
    }, '.steps > .switch'),
  },
};

for (const [kind, all, hand] of [
  ['circle', circle, PHONE],
  ['mine', mine, SMALL],
])
  for (const [name, shot] of Object.entries(all))
    for (const [where, size] of Object.entries({ desk: DESK, hand }))
      for (const dark of [false, true])
        shots.push({ ...shot, name: `${kind}-${name}-${where}-${dark ? 'dark' : 'light'}`, size, dark });

const browser = await openBrowser();
for (const shot of shots) {
  if (wanted.length > 0 && !wanted.some((w) => shot.name.includes(w))) continue;
  const server = await start(shot.mode, shot.people ?? 420, shot.env);
  const context = await browser.newContext({
    viewport: shot.size,
    colorScheme: shot.dark ? 'dark' : 'light',
    deviceScaleFactor: shot.size.width < 600 ? 2 : 1,
    hasTouch: shot.size.width < 600,
  });
  const page = await context.newPage();
  page.on(
    'console',
    (m) => ['error', 'warning'].includes(m.type()) && console.log(`${shot.name}: ${m.text()}`),
  );
  page.on('pageerror', (e) => console.log(`${shot.name}: ${e}`));
  await page.goto(`${server.url}${shot.path ?? '/'}${shot.hash ?? ''}`);
  await page.waitForFunction(
    () =>
      window.__letshang?.ready &&
      (window.__letshang.joining ||
        window.__letshang.session === 'signedOut' ||
        window.__letshang.counters.textFrames > 0),
    null,
    { timeout: 20_000 },
  );
  const quick = /^(circle|mine)-/.test(shot.name);
  await page.waitForTimeout(shot.path || quick ? 1200 : 3500);
  await shot.act?.(page, server);
  await page.waitForTimeout(quick ? 900 : 0);
  await page.screenshot({ path: join(out, `${shot.name}.png`) });
  console.log(shot.name);
  await context.close();
  server.stop();
}
await browser.close();

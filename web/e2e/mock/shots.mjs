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
      await page.getByRole('button', { name: 'I’m free' }).click();
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
  await page.getByRole('button', { name }).click();
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
for (const [name, shot] of Object.entries(circle))
  for (const [where, size] of Object.entries({ desk: DESK, hand: PHONE }))
    for (const dark of [false, true])
      shots.push({ ...shot, name: `circle-${name}-${where}-${dark ? 'dark' : 'light'}`, size, dark });

const browser = await openBrowser();
for (const shot of shots) {
  if (wanted.length > 0 && !wanted.some((w) => shot.name.includes(w))) continue;
  const server = await start(shot.mode, shot.people ?? 420, shot.env);
  const context = await browser.newContext({
    viewport: shot.size,
    colorScheme: shot.dark ? 'dark' : 'light',
    deviceScaleFactor: shot.size === PHONE ? 2 : 1,
    hasTouch: shot.size === PHONE,
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
  await page.waitForTimeout(shot.path || shot.name.startsWith('circle') ? 1200 : 3500);
  await shot.act?.(page, server);
  await page.waitForTimeout(shot.name.startsWith('circle') ? 900 : 0);
  await page.screenshot({ path: join(out, `${shot.name}.png`) });
  console.log(shot.name);
  await context.close();
  server.stop();
}
await browser.close();

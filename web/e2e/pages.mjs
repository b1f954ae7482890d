// The pages of the circle (invites, sharing, devices, oneself) in a real Chromium against the pretend server:
// `npm run build && node e2e/pages.mjs`. What the server must do is run.mjs's; here it is what the page does and says.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { accessible, hasBrowser, openBrowser, Suite } from './browser.mjs';
import { mine } from './pages-mine.mjs';
import { until } from './server.mjs';

if (!hasBrowser()) {
  console.log('skipped: no Chromium at /usr/bin/chromium (or $CHROMIUM)');
  console.log('0 passed, 0 failed, 1 skipped');
  process.exit(process.env.CI ? 1 : 0);
}

const DESK = { width: 1280, height: 800 };
const HAND = { width: 390, height: 844 };
const script = fileURLToPath(new URL('./mock/server.mjs', import.meta.url));
const suite = new Suite();
/** What a test has opened and is to be closed after it, also when it failed: two cores draw all these maps. */
let opened = [];
const test = async (name, body) => {
  await suite.test(name, body);
  for (const close of opened) await close();
  opened = [];
};
const browser = await openBrowser();
const complaints = [];

/** A request's body as an object; null where it is none. */
const bodyOf = (request) => {
  try {
    return request.postDataJSON();
  } catch {
    return null;
  }
};

/** A pretend server of its own and a page on it. */
async function open(mode, path = '/', { size = DESK, dark = false, seeds = '' } = {}) {
  const child = spawn(process.execPath, [script, mode, '60', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, MOCK_MINE: seeds },
  });
  const url = await new Promise((resolve) =>
    child.stdout.once('data', (d) => resolve(String(d).split(' ')[0])),
  );
  const context = await browser.newContext({
    viewport: size,
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  opened.push(async () => {
    await context.close();
    child.kill();
  });
  const page = await context.newPage();
  const asked = [];
  page.on('request', (r) => {
    if (!r.url().includes('/v1/')) return;
    asked.push({
      method: r.method(),
      path: new URL(r.url()).pathname,
      body: bodyOf(r),
      type: r.headers()['content-type'],
      url: r.url(),
    });
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('dialog', (d) => {
    complaints.push(`a script spoke: ${d.message()}`);
    void d.dismiss();
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (e) => {
      console.error(`content policy: ${e.violatedDirective} ${e.blockedURI}`);
    });
  });
  page.on('console', (m) => {
    if (m.type() === 'error' && !/status of (401|404|409|422)/.test(m.text())) complaints.push(m.text());
  });
  page.setDefaultTimeout(60_000);
  await page.goto(url + path);
  await page.waitForFunction(
    () =>
      window.__letshang?.ready &&
      (window.__letshang.joining || window.__letshang.connected || window.__letshang.session === 'signedOut'),
  );
  return { page, asked, url };
}

const you = async (page, entry) => {
  await page.getByRole('button', { name: /^You:/ }).click();
  if (entry) await page.getByRole('dialog').getByRole('button', { name: entry }).click();
};
/** Everything that a page could keep a secret in. */
const kept = (page) =>
  page.evaluate(() =>
    JSON.stringify([
      location.href,
      { ...localStorage },
      { ...sessionStorage },
      document.cookie,
      history.state,
    ]),
  );

await test('an invite says in plain words what each side will see and until when, and follows the choice', async () => {
  const { page } = await open('token', '/join#ana', { size: HAND });
  await page.getByRole('heading', { name: 'Ana Moreau invites you to LetsHang' }).waitFor();
  const words = page.locator('.agreement');
  assert.match(
    await words.innerText(),
    /Ana Moreau will see your exact position, whether you are free, and will be told when you are both free and near each other\./,
  );
  assert.match(
    await words.innerText(),
    /You will see Ana Moreau’s approximate area \(about 1 km\) and whether they are free until (tomorrow, )?\d/,
  );
  await page.getByLabel('About 1 km').check();
  await page.getByLabel('For 1 hour').check();
  assert.match(
    await words.innerText(),
    /will see your approximate area \(about 1 km\).* near each other until /,
  );
  await page.getByLabel('Nothing yet').check();
  assert.match(await words.innerText(), /will see your name, and you as offline/);
  await accessible(page, 'join, phone');
});

await test('the code leaves the address at once, and no token stays in the page', async () => {
  const { page, asked } = await open('token', '/join#ana');
  assert.equal(new URL(page.url()).pathname, '/join');
  assert.ok(!page.url().includes('ana'));
  await page.getByLabel('Your name').fill('Ben');
  await page.getByLabel('About 1 km').check();
  await page.getByRole('button', { name: 'Join and be friends' }).click();
  await page.waitForFunction(() => window.__letshang.connected && !window.__letshang.joining);
  assert.equal(new URL(page.url()).pathname, '/');
  const accepted = asked.find((a) => a.path.endsWith('/accept'));
  assert.equal(accepted.body.name, 'Ben');
  assert.equal(accepted.body.sharing, 'approximate');
  assert.match(accepted.body.device, /^[A-Za-z0-9_. -]{1,64}$/);
  const signIn = asked.find((a) => a.method === 'POST' && a.path === '/v1/session');
  assert.equal(signIn.body.once, true);
  const token = signIn.body.token;
  assert.ok(token.length > 20);
  assert.ok(!(await kept(page)).includes(token));
  assert.ok(!(await page.content()).includes(token));
  assert.ok(asked.every((a) => !a.url.includes(token)));
  assert.ok(asked.filter((a) => a.method !== 'GET').every((a) => a.type === 'application/json'));
});

await test('who is signed in accepts with one button, as themselves', async () => {
  const { page, asked } = await open('friend', '/join#ana');
  await page.getByText('You are signed in as').waitFor();
  assert.equal(await page.getByLabel('Your name').count(), 0);
  await page.getByRole('button', { name: 'Be friends' }).click();
  await page.waitForFunction(() => window.__letshang.connected && !window.__letshang.joining);
  const accepted = asked.find((a) => a.path.endsWith('/accept'));
  assert.equal(accepted.body.name, undefined);
  assert.ok(!asked.some((a) => a.method === 'POST' && a.path === '/v1/session'));
  await page.locator('.row-name', { hasText: 'Ana Moreau' }).waitFor();
});

await test('the first link makes an administrator, and says so', async () => {
  const { page, asked } = await open('token', '/join#root');
  await page.getByText('This makes you the administrator').waitFor();
  await accessible(page, 'administrator’s link');
  await page.getByLabel('Your name').fill('Root');
  await page.getByRole('button', { name: 'Join as administrator' }).click();
  await page.waitForFunction(() => window.__letshang.connected);
  assert.equal(asked.find((a) => a.path.endsWith('/accept')).body.sharing, undefined);
});

await test('a link that does not work and an address that is not whole are answered in words', async () => {
  const { page, url } = await open('token', '/join#spent');
  await page.getByText('used before, it has expired, or it was withdrawn').waitFor();
  await page.getByRole('button', { name: 'Go to LetsHang' }).click();
  await page.getByRole('heading', { name: 'Sign in to LetsHang' }).waitFor();
  await page.goto(`${url}/join`);
  await page.getByText('the part behind # is missing').waitFor();
});

await test('an id that is taken is said, and another one is taken', async () => {
  const { page } = await open('token', '/join#ana');
  await page.getByLabel('Your name').fill('Ben');
  await page.getByText('Choose an id too').click();
  await page.getByLabel('Id, for programs').fill('taken');
  await page.getByRole('button', { name: 'Join and be friends' }).click();
  await page.getByText('Somebody here has this id already').waitFor();
  await page.getByLabel('Id, for programs').fill('ben');
  await page.getByRole('button', { name: 'Join and be friends' }).click();
  await page.waitForFunction(() => window.__letshang.connected);
});

await test('a hostile name is text: markup', async () => {
  const { page } = await open('token', '/join#markup');
  await page.getByRole('heading', { name: '<img src=x onerror=alert(1)> invites you' }).waitFor();
  assert.equal(await page.locator('.gate img').count(), 0);
});

await test('a hostile name is text: written from right to left, it turns nothing around it', async () => {
  const { page } = await open('token', '/join#rtl');
  const sentence = await page.locator('.agreement p').first().innerText();
  assert.ok(sentence.startsWith('\u2068נועה לוי\u2069 will see'), sentence);
});

await test('a hostile name is text: 64 wide letters stay in the card', async () => {
  const { page } = await open('token', '/join#long', { size: HAND });
  await page.getByRole('heading', { name: 'W'.repeat(64) }).waitFor();
  const wide = await page.evaluate(() => [
    document.querySelector('.gate-card').scrollWidth,
    document.querySelector('.gate-card').clientWidth,
  ]);
  assert.ok(wide[0] <= wide[1], `the card is ${wide[0]} wide in ${wide[1]}`);
});

await test('a dialog keeps the focus, closes on Escape and gives the focus back', async () => {
  const { page } = await open('friend');
  const opener = page.getByRole('button', { name: /^You:/ });
  await opener.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'You' }).waitFor();
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press('Tab');
    const where = await page.evaluate(() => {
      const at = document.activeElement;
      return at === document.body || at === null || at.closest('dialog') !== null;
    });
    assert.ok(where, 'the focus left the dialog for the page behind it');
  }
  await accessible(page, 'account');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog', { name: 'You' }).waitFor({ state: 'detached' });
  assert.equal(await opener.evaluate((el) => el === document.activeElement), true);
});

await test('an invite is a link, a copy of it, a QR code with a text, and can be withdrawn', async () => {
  const { page, asked, url } = await open('friend');
  await page.getByRole('button', { name: 'Invite a friend' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'Invite a friend' });
  await dialog.getByLabel('About 1 km').check();
  await dialog.getByLabel('For 1 hour').check();
  await dialog.getByRole('button', { name: 'Make a link' }).click();
  const link = await dialog.getByRole('textbox', { name: 'Link' }).inputValue();
  assert.ok(link.startsWith(`${url}/join#`));
  const made = asked.find((a) => a.method === 'POST' && a.path === '/v1/invites');
  assert.equal(made.body.sharing, 'approximate');
  assert.ok(Math.abs(made.body.until - Date.now() - 3_600_000) < 60_000);
  await dialog.getByRole('img', { name: /QR code/ }).waitFor();
  await dialog.getByRole('button', { name: 'Copy' }).click();
  await dialog.getByRole('button', { name: 'Copied' }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), link);
  await accessible(page, 'invite');
  assert.equal(await dialog.locator('[data-list=invites] li').count(), 2);
  await dialog.getByRole('button', { name: 'Withdraw' }).first().click();
  await until('one fewer', async () => (await dialog.locator('[data-list=invites] li').count()) === 1);
  await page.mouse.click(8, 8);
  await dialog.waitFor();
});

await test('a friend’s sheet says what they see, changes it with an end, and ends the friendship', async () => {
  const { page, asked } = await open('friend', '/', { size: HAND, dark: true });
  const row = page.locator('[data-list=near] .row-pair').first();
  const name = await row.locator('.row-name').innerText();
  await row.getByRole('button', { name: `${name}: sharing and more` }).click();
  const sheet = page.getByRole('dialog', { name: 'Friend' });
  await sheet.getByText('exactly where you are').waitFor();
  await sheet.getByLabel('About 1 km').check();
  await sheet.getByLabel('Today').check();
  await sheet.getByText('Then nothing, until you share again.').waitFor();
  await sheet.getByRole('button', { name: 'Save' }).click();
  await sheet.getByText('about where you are: an area of 1 km').waitFor();
  const patch = asked.find((a) => a.method === 'PATCH');
  assert.equal(patch.body.sharing, 'approximate');
  const tonight = new Date().setHours(24, 0, 0, 0);
  assert.ok(Math.abs(patch.body.until - tonight) < 60_000, 'until midnight, give or take the clocks');
  await sheet.getByLabel('Nothing').check();
  await sheet.getByRole('button', { name: 'Save' }).click();
  await sheet.getByText('sees your name, and you as offline').waitFor();
  await accessible(page, 'friend, phone, dark');
  await sheet.getByRole('button', { name: 'Unfriend' }).click();
  await sheet.getByRole('button', { name: 'Cancel' }).click();
  await sheet.getByRole('button', { name: 'Block' }).click();
  await sheet.getByRole('button', { name: 'Block' }).click();
  await sheet.waitFor({ state: 'detached' });
  assert.equal(await page.locator('.row-name', { hasText: name }).count(), 0);
});

await test('hiding takes one tap, is visible everywhere while it lasts, and ends with one', async () => {
  const { page, asked } = await open('friend');
  await page.getByRole('button', { name: 'Hide from everyone: until tomorrow' }).click();
  const banner = page.locator('.banner-hidden');
  await banner.getByText('You’re hidden').waitFor();
  assert.match(await banner.innerText(), /until tomorrow, .*Friends see you as offline/s);
  await accessible(page, 'hidden');
  await you(page, /^Who sees me/);
  const dialog = page.getByRole('dialog', { name: 'Who sees me' });
  await until('nobody sees me', async () =>
    /Nothing: you look offline/.test(await dialog.locator('[data-list=viewers]').innerText()),
  );
  await dialog.getByRole('button', { name: 'Show me again' }).click();
  await banner.waitFor({ state: 'detached' });
  assert.deepEqual(asked.filter((a) => a.method === 'PATCH').at(-1).body, { hidden_until: null });
  await dialog.getByRole('switch', { name: /Only while I’m free/ }).click();
  await until('no positions', async () =>
    /no position/.test(await dialog.locator('[data-list=viewers]').innerText()),
  );
  await accessible(page, 'who sees me');
});

await test('devices are listed, added with a token shown once, and revoked', async () => {
  const { page } = await open('friend', '/', { dark: true });
  await you(page, /^Devices/);
  const list = page.locator('[data-list=tokens]');
  await list.getByText('This browser').waitFor();
  assert.equal(await list.locator('li').count(), 3);
  await accessible(page, 'devices, dark');
  await page.getByRole('button', { name: 'Add a device' }).click();
  await page.getByLabel('What is it called?').fill('Pixel 10');
  await page.getByRole('button', { name: 'Make a token' }).click();
  const token = await page.getByRole('textbox', { name: 'Token' }).inputValue();
  await page.getByRole('img', { name: 'QR code of the token of Pixel 10' }).waitFor();
  await accessible(page, 'a new device, dark');
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('button', { name: 'Revoke Pixel 10' }).waitFor();
  assert.ok(!(await page.content()).includes(token));
  await page.getByRole('button', { name: 'Revoke Pixel 10' }).click();
  await page.getByRole('button', { name: 'Revoke Pixel 10' }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Sign out everywhere else' }).click();
  await page.getByRole('button', { name: 'Sign out the others' }).click();
  await until('only this browser', async () => (await list.locator('li').count()) === 1);
});

await test('the profile is saved, and what the server refuses is said', async () => {
  const { page } = await open('friend', '/', { size: HAND });
  await you(page, /^Profile/);
  await page.getByLabel('Name, as friends read it').fill('Nobody');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('name must be 1 to 64 characters').waitFor();
  await page.getByLabel('Name, as friends read it').fill('Nora L.');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  await accessible(page, 'profile, phone');
  await page.keyboard.press('Escape');
  await page.locator('.top-name', { hasText: 'Nora L.' }).waitFor();
});

await test('erasing wants the id typed, says what goes, and leaves nothing on the page', async () => {
  const { page } = await open('friend', '/', { dark: true, size: HAND });
  await you(page, /^My data/);
  const erase = page.getByRole('button', { name: 'Erase me' });
  assert.equal(await erase.isDisabled(), true);
  await page.getByLabel(/^Type your id/).fill('gues');
  assert.equal(await erase.isDisabled(), true);
  await accessible(page, 'erase, phone, dark');
  await page.getByLabel(/^Type your id/).fill('guest');
  await erase.click();
  await page.getByText('You are erased').waitFor();
  assert.equal(await page.evaluate(() => window.__letshang.shown), 0);
});

await test('the administrator reads the audit log', async () => {
  const { page } = await open('admin');
  await you(page, /^Audit log/);
  await page.getByRole('cell', { name: 'invite accepted' }).waitFor();
  await page.getByRole('cell', { name: 'erased' }).waitFor();
  await accessible(page, 'audit log');
});

await test('who shows only an area is a disc and "about", never a dot, and small counts are explained', async () => {
  const { page } = await open('friend');
  await page.locator('.row-distance', { hasText: 'about' }).first().waitFor();
  await page.getByText('Hours with fewer than 5 people show as none.').waitFor();
  const area = await page.evaluate(
    () => window.__letshang.people().filter((p) => (p.flags & 16) !== 0).length,
  );
  assert.ok(area >= 1);
  await page.getByText('about here').first().waitFor();
  const row = page.locator('.row-pair', { has: page.locator('.row-distance', { hasText: 'about' }) }).first();
  await row.locator('.row').click();
  const card = page.getByRole('dialog');
  await card.getByText('about 1 km').first().waitFor();
  assert.ok(!/±/.test(await card.innerText()));
});

await mine({ test, open, you, kept });

await test('no script complained, and the content policy was never broken', async () => {
  assert.deepEqual(complaints, []);
});

await browser.close();
process.exit(suite.end());

// Strangers become friends by a link, decide who sees what, and end it: browsers against a real node that begins empty.
import assert from 'node:assert/strict';
import { accessible } from './browser.mjs';
import { Phone, Server, until } from './server.mjs';

const PHONE = { width: 390, height: 844 };
const HERE = { lat: 40.758, lon: -73.9855 };
const look = (page, what, argument) => page.evaluate(what, argument);

/** A page's own call, with its cookie. */
const call = (page, method, path, body) =>
  look(
    page,
    async ([method, path, body]) => {
      const answer = await fetch(path, {
        method,
        headers: { 'content-type': 'application/json' },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const text = await answer.text();
      return { status: answer.status, body: text === '' ? null : JSON.parse(text) };
    },
    [method, path, body],
  );

const inside = (page) =>
  page.waitForFunction(() => window.__letshang.connected && !window.__letshang.joining);
const you = async (page, entry) => {
  await page.getByRole('button', { name: /^You:/ }).click();
  if (entry) await page.getByRole('dialog').getByRole('button', { name: entry }).click();
};
const row = (page, name) =>
  page.locator('.row-pair', { has: page.locator('.row-name', { hasText: name }) }).first();

export async function circle({ binary, test, visit, picture }) {
  const node = new Server(binary);
  await node.start();
  const on = node;
  let root;
  let ana;
  let ben;
  let anaPhone;
  let walking;

  /** Opens a link in a browser of its own and joins as somebody new. */
  const join = async (link, name, options = {}) => {
    const { pathname, hash } = new URL(link);
    const page = await visit({ on, path: pathname + hash, ...options });
    const field = page.getByLabel('Your name');
    await field.waitFor().catch(async (error) => {
      throw new Error(`no form, but: ${await page.locator('.shell').innerText()}`, { cause: error });
    });
    await field.fill(name);
    return page;
  };
  /** A link, made on a page by hand. */
  const invite = async (page, precision) => {
    await page.getByRole('button', { name: 'Invite a friend' }).first().click();
    const dialog = page.getByRole('dialog', { name: 'Invite a friend' });
    if (precision) await dialog.getByLabel(precision).check();
    await dialog.getByRole('button', { name: 'Make a link' }).click();
    const link = await dialog.getByRole('textbox', { name: 'Link' }).inputValue();
    await dialog.getByRole('button', { name: 'Close' }).click();
    return link;
  };

  await test('the first start prints a link, and who opens it becomes the administrator', async () => {
    const link = await until('the link', () => /http:\/\/\S+\/join#\S+/.exec(node.log)?.[0]);
    const code = new URL(link).hash.slice(1);
    root = await join(link.replace(/\/\/[^/]+/, `//127.0.0.1:${node.port}`), 'Root');
    await root.getByText('This makes you the administrator').waitFor();
    assert.ok(!root.url().includes(code));
    await root.getByRole('button', { name: 'Join as administrator' }).click();
    await inside(root);
    assert.equal(await look(root, () => window.__letshang.admin), true);
    assert.equal((await call(root, 'GET', `/v1/invites/${code}`)).status, 404, 'the link is spent');
  });

  await test('two strangers join by links, read what each will see, and see each other', async () => {
    const link = await invite(root);
    ana = await join(link, 'Ana');
    await ana.getByRole('button', { name: 'Join and be friends' }).click();
    await inside(ana);
    const second = await invite(ana, 'About 1 km');
    ben = await join(second, 'Ben', { size: PHONE });
    const words = await ben.locator('.agreement').innerText();
    assert.match(words, /You will see Ana’s approximate area \(about 1 km\) and whether they are free\./);
    assert.match(words, /Ana will see your exact position, whether you are free, and will be told when/);
    await accessible(ben, 'join, phone');
    await picture(ben, 'e2e-join-phone');
    await ben.getByRole('button', { name: 'Join and be friends' }).click();
    await inside(ben);
    await row(ana, 'Ben').waitFor();
    await row(ben, 'Ana').waitFor();
    const tokens = (await call(ben, 'GET', '/v1/me/tokens')).body.tokens;
    assert.deepEqual(
      tokens.map((t) => [t.kind, t.current]),
      [['session', true]],
      'the token of joining was turned into the session and is gone',
    );
  });

  await test('who shares approximately is a disc and "about" for the friend, never a dot', async () => {
    const { body } = await call(ana, 'POST', '/v1/me/tokens', { device: 'phone' });
    anaPhone = await new Phone(node.url, body.token).ready();
    walking = setInterval(() => {
      anaPhone.at(HERE.lat, HERE.lon);
    }, 500);
    await ben.waitForFunction(() => window.__letshang.shown === 1);
    const [seen] = await look(ben, () => window.__letshang.people());
    assert.equal(seen.flags & 16, 16);
    assert.ok(Math.hypot(seen.lat - HERE.lat, seen.lon - HERE.lon) < 0.02);
    assert.ok(seen.lat !== HERE.lat && seen.lon !== HERE.lon);
    await ben.getByText('about here').first().waitFor();
    await picture(ben, 'e2e-approximate-phone');
  });

  await test('what a friend sees is said as the server sees it, and sharing more shows more at once', async () => {
    await row(ana, 'Ben').getByRole('button', { name: 'Ben: sharing and more' }).click();
    const sheet = ana.getByRole('dialog', { name: 'Friend' });
    await sheet.getByText('about where you are').waitFor();
    await sheet.getByLabel('Exact position').check();
    await sheet.getByLabel('For 1 hour').check();
    await sheet.getByRole('button', { name: 'Save' }).click();
    await sheet.getByText('exactly where you are').waitFor();
    await ben.waitForFunction(
      ({ lat, lon }) =>
        window.__letshang
          .people()
          .some((p) => (p.flags & 16) === 0 && Math.hypot(p.lat - lat, p.lon - lon) < 1e-4),
      HERE,
    );
    await accessible(ana, 'friend');
    await picture(ana, 'e2e-friend-sheet');
  });

  await test('sharing switched off makes the other look offline, without a trace on the map', async () => {
    const sheet = ana.getByRole('dialog', { name: 'Friend' });
    await sheet.getByLabel('Nothing').check();
    await sheet.getByLabel('Until I change it').check();
    await sheet.getByRole('button', { name: 'Save' }).click();
    await sheet.getByText('sees your name, and you as offline').waitFor();
    await ben.waitForFunction(() => window.__letshang.shown === 0);
    await until('offline in the list', async () => /offline/.test(await row(ben, 'Ana').innerText()));
    await ben.reload();
    await inside(ben);
    await row(ben, 'Ana').waitFor();
    assert.equal(await look(ben, () => window.__letshang.shown), 0);
    await sheet.getByLabel('Exact position').check();
    await sheet.getByRole('button', { name: 'Save' }).click();
    await ben.waitForFunction(() => window.__letshang.shown === 1);
    await sheet.getByRole('button', { name: 'Close' }).click();
  });

  await test('hiding is one tap, is seen while it lasts, and looks like being offline', async () => {
    await ana.getByRole('button', { name: 'Hide from everyone: 1 hour' }).click();
    await ana.locator('.banner-hidden').waitFor();
    await ben.waitForFunction(() => window.__letshang.shown === 0);
    await until('offline in the list', async () => /offline/.test(await row(ben, 'Ana').innerText()));
    await picture(ana, 'e2e-hidden');
    await ana.getByRole('button', { name: 'Show me' }).click();
    await ana.locator('.banner-hidden').waitFor({ state: 'detached' });
    await ben.waitForFunction(() => window.__letshang.shown === 1);
  });

  await test('hostile names are text everywhere: markup, right to left, 64 letters', async () => {
    for (const name of ['<img src=x onerror=alert(1)>', 'נועה לוי', 'W'.repeat(64)]) {
      await you(ana, /^Profile/);
      await ana.getByLabel('Name, as friends read it').fill(name);
      await ana.getByRole('button', { name: 'Save' }).click();
      await ana.getByText('Saved.').waitFor();
      await ana.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
      await row(ben, name).waitFor();
      assert.equal(await ben.locator('.rows img').count(), 0);
      const fits = await look(ben, () =>
        [...document.querySelectorAll('.row-pair')].every((r) => r.scrollWidth <= r.clientWidth + 1),
      );
      assert.ok(fits, name);
    }
    await call(ana, 'PATCH', '/v1/me', { name: 'Ana' });
    await row(ben, 'Ana').waitFor();
  });

  await test('a revoked device is signed out within a second', async () => {
    const { body } = await call(ben, 'POST', '/v1/me/tokens', { device: 'other' });
    const other = await visit({ on });
    await other.getByLabel('Your token').fill(body.token);
    await other.getByRole('button', { name: 'Sign in' }).click();
    await inside(other);
    const session = (await call(other, 'GET', '/v1/me/tokens')).body.tokens.find((t) => t.current);
    await you(ben, /^Devices/);
    await ben.getByText('This browser').waitFor();
    const begun = Date.now();
    assert.equal((await call(ben, 'DELETE', `/v1/me/tokens/${session.id}`)).status, 204);
    await other.getByRole('heading', { name: 'Sign in to LetsHang' }).waitFor({ timeout: 3_000 });
    assert.ok(Date.now() - begun < 2_000, `${Date.now() - begun} ms, of which the server has one second`);
    assert.equal(await look(other, () => window.__letshang.shown), 0);
    await other.context().close();
    await ben.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  });

  await test('the archive of everything about me is a file', async () => {
    await you(ana, /^My data/);
    const [file] = await Promise.all([
      ana.waitForEvent('download'),
      ana.getByRole('link', { name: 'Download (ZIP)' }).click(),
    ]);
    assert.match(file.suggestedFilename(), /\.zip$/);
    assert.equal(await file.failure(), null);
    await ana.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  });

  await test('the administrator reads in the audit log what was done, without positions', async () => {
    await you(root, /^Audit log/);
    await root.getByRole('cell', { name: 'invite accepted' }).first().waitFor();
    const text = await root.getByRole('dialog').innerText();
    assert.ok(!/40\.7|-73\.9/.test(text));
    await accessible(root, 'audit log');
    await root.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    assert.equal((await call(ben, 'GET', '/v1/admin/audit?limit=5')).status, 403);
  });

  await test('unfriending removes each from the other’s page at once', async () => {
    await row(ben, 'Ana').getByRole('button', { name: 'Ana: sharing and more' }).click();
    const sheet = ben.getByRole('dialog', { name: 'Friend' });
    await sheet.getByRole('button', { name: 'Unfriend' }).click();
    await sheet.getByRole('button', { name: 'Unfriend' }).click();
    await sheet.waitFor({ state: 'detached' });
    await row(ana, 'Ben').waitFor({ state: 'detached' });
    assert.equal(await look(ben, () => window.__letshang.shown), 0);
  });

  await test('erasing oneself leaves a signed-out page and nobody who could sign in', async () => {
    const me = (await call(ben, 'GET', '/v1/me')).body;
    await you(ben, /^My data/);
    await ben.getByLabel(/^Type your id/).fill(me.user);
    await ben.getByRole('button', { name: 'Erase me' }).click();
    await ben.getByText('You are erased').waitFor();
    assert.equal((await call(ben, 'GET', '/v1/session')).body.user, null);
  });

  clearInterval(walking);
  anaPhone?.close();
  for (const page of [root, ana, ben]) await page?.context().close();
  await node.stop();
  node.remove();
}

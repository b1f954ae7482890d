// Phones as they are, calendars, hours and steps: browsers and the requests of phone apps against a real node.
import assert from 'node:assert/strict';
import { accessible } from './browser.mjs';
import { Phone, Server, until } from './server.mjs';

const HAND = { width: 390, height: 844 };
const HERE = { lat: 40.758, lon: -73.9855 };
const seconds = () => Math.floor(Date.now() / 1000);
/** A moment as iCalendar writes it, UTC. */
const stamp = (ms) => new Date(ms).toISOString().replaceAll(/[-:]|\.\d+/g, '');
const calendar = (from, to) =>
  [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//LetsHang//e2e//EN',
    'BEGIN:VEVENT',
    'UID:one@example.org',
    `DTSTAMP:${stamp(from)}`,
    `DTSTART:${stamp(from)}`,
    `DTEND:${stamp(to)}`,
    'SUMMARY:Dentist',
    'END:VEVENT',
    'END:VCALENDAR',
    '',
  ].join('\r\n');

/** The dialog of the account's entry, which is opened for it. */
const you = async (page, entry) => {
  await page.getByRole('button', { name: /^You:/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: entry }).click();
  return page.getByRole('dialog');
};
const close = (page) => page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
const done = (page, id) => page.locator(`[data-tick=${id}][data-state=done]`).waitFor();

export async function mine({ binary, test, visit, picture }) {
  const node = new Server(binary);
  await node.start();
  const tokens = { ana: await node.person('ana'), ben: await node.person('ben') };
  await node.cli('befriend', 'ana', 'ben');
  const enter = async (name, options) => {
    const page = await visit({ on: node, ...options });
    await page.getByLabel('Your token').fill(tokens[name]);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForFunction(() => window.__letshang.connected);
    return page;
  };
  const ana = await enter('ana', { size: HAND });
  const ben = new Phone(node.url, tokens.ben);
  await ben.ready();
  ben.at(HERE.lat + 0.002, HERE.lon);

  /** What Ben was told last of Ana. */
  const heard = () => ben.heard.findLast((f) => f.type === 'presence' && f.user === 'ana');

  /** What the page shows for a new phone: the fields by their names. */
  const addPhone = async (app, name) => {
    const dialog = await you(ana, /^My phones/);
    await dialog.getByRole('button', { name: 'Add my phone' }).click();
    await dialog.getByRole('tab', { name: app }).click();
    await dialog.getByLabel('What is the phone called?').fill(name);
    await dialog.getByRole('button', { name: 'Show how to set it up' }).click();
    await dialog.getByText('Shown only now.').waitFor();
    const fields = {};
    for (const field of await dialog.locator('.copy-field').all())
      fields[await field.locator('label span').innerText()] = await field.locator('input').inputValue();
    return fields;
  };
  /** The server's name in a setting is its public one; here it is asked where it listens. */
  const here = (address) => {
    const { pathname, search } = new URL(address);
    return `${node.url}${pathname}${search}`;
  };
  let pub;
  const owntracks = (user, password, more = {}) =>
    fetch(pub, {
      method: 'POST',
      headers: {
        'content-type': 'application/json; charset=utf-8',
        authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
        'x-limit-u': user,
        'x-limit-d': 'pixel',
      },
      body: JSON.stringify({
        _type: 'location',
        tid: 'an',
        ...HERE,
        acc: 9,
        tst: seconds(),
        t: 'p',
        ...more,
      }),
    });

  let secret;
  await test('OwnTracks is set up from the page: a wrong password is named, the right one fills the list', async () => {
    const fields = await addPhone('OwnTracks', 'Pixel 10');
    const values = Object.entries(fields);
    const field = (what) => {
      const found = values.find(([name]) => what.test(name));
      assert.ok(found, `${what} is not among ${Object.keys(fields)}`);
      return found[1];
    };
    pub = here(field(/^url$/i));
    const user = field(/user/i);
    secret = field(/password/i);
    assert.equal((await owntracks(user, `${secret}x`)).status, 401);
    await ana.locator('[data-tick=credentials][data-state=wrong]').waitFor();
    await picture(ana, 'e2e-phone-wrong');
    const tst = seconds();
    const answer = await owntracks(user, secret, { tst });
    assert.equal(answer.status, 200);
    assert.ok(Array.isArray(await answer.json()));
    for (const id of ['reached', 'credentials', 'point', 'friends', 'answer']) await done(ana, id);
    await ana.getByRole('heading', { name: 'It works' }).waitFor();
    await accessible(ana, 'a phone that works');
    await picture(ana, 'e2e-phone-works');
    assert.equal(
      (await owntracks(user, secret, { tst })).status,
      200,
      'a point that comes twice is no error',
    );
    await ana.getByRole('button', { name: 'Done' }).click();
    await ana.getByRole('button', { name: /^Pixel 10/ }).click();
    await ana.locator('[data-points]').getByText('1 sent twice').waitFor();
    assert.ok(!(await ana.content()).includes(secret));
    await ana.getByRole('switch', { name: /Tell me in OwnTracks/ }).click();
    await until('the switch to hold', async () => {
      const { phones } = await ana.evaluate(async () => (await fetch('/v1/me/phones')).json());
      return phones[0].near_notices === true;
    });
    await close(ana);
  });

  await test('Traccar Client needs one address, and a revoked phone is let in no more', async () => {
    const fields = await addPhone('Traccar Client', 'Tablet');
    const address = here(Object.values(fields).find((value) => /\/t\//.test(value)));
    const post = () =>
      fetch(address, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: `id=tablet&lat=${HERE.lat}&lon=${HERE.lon}&timestamp=${seconds()}&accuracy=12.0&speed=2.7&batt=81`,
      });
    assert.equal((await post()).status, 200);
    for (const id of ['reached', 'credentials', 'point', 'answer']) await done(ana, id);
    await ana.getByRole('button', { name: 'Done' }).click();
    await ana.getByRole('button', { name: /^Tablet/ }).click();
    await ana.getByRole('button', { name: 'Revoke', exact: true }).click();
    await ana.getByRole('button', { name: 'Revoke this phone' }).click();
    await ana.getByRole('button', { name: /^Tablet/ }).waitFor({ state: 'detached' });
    assert.equal((await post()).status, 401);
    await close(ana);
  });

  await test('why there is no alert is said in words, of both sides', async () => {
    const dialog = await you(ana, /^My phones/);
    await dialog.getByRole('button', { name: 'Why no alert?' }).click();
    const row = ana.locator('[data-list=alerts] li').first();
    await row.waitFor();
    assert.match(await row.innerText(), /ben/i);
    assert.match(await row.getAttribute('data-state'), /busy/);
    await accessible(ana, 'why no alert');
    await picture(ana, 'e2e-alerts');
    ben.say({ type: 'availability', free: true, seq: Date.now() });
    await ana.locator('[data-own=you_busy]').waitFor({ timeout: 30_000 });
    await ana.locator('[data-own]').getByRole('button', { name: 'Free for 1 hour' }).click();
    await ana.locator('[data-own=you_busy]').waitFor({ state: 'detached', timeout: 30_000 });
    await close(ana);
    await ana.getByRole('button', { name: 'I’m busy' }).click();
  });

  await test('weekly hours make free, a calendar busy, and a tap overrides both until it is taken back', async () => {
    const why = (source) => ana.locator(`[data-why=${source}]`).waitFor();
    let dialog = await you(ana, /^Calendar and hours/);
    await dialog.getByRole('button', { name: 'Set hours' }).click();
    for (const day of ['Saturday', 'Sunday']) await dialog.getByLabel(day).check();
    await dialog.getByLabel('From', { exact: true }).fill('00:00');
    await dialog.getByLabel('To', { exact: true }).fill('00:00');
    await dialog.getByRole('button', { name: 'Save hours' }).click();
    await dialog.getByText('Saved.').waitFor();
    await close(ana);
    await ana.getByRole('button', { name: 'Back to my weekly hours' }).click();
    await why('hours');
    await ana.getByRole('heading', { name: 'You’re free' }).waitFor();

    dialog = await you(ana, /^Calendar and hours/);
    await dialog.getByLabel('Its secret address (iCal)').fill('https://127.0.0.1/private.ics');
    await dialog.getByRole('button', { name: 'Subscribe' }).click();
    await dialog.getByRole('alert').waitFor();
    await dialog.getByLabel('From a file').check();
    const give = (text) =>
      dialog
        .getByLabel(/Choose a file/)
        .setInputFiles({ name: 'mine.ics', mimeType: 'text/calendar', buffer: Buffer.from(text) });
    await give('BEGIN:VCALENDAR and then nothing');
    await dialog.getByRole('alert').waitFor();
    await give(calendar(Date.now() - 600_000, Date.now() + 3_000_000));
    await dialog.locator('[data-strip] .strip-busy').first().waitFor();
    await accessible(ana, 'a calendar');
    await picture(ana, 'e2e-calendar');
    await close(ana);
    await why('calendar');
    await ana.getByRole('heading', { name: 'You’re busy' }).waitFor();
    assert.match(await ana.locator('[data-why]').innerText(), /^By your calendar until .+, then free/);
    await until('busy at Ben’s', () => heard()?.free === false);

    await ana.getByPlaceholder('What for?').fill('a walk');
    await ana.getByRole('button', { name: 'Free for 1 hour' }).click();
    await why('hand');
    const told = await until('free at Ben’s', () => {
      const last = heard();
      return last?.free === true && last.note === 'a walk' ? last : undefined;
    });
    assert.ok(Math.abs(told.until - Date.now() - 3_600_000) < 60_000);
    await picture(ana, 'e2e-free-by-hand');
    await ana.getByRole('button', { name: 'Back to my calendar' }).click();
    await why('calendar');
    dialog = await you(ana, /^Calendar and hours/);
    await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
    await dialog.getByRole('button', { name: 'Remove the calendar' }).click();
    await dialog.getByLabel('Its secret address (iCal)').waitFor();
    await close(ana);
    await why('hours');
  });

  await test('steps of today and the week are shown, and who stays off the board is on nobody’s', async () => {
    ben.at(HERE.lat + 0.002, HERE.lon, { steps: 4_321 });
    const board = ana.locator('[data-list=walkers]');
    const phone = new Phone(node.url, tokens.ana);
    await phone.ready();
    phone.at(HERE.lat, HERE.lon, { steps: 1_234 });
    await until(
      'my own steps',
      async () => /1,234/.test(await ana.locator('[data-steps]').innerText()),
      30_000,
    );
    await ana.getByLabel('This week').check();
    await until('both in the week', async () => {
      const text = await board.innerText().catch(() => '');
      return /You/.test(text) && /4,321/.test(text);
    });
    await ana.getByRole('switch', { name: /On the friends’ board/ }).click();
    await board.waitFor({ state: 'detached' });
    const seen = await fetch(`${node.url}/v1/steps/leaderboard`, {
      headers: { authorization: `Bearer ${tokens.ben}` },
    });
    assert.deepEqual(
      (await seen.json()).people.map((p) => p.user),
      ['ben'],
    );
    phone.close();
  });

  ben.close();
  await ana.context().close();
  await node.stop();
  node.remove();
}

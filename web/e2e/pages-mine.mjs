// What is one's own against the pretend server: phones, alerts, free and busy, calendar, hours, steps. Part of pages.mjs.
import assert from 'node:assert/strict';
import { accessible } from './browser.mjs';
import { until } from './server.mjs';

const HAND = { width: 360, height: 740 };
const dialog = (page) => page.getByRole('dialog');
const tick = (page, id) => page.locator(`[data-tick=${id}]`);

export async function mine({ test, open, you, kept }) {
  const addPhone = async (page, app, name) => {
    await you(page, /^My phones/);
    await dialog(page).getByRole('button', { name: 'Add my phone' }).click();
    await page.getByRole('tab', { name: app }).click();
    await page.getByLabel('What is the phone called?').fill(name);
    await page.getByRole('button', { name: 'Show how to set it up' }).click();
  };

  await test('a phone is added: fields to type, a code, a link, and a list that fills by itself', async () => {
    const { page, asked } = await open('friend', '/', { size: HAND });
    await addPhone(page, 'OwnTracks', 'Pixel 10');
    const made = asked.find((a) => a.method === 'POST' && a.path === '/v1/me/tokens');
    assert.deepEqual(made.body, { device: 'Pixel 10', kind: 'device', app: 'owntracks' });
    const password = await page.getByRole('textbox', { name: 'Password' }).inputValue();
    assert.ok(password.length > 20);
    assert.match(
      await page.getByRole('textbox', { name: 'URL', exact: true }).inputValue(),
      /^https:.*\/owntracks$/,
    );
    await page.getByText('Shown only now.').waitFor();
    await page.getByRole('img', { name: 'QR code that sets up OwnTracks' }).waitFor();
    const link = page.getByRole('link', { name: 'Open in OwnTracks' });
    assert.match(await link.getAttribute('href'), /^owntracks:/);
    await page.getByRole('button', { name: 'Copy: Password' }).click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), password);
    assert.equal(await tick(page, 'reached').getAttribute('data-state'), 'wait');
    await accessible(page, 'add a phone');
    for (const id of ['reached', 'credentials', 'point', 'friends', 'answer'])
      await page.locator(`[data-tick=${id}][data-state=done]`).waitFor();
    await page.getByRole('heading', { name: 'It works' }).waitFor();
    await accessible(page, 'a phone that works');
    assert.ok(!(await kept(page)).includes(password));
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('button', { name: /^Pixel 10/ }).waitFor();
    assert.ok(!(await page.content()).includes(password), 'the secret is gone with the page that showed it');
  });

  await test('a wrong secret is named in words', async () => {
    const { page } = await open('friend', '/', { dark: true });
    await addPhone(page, 'OwnTracks', 'Wrong one');
    await page.locator('[data-tick=credentials][data-state=wrong]').waitFor();
    assert.match(await tick(page, 'credentials').innerText(), /Wrong user or password/);
    await page.getByText('came with your name and a wrong secret').waitFor();
    await accessible(page, 'a wrong secret, dark');
  });

  await test('the apps are tabs: arrow keys change them, and what was made stays while one looks around', async () => {
    const { page, asked } = await open('friend');
    await addPhone(page, 'Traccar Client', 'Pixel 10');
    await page.getByRole('textbox', { name: 'Server URL' }).waitFor();
    assert.equal(await tick(page, 'friends').count(), 0);
    await page.getByRole('tab', { name: 'Traccar Client' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('tab', { name: 'Overland', selected: true }).waitFor();
    await page.getByLabel('What is the phone called?').waitFor();
    await page.keyboard.press('Home');
    await page.getByText('It does not send where you are').waitFor();
    assert.equal(await dialog(page).locator('form').count(), 0, 'no button for what does not work yet');
    await accessible(page, 'the browser’s tab');
    await page.keyboard.press('ArrowLeft');
    await page.getByRole('tab', { name: 'GPSLogger', selected: true }).waitFor();
    await page.getByRole('tab', { name: 'Traccar Client' }).click();
    await page.getByRole('textbox', { name: 'Server URL' }).waitFor();
    assert.equal(asked.filter((a) => a.method === 'POST' && a.path === '/v1/me/tokens').length, 1);
    await page.mouse.click(4, 4);
    await page.getByRole('textbox', { name: 'Server URL' }).waitFor();
  });

  await test('the list is asked for every two seconds while it is open, and not after', async () => {
    const { page, asked } = await open('friend');
    await you(page, /^My phones/);
    const polls = () => asked.filter((a) => a.path === '/v1/me/phones').length;
    await until('a second look', () => polls() >= 2);
    await page.keyboard.press('Escape');
    await page.waitForTimeout(300);
    const then = polls();
    await page.waitForTimeout(3_000);
    assert.equal(polls(), then);
  });

  await test('a phone says what of its points was left out and why, has its switch, and is revoked', async () => {
    const { page, asked } = await open('friend', '/', { size: HAND, dark: true, seeds: 'phones,trouble' });
    await you(page, /^My phones/);
    await page.getByText('the clock or the time zone of the phone is wrong').waitFor();
    await accessible(page, 'phones, dark');
    await page.getByRole('button', { name: /^Pixel 9/ }).click();
    const points = page.locator('[data-points]');
    await points.getByText('12 sent twice').waitFor();
    assert.match(await points.innerText(), /18,204 points taken in/);
    await accessible(page, 'a phone, dark');
    await page.getByRole('switch', { name: /Tell me in OwnTracks/ }).click();
    await until('the switch', async () => page.getByRole('switch', { name: /Tell me/ }).isChecked());
    const patch = asked.find((a) => a.method === 'PATCH' && a.path === '/v1/me/phones/2');
    assert.deepEqual(patch.body, { near_notices: true });
    await page.getByRole('button', { name: 'Revoke', exact: true }).click();
    await page.getByRole('button', { name: 'Revoke this phone' }).click();
    await page.getByRole('button', { name: /^Pixel 9/ }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: /^Bike tracker/ }).waitFor();
  });

  await test('why there is no alert stands in words, with the way out of what is in my own hand', async () => {
    const { page } = await open('friend', '/', { size: HAND });
    await page.locator('.row-more').first().click();
    await page.locator('[data-reason]').filter({ hasText: 'but you are busy' }).waitFor();
    await page.getByRole('button', { name: 'Why no alert? All friends' }).click();
    const list = page.locator('[data-list=alerts]');
    await list.getByText('240 m away, but busy').first().waitFor();
    await page.locator('[data-own=you_busy]').getByRole('button', { name: 'Free for 1 hour' }).click();
    await page.locator('[data-own]').waitFor({ state: 'detached' });
    await list.getByText('you have been told').first().waitFor();
    await accessible(page, 'why no alert');
    await page.getByRole('button', { name: 'Back' }).click();
    await page.getByRole('dialog', { name: 'Friend' }).waitFor();
  });

  await test('free for an hour is one tap; the words say who decides, until when, and what then', async () => {
    const { page } = await open('friend', '/', { seeds: 'calendar' });
    const why = page.locator('[data-why]');
    await page.locator('[data-why=calendar]').waitFor();
    assert.match(await why.innerText(), /^By your calendar until .+, then free\.$/);
    await page.getByPlaceholder('What for?').fill('a walk');
    await page.getByRole('button', { name: 'Free for 1 hour' }).click();
    await page.getByRole('heading', { name: 'You’re free' }).waitFor();
    await page.locator('[data-why=hand]').waitFor();
    assert.match(await why.innerText(), /“a walk” · until .+, (1 h|59 min) left/);
    await page.getByRole('button', { name: 'Back to my calendar' }).click();
    await page.locator('[data-why=calendar]').waitFor();
    await page.getByRole('heading', { name: 'You’re busy' }).waitFor();
    await page.getByRole('button', { name: 'Free until…' }).click();
    await page.getByLabel('Free until', { exact: true }).fill('03:15');
    await page.keyboard.press('Enter');
    await page.getByText(/03:15/).waitFor();
    await accessible(page, 'free until');
  });

  await test('a calendar is subscribed to by an address that is not kept, and shown as a week', async () => {
    const { page, asked } = await open('friend', '/', { size: HAND });
    await you(page, /^Calendar and hours/);
    const field = page.getByLabel('Its secret address (iCal)');
    await field.fill('http://calendar.example.org/private.ics');
    await page.getByRole('button', { name: 'Subscribe' }).click();
    await page.getByText('so that nobody on the way can read your calendar').waitFor();
    await field.fill('https://127.0.0.1/private.ics');
    await page.getByRole('button', { name: 'Subscribe' }).click();
    await page.getByText('own network, which is not fetched').waitFor();
    await field.fill('webcal://calendar.example.org/secret-7/private.ics');
    await page.getByRole('button', { name: 'Subscribe' }).click();
    await page.locator('[data-strip] li[data-date]').first().waitFor();
    assert.equal(await page.locator('[data-strip] li[data-date]').count(), 7);
    assert.ok((await page.locator('.strip-busy').count()) >= 7);
    await page.getByText('calendar.example.org', { exact: true }).waitFor();
    assert.ok(!(await page.content()).includes('secret-7'));
    assert.ok(!(await kept(page)).includes('secret-7'));
    await page.getByText('3 notes on what was left out').click();
    await page.getByText('ends before it begins').waitFor();
    await accessible(page, 'a calendar');
    assert.equal(asked.filter((a) => a.method === 'PUT').at(-1).type, 'application/json');
    await page.getByRole('button', { name: 'Remove', exact: true }).click();
    await page.getByRole('button', { name: 'Remove the calendar' }).click();
    await field.waitFor();
  });

  await test('a calendar is uploaded as a file, and a file that is none is refused with the reason', async () => {
    const { page, asked } = await open('friend', '/', { dark: true });
    await you(page, /^Calendar and hours/);
    await page.getByLabel('From a file').check();
    const file = page.getByLabel(/Choose a file/);
    const give = (name, text) => file.setInputFiles({ name, mimeType: '', buffer: Buffer.from(text) });
    await give('notes.ics', 'not a calendar');
    await page.getByText('it does not begin with BEGIN:VCALENDAR').waitFor();
    await give('large.ics', 'x'.repeat(1_100_000));
    await page.getByText('the server takes at most').waitFor();
    await give('mine.ics', 'BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n');
    await page.getByText('An uploaded file').waitFor();
    const put = asked.filter((a) => a.method === 'PUT');
    assert.equal(put.length, 2);
    assert.equal(put[1].type, 'text/calendar');
    await accessible(page, 'an uploaded calendar, dark');
  });

  await test('weekly hours are edited with the keyboard alone', async () => {
    const { page, asked } = await open('friend', '/', { size: HAND });
    await you(page, /^Calendar and hours/);
    await page.getByRole('button', { name: 'Set hours' }).focus();
    await page.keyboard.press('Enter');
    await until('the focus to be in the new line', () =>
      page.evaluate(() => document.activeElement?.getAttribute('aria-label') === 'Monday'),
    );
    await page.keyboard.press('Space');
    assert.equal(await page.getByLabel('Monday').isChecked(), false);
    await page.getByLabel('From', { exact: true }).fill('20:00');
    await page.getByLabel('To', { exact: true }).fill('02:00');
    await page.getByText('next day', { exact: true }).waitFor();
    await accessible(page, 'hours');
    await page.getByRole('button', { name: 'Save hours' }).click();
    await page.getByText('Saved.').waitFor();
    assert.deepEqual(asked.findLast((a) => a.method === 'PATCH').body, {
      free_hours: [{ days: ['tue', 'wed', 'thu', 'fri'], from: '20:00', to: '02:00' }],
    });
    await page.getByRole('button', { name: 'More hours' }).click();
    for (const day of ['Saturday', 'Sunday']) await page.getByLabel(day).nth(1).uncheck();
    await page.getByRole('button', { name: 'Save hours' }).click();
    await page.getByText('at least one day').waitFor();
    await page.getByRole('button', { name: 'Remove line 2' }).click();
    await page.getByRole('button', { name: 'Remove line 1' }).click();
    await page.getByRole('button', { name: 'Save hours' }).click();
    await page.getByText('Saved: no weekly hours.').waitFor();
    assert.deepEqual(asked.findLast((a) => a.method === 'PATCH').body, { free_hours: null });
  });

  await test('the steps of the week are a tap away, and one may stay off the board', async () => {
    const { page, asked } = await open('friend');
    const board = page.locator('[data-list=walkers]');
    await board.waitFor();
    await page.getByLabel('This week').check();
    await page.locator('[data-steps]', { hasText: '31,840' }).waitFor();
    await page.getByRole('heading', { name: 'Steps this week' }).waitFor();
    assert.ok(asked.some((a) => a.path === '/v1/steps/leaderboard' && /week=\d{4}-\d\d-\d\d/.test(a.url)));
    await page.getByRole('switch', { name: /On the friends’ board/ }).click();
    await board.waitFor({ state: 'detached' });
    assert.deepEqual(asked.findLast((a) => a.method === 'PATCH').body, { on_board: false });
    await page.getByText('Nobody but you sees your steps').waitFor();
  });
}

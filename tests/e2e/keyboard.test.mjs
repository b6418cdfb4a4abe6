// Twenty gifts from intake to posted, without a mouse.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const URL_ = process.env.E2E_URL;
const OUT = new URL('./out/', import.meta.url).pathname;
const ROWS = 20;
const NOTE = `by keys ${Date.now().toString(36)}`;

let browser;
let page;
let clicks = 0;

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    locale: 'en-GB',
    storageState: `${OUT}session.json`,
  });
  context.setDefaultTimeout(10_000);
  page = await context.newPage();
  await page.exposeFunction('pointerUsed', () => (clicks += 1));
  await page.addInitScript(() =>
    window.addEventListener('pointerdown', () => window.pointerUsed(), { capture: true }),
  );
});

after(async () => {
  await browser?.close();
});

const press = (...keys) => keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
const focusOn = (selector) =>
  page.waitForFunction((it) => document.activeElement?.matches(it), selector);
/** Tabs on until the focus is on what is meant. */
async function tabTo(selector) {
  for (let n = 0; n < 8; n += 1) {
    if (await page.evaluate((it) => document.activeElement?.matches(it), selector)) return;
    await press('Tab');
  }
  assert.fail(`Tab does not reach ${selector}`);
}
const api = (path) => page.evaluate(async (path) => (await fetch(path)).json(), path);
const within = async (what, ms, probe) => {
  const end = Date.now() + ms;
  for (;;) {
    const last = await probe();
    if (last) return last;
    if (Date.now() > end) assert.fail(`${what} did not happen within ${ms} ms`);
    await new Promise((done) => setTimeout(done, 100));
  }
};

test('twenty gifts go from intake to posted by keys alone', async () => {
  await page.goto(`${URL_}/`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await press('n');
  await page.getByRole('heading', { level: 1, name: 'New gift' }).waitFor();
  for (let n = 1; n <= ROWS; n += 1) {
    await focusOn('input.amount');
    await page.keyboard.type(String(n));
    await press('Tab', 'ControlOrMeta+a');
    await page.keyboard.type('20/11/2026');
    await tabTo('[role=combobox]');
    await page.keyboard.type('smith');
    await page.getByRole('listbox').getByRole('option').first().waitFor();
    await press('Enter');
    await page.getByRole('button', { name: 'Unlink' }).waitFor();
    await tabTo('select[name=paymentMethod], select:not([name=currency])');
    await page.keyboard.type('Cash');
    await tabTo('textarea');
    await page.keyboard.type(NOTE);
    const answer = page.waitForResponse((it) => it.request().method() === 'POST' && it.url().endsWith('/gift-staging'));
    await press('Control+Enter');
    assert.equal((await answer).status(), 200);
  }
  // The form waits for the next gift with the focus in it; the palette leads away from anywhere.
  await focusOn('input.amount');
  await press('Control+k');
  await page.keyboard.type('gifts wait');
  await press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Gifts waiting' }).waitFor();
  await press('/');
  await page.keyboard.type(NOTE);
  // How long the list is, not how many rows of it are drawn.
  const rows = () => page.getByRole('grid').getAttribute('aria-rowcount');
  await within('the search', 5000, async () => (await rows()) === String(ROWS + 1));
  await press('Enter');
  await focusOn('[role=grid] tr[data-row]');
  await press('Control+a');
  await page.getByText(`${ROWS} gifts selected`).waitFor();
  await press('m');
  await page.getByText(`${ROWS} gifts marked ready.`).first().waitFor();
  await press('Control+k');
  await page.keyboard.type('process');
  await page.getByRole('option', { name: /Process ready gifts/ }).waitFor();
  await press('Enter');
  const path = `/api/fundraising/gift-staging?search=${encodeURIComponent(NOTE)}&limit=100`;
  await within('the last gift is posted', 30_000, async () => {
    const { data } = await api(path);
    return data.length === ROWS && data.every((row) => row.processingStatus === 'processed');
  });
  assert.equal(clicks, 0, 'no pointer was used');
});

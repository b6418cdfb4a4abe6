// A long queue: drawn in a window, walked by keyboard to its end, sorted, picked and marked as a whole.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const URL_ = process.env.E2E_URL;
const OUT = new URL('./out/', import.meta.url).pathname;
const ROWS = 430;
const WORD = `Long${Date.now().toString(36)}`;

let browser;
let page;
const complaints = [];

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
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`${page.url()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.stack}`));
  await page.goto(`${URL_}/`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  // Gifts of 1 to 430 pounds, each of somebody new whose row is complete but for the mark.
  const left = await page.evaluate(
    async ([rows, word]) => {
      const numbers = Array.from({ length: rows }, (_, n) => n + 1);
      const make = async () => {
        for (let n = numbers.shift(); n !== undefined; n = numbers.shift()) {
          const gift = {
            amount: { amountMicros: n * 1_000_000, currencyCode: 'GBP' },
            donorFirstName: 'Ida',
            donorLastName: `${word}${n}`,
            giftDate: '2026-11-20',
            paymentMethod: 'CARD',
          };
          const answer = await fetch('/api/fundraising/gift-staging', {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(gift),
          });
          if (!answer.ok) return await answer.text();
        }
        return null;
      };
      const ends = await Promise.all(Array.from({ length: 16 }, make));
      return ends.filter((end) => end);
    },
    [ROWS, WORD],
  );
  assert.deepEqual(left, []);
});

after(async () => {
  await browser?.close();
});

const drawn = () => page.locator('[role=grid] tr[data-row]');
const focused = () => page.evaluate(() => document.activeElement?.closest('tr')?.innerText ?? '');
const within = async (what, probe) => {
  const end = Date.now() + 10_000;
  for (;;) {
    const last = await probe();
    if (last) return last;
    if (Date.now() > end) assert.fail(`${what} did not happen`);
    await new Promise((done) => setTimeout(done, 50));
  }
};

test('only what is on the screen is drawn, and the list says how long it is', async () => {
  await page.goto(`${URL_}/staging?status=all&search=${WORD.toLowerCase()}`);
  await drawn().first().waitFor();
  const grid = page.getByRole('grid');
  assert.equal(await grid.getAttribute('aria-rowcount'), String(ROWS + 1));
  assert.ok((await drawn().count()) < 80, 'the window is small');
  await page.getByText(`${ROWS} gifts`, { exact: true }).first().waitFor();
});

test('a header sorts, and the keyboard reaches the end and comes back', async () => {
  await page.getByRole('button', { name: 'Amount' }).click();
  await within('the largest first', async () => (await drawn().first().innerText()).includes('£430.00'));
  assert.equal(
    await page.getByRole('columnheader', { name: 'Amount' }).getAttribute('aria-sort'),
    'descending',
  );
  await page.getByRole('button', { name: 'Amount' }).click();
  await within('the smallest first', async () => (await drawn().first().innerText()).includes('£1.00'));
  await drawn().first().focus();
  await page.keyboard.press('End');
  await within('the last row has the focus', async () => (await focused()).includes('£430.00'));
  await page.keyboard.press('k');
  await within('the one before it', async () => (await focused()).includes('£429.00'));
  assert.equal(
    await page.evaluate(() => document.activeElement.getAttribute('aria-rowindex')),
    String(ROWS),
    'the row says its place',
  );
  await page.keyboard.press('Home');
  await within('the first row', async () => (await focused()).includes('£1.00'));
});

test('scrolling far brings the rows that stand there', async () => {
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight / 2));
  await within('rows of the middle', async () => {
    const texts = await drawn().allInnerTexts();
    return texts.length > 10 && texts.some((text) => /£2[0-4]\d\.00/.test(text));
  });
  await page.screenshot({ path: `${OUT}queue-long.png` });
});

test('a range over rows that were never on the screen is picked, and marked at once', async () => {
  // The keys go on from the list after the row with the focus was scrolled away.
  await drawn().first().focus();
  await page.evaluate(() => window.scrollTo(0, 0));
  await within('the first rows', async () => (await drawn().first().innerText()).includes('£1.00'));
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'grid');
  await drawn().first().focus();
  await page.keyboard.press('x');
  await page.keyboard.press('Shift+End');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+a');
  await page.getByText(`${ROWS} gifts selected`).waitFor();
  // Nobody has chosen a donor, so that every row says no, each with its reason.
  await page.keyboard.press('m');
  await page.getByText(new RegExp(`^No gifts? marked ready|${ROWS} could not be`)).first().waitFor();
});

test('nothing complained', () => assert.deepEqual(complaints, []));

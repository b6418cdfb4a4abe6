// The books of the demo's firm: twelve companies connected, one whose access was taken back, one whose subscription ended;
// a bill looked at, changed, tried out, undone; a payment recorded.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const URL_ = process.env.E2E_URL;
const OUT = new URL('./out/', import.meta.url).pathname;
const NOTE = `Checked ${Date.now().toString(36)}`;

let browser;
let page;
let realm;
const complaints = [];

const heading = (name) => page.getByRole('heading', { level: 1, name });
const button = (name) => page.getByRole('button', { name, exact: true });
const told = (text) => page.getByRole('status').filter({ hasText: text });
async function api(method, path, body) {
  return page.evaluate(
    async ([method, path, body]) => {
      const headers = body ? { 'content-type': 'application/json' } : {};
      const answer = await fetch(path, { method, headers, body: body ? JSON.stringify(body) : undefined });
      return { status: answer.status, body: await answer.json().catch(() => null) };
    },
    [method, path, body],
  );
}
async function within(what, ms, look) {
  const until = Date.now() + ms;
  for (;;) {
    const found = await look();
    if (found) return found;
    assert.ok(Date.now() < until, `${what} did not come within ${ms} ms`);
    await page.waitForTimeout(250);
  }
}

before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    locale: 'en-GB',
    storageState: `${OUT}session.json`,
  });
  context.setDefaultTimeout(10_000);
  page = await context.newPage();
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`${page.url()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.stack}`));
  await page.goto(URL_);
  await page.getByRole('navigation', { name: 'Main' }).waitFor();
});

after(async () => {
  await browser?.close();
});

test('the firm is connected: ten companies proven, one to be connected again, one whose subscription ended', async () => {
  const states = await within('the firm', 120_000, async () => {
    const { data } = (await api('GET', '/api/books/companies')).body;
    const count = (state) => data.filter((it) => it.state === state).length;
    const proven = data.filter((it) => it.totals.length > 0 && it.totals.every((total) => total.verdict === 'proven'));
    return data.length === 12 && count('reconnect') === 1 && count('lapsed') === 1 && proven.length >= 10 ? data : null;
  });
  realm = states.find((it) => it.state === 'connected' && it.records.bill > 5).realm;
  await page.goto(`${URL_}/connections`);
  await page.getByText('Connect again', { exact: true }).first().waitFor();
  await page.getByText('Subscription ended').waitFor();
  await page.screenshot({ path: `${OUT}connections-1280.png`, fullPage: true });
});

test('a bill is found by what it is, and says how old it is', async () => {
  await page.keyboard.press('g');
  await page.keyboard.press('k');
  await heading('Books').waitFor();
  await page.getByLabel('Company', { exact: true }).selectOption(realm);
  await page.getByLabel('Status').selectOption('owed');
  await page.getByRole('table').getByRole('link').first().waitFor();
  await page.getByText('Last look').waitFor();
  await page.screenshot({ path: `${OUT}books-1280.png` });
  await page.getByRole('table').getByRole('link').first().click();
  await heading(/^Bill/).waitFor();
  await page.getByText('Seen in QuickBooks').first().waitFor();
});

test('what would be sent is shown before it is sent; then it is there, and undone', async () => {
  await button('Change').click();
  await page.getByLabel('Note').first().fill(NOTE);
  await button('Show what would be sent').click();
  await page.getByText('"sparse": true').waitFor();
  await page.screenshot({ path: `${OUT}book-change-1280.png` });
  await button('Change it').click();
  await told('It is on its way').waitFor();
  await page.getByText(NOTE).first().waitFor({ timeout: 20_000 });
  await page.goto(`${URL_}/books/changes?show=over`);
  const item = page.getByRole('listitem').filter({ hasText: NOTE });
  await item.getByText('In QuickBooks').waitFor();
  await item.getByRole('button', { name: 'Undo' }).click();
  await told('Undoing it').waitFor();
  await item.getByText('An undoing was asked for').first().waitFor({ timeout: 20_000 });
  await page.screenshot({ path: `${OUT}book-changes-1280.png` });
});

test('a payment that was made elsewhere is recorded once, and a wrong amount is refused with words', async () => {
  const bill = (await api('GET', `/api/books/companies/${realm}/records/bill?status=owed`)).body.data.at(-1);
  await page.goto(`${URL_}/books/${realm}/bill/${bill.id}`);
  await button('Record a payment').click();
  const form = page.getByRole('dialog');
  await form.getByLabel('Paid from').selectOption({ label: 'Checking' });
  await form.getByLabel('Amount').fill('999999');
  await form.getByRole('button', { name: 'Record it' }).click();
  await form.getByText('no more than is open of the bill').waitFor();
  await form.getByLabel('Amount').fill(bill.balance);
  await form.getByRole('button', { name: 'Record it' }).click();
  await told('It is on its way').waitFor();
  const row = async () => (await api('GET', `/api/books/companies/${realm}/records/bill/${bill.id}`)).body.data.row;
  await within('the payment', 30_000, async () => (await row()).status === 'paid');
  // The browser itself writes the refused request to the console; this one was wanted.
  for (let i = complaints.length - 1; i >= 0; i -= 1) if (/400/.test(complaints[i])) complaints.splice(i, 1);
});

test('the console stayed silent', () => {
  assert.deepEqual(complaints, []);
});

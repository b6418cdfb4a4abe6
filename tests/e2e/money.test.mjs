// The money of the demo's firm: the portfolio, a company's figures down to their records, what is said beside the books, bills
// decided about, an issue let stand, the rules tried out.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const URL_ = process.env.E2E_URL;
const OUT = new URL('./out/', import.meta.url).pathname;

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

const open = (name) => page.goto(`${URL_}/money/${realm}${name === 'figures' ? '' : `?show=${name}`}`);
const cents = (text) => Math.round(Number(text.replace(/[^0-9.\u2212-]/gu, '').replace('\u2212', '-')) * 100);

test('the portfolio shows every company, the worst first, each figure with its age', async () => {
  await within('the firm', 120_000, async () => {
    const { data } = (await api('GET', '/api/portfolio')).body;
    const read = data.filter((it) => it.figures !== null);
    return data.length === 12 && read.length >= 10 ? data : null;
  });
  await page.goto(`${URL_}/money`);
  await heading('Money').waitFor();
  const rows = page.getByRole('table').getByRole('row');
  await within('the rows', 10_000, async () => (await rows.count()) === 13);
  const { data } = (await api('GET', '/api/portfolio')).body;
  assert.match(await rows.nth(1).innerText(), new RegExp(data[0].name));
  assert.ok(data[0].health === 'needs_attention' || data[0].trouble !== null, 'the worst is first');
  realm = data.find((it) => it.figures?.ready > 5 && it.trouble === null).realm;
});

test('a figure opens to the records whose sum it is', async () => {
  await open('figures');
  const cash = page.locator('dl > div').filter({ has: page.locator('dt', { hasText: /^We owe$/ }) });
  const shown = cents(await cash.locator('.amount').first().innerText());
  await cash.getByText(/records?$/).click();
  await cash.getByText('The sum of these is the figure.').waitFor();
  const parts = await cash.locator('li .num').allInnerTexts();
  assert.equal(parts.map(cents).reduce((one, other) => one + other, 0), shown);
  await page.getByRole('img', { name: /Cash at the end of each week/ }).waitFor();
  await page.getByLabel('Invoices come in').selectOption({ label: '60 days later' });
  await within('the later weeks', 10_000, async () => {
    const text = await page.getByRole('region', { name: 'Thirteen weeks ahead' }).getByRole('row').nth(1).innerText();
    return text.includes('0.00');
  });
});

test('what changed since a day is told with what moved it', async () => {
  await open('moved');
  await page.getByRole('region', { name: 'What moved' }).getByRole('row').nth(1).waitFor();
  assert.ok((await api('GET', `/api/books/companies/${realm}/moved`)).body.data.moved > 0);
});

test('money is set aside, lowers the cash, and is released', async () => {
  const before = (await api('GET', `/api/books/companies/${realm}/money`)).body.data.cash.amount;
  await open('said');
  const part = page.getByRole('region', { name: 'Money set aside' });
  await part.getByLabel('Amount').fill('125.50');
  await part.getByLabel('What for').fill('Roof fund');
  await part.getByLabel('What for').press('Enter');
  await part.getByText('Roof fund').waitFor();
  const during = (await api('GET', `/api/books/companies/${realm}/money`)).body.data.cash.amount;
  assert.equal(cents(before) - cents(during), 12_550);
  await part.getByRole('button', { name: 'Release' }).click();
  await part.getByText('Nothing is said yet.').waitFor();
  assert.equal((await api('GET', `/api/books/companies/${realm}/money`)).body.data.cash.amount, before);
});

test('bills are tried out together, asked for, held and taken back', async () => {
  await open('console');
  const ready = page.getByRole('region', { name: 'To decide' });
  await ready.getByRole('row').nth(1).waitFor();
  const boxes = ready.getByRole('checkbox');
  await boxes.nth(0).check();
  await boxes.nth(1).check();
  await told('If these 2 are paid now:').waitFor();
  await boxes.nth(0).uncheck();
  await boxes.nth(1).uncheck();
  const name = (await ready.getByRole('row').nth(1).getByRole('link').first().innerText()).trim();
  await ready.getByRole('row').nth(1).getByRole('button', { name: /^Pay/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Pay', exact: true }).click();
  const approved = page.getByRole('region', { name: /Approved/ });
  await approved.getByRole('link', { name, exact: true }).waitFor();
  await approved.getByLabel(`More for ${name}`).selectOption('hold');
  const dialog = page.getByRole('dialog');
  assert.ok(await dialog.getByRole('button', { name: 'Hold', exact: true }).isDisabled(), 'a reason is needed');
  await dialog.getByLabel('Why').fill('Waits for the minutes');
  await dialog.getByRole('button', { name: 'Hold', exact: true }).click();
  const held = page.getByRole('region', { name: 'Held' });
  await held.locator('summary').click();
  await held.getByText('Waits for the minutes').waitFor();
  await held.getByLabel(`More for ${name}`).selectOption('withdraw');
  await page.getByRole('dialog').getByRole('button', { name: 'Take back', exact: true }).click();
  await within('the bill back', 10_000, async () => (await ready.getByRole('link', { name, exact: true }).count()) === 1);
});

test('an issue is let stand with a reason and is one again', async () => {
  await open('tray');
  const first = page.getByRole('checkbox').first();
  await first.check();
  await button('Let stand').click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Why it may stand').fill('Known to the trustees');
  await dialog.getByRole('button', { name: 'Let stand' }).click();
  await page.getByText(/^Let stand \(1\)$/).click();
  await page.getByText('Known to the trustees').waitFor();
  await button('Make it an issue again').click();
  await within('the issue back', 10_000, async () => (await page.getByText(/^Let stand \(1\)$/).count()) === 0);
});

test('a digest is drawn up, words are written above it, and it is approved', async () => {
  await open('digest');
  await button("Draw up this week's").click();
  await page.getByLabel('Your words above it').fill('A quiet week.');
  await button('Keep the words').click();
  await page.locator('pre').filter({ hasText: 'A quiet week.' }).waitFor();
  await button('Approve').click();
  await button('Make a draft of it again').waitFor();
  const week = (await api('GET', `/api/books/companies/${realm}/digests`)).body.data[0].week;
  const pdf = await page.evaluate(async (path) => {
    const answer = await fetch(path);
    return [answer.headers.get('content-type'), (await answer.text()).slice(0, 5)];
  }, `/api/books/companies/${realm}/digests/${week}/pdf`);
  assert.deepEqual(pdf, ['application/pdf', '%PDF-']);
});

test('rules are tried out before they are kept', async () => {
  await open('rules');
  await page.getByLabel('Comfortable from').fill('364');
  await page.getByLabel('Amber below').fill('363');
  await button('What would change').click();
  await page.getByRole('status').filter({ hasText: /Other for 1|Nothing would change/ }).waitFor();
  assert.equal((await api('GET', `/api/books/companies/${realm}/policy`)).body.holds.amberBelow, 30, 'nothing was kept');
  await page.getByLabel('Comfortable from').fill('120');
  await page.getByLabel('Amber below').fill('');
  await button('Keep these rules').click();
  await told('Kept. What was before stands in the journal.').waitFor();
  assert.equal((await api('GET', `/api/books/companies/${realm}/policy`)).body.holds.comfortableFrom, 120);
});

test('nothing was complained of', () => {
  assert.deepEqual(complaints, []);
});

// The desk in the browser: a new donor by keyboard, coding, a rehearsal, settings.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const URL_ = process.env.E2E_URL;
const OUT = new URL('./out/', import.meta.url).pathname;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SURNAME = `Fresh${Date.now().toString(36)}`;

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
});

after(async () => {
  await browser?.close();
});

const heading = (name) => page.getByRole('heading', { level: 1, name });
const within = async (what, ms, probe) => {
  const end = Date.now() + ms;
  for (;;) {
    const last = await probe();
    if (last) return last;
    if (Date.now() > end) assert.fail(`${what} did not happen within ${ms} ms`);
    await new Promise((done) => setTimeout(done, 100));
  }
};
/** A call to our own API, as the page makes it. */
const api = (method, path, body) =>
  page.evaluate(
    async ([method, path, body]) => {
      const headers = body ? { 'content-type': 'application/json' } : {};
      const answer = await fetch(path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
      const text = await answer.text();
      return { status: answer.status, body: text ? JSON.parse(text) : null };
    },
    [method, path, body],
  );
/** A call to the simulated Twenty, as another program makes it: it allows a hundred a minute, to all of us. */
async function twenty(method, path, body) {
  const answer = await within('room for a call', 90_000, async () => {
    const it = await ask(method, path, body);
    if (it.status !== 429) return it;
    await new Promise((done) => setTimeout(done, 2000));
  });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.json();
}
const ask = (method, path, body) =>
  fetch(`${process.env.E2E_TWENTY}${path}`, {
    method,
    headers: { authorization: `Bearer ${process.env.E2E_KEY}`, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
async function axe(where) {
  await page.waitForTimeout(250);
  await page.evaluate(`{ ${AXE} }; undefined`);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const grave = violations
    .filter((it) => ['serious', 'critical'].includes(it.impact))
    .map((it) => `${where}: ${it.id} ${it.nodes.map((node) => node.target.join(' ')).join(', ')}`);
  assert.deepEqual(grave, []);
}

let batch;

test('a gift of somebody new is entered by keyboard alone', async () => {
  await page.goto(`${URL_}/staging/new`);
  await heading('New gift').waitFor();
  const made = await api('POST', '/api/fundraising/gift-batches', { name: `Newcomers ${SURNAME}`, rowIds: [] });
  batch = made.body.data.createGiftBatch.id;
  await page.goto(`${URL_}/staging/new?batch=${batch}`);
  await page.getByLabel('Amount').first().fill('42');
  await page.getByLabel('Gift date').fill('20 Nov 2026');
  const asNew = page.getByRole('button', { name: 'New donor' });
  await asNew.focus();
  await page.keyboard.press('Enter');
  await page.getByText('Made in Twenty when the gift is posted').waitFor();
  await page.getByLabel('First name').fill('Grace');
  await page.getByLabel('Last name').fill(SURNAME);
  await page.getByLabel('E-mail').fill(`${SURNAME.toLowerCase()}@example.org`);
  await page.getByLabel('Payment method', { exact: true }).selectOption('card');
  await page.screenshot({ path: `${OUT}new-donor.png` });
  await axe('new gift with a new donor');
  await page.keyboard.press('Control+Enter');
  await within('the gift', 10_000, async () => {
    const rows = await api('GET', `/api/fundraising/gift-staging?giftBatchId=${batch}`);
    return rows.body.data[0]?.donorResolutionState === 'NEW_DONOR' ? rows.body.data[0].id : null;
  });
});

test('the drawer books it to a fund, and marks it ready', async () => {
  const rows = await api('GET', `/api/fundraising/gift-staging?giftBatchId=${batch}`);
  await page.goto(`${URL_}/staging?status=all&row=${rows.body.data[0].id}`);
  const drawer = page.getByRole('dialog', { name: 'Gift' });
  await drawer.getByText('A new donor').waitFor();
  const funds = await api('GET', '/api/choices/funds?q=');
  const fund = funds.body.data[0].name;
  await drawer.getByRole('combobox', { name: 'Fund' }).fill(fund.slice(0, 4));
  await drawer.getByRole('option', { name: new RegExp(fund) }).first().waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await drawer.getByRole('button', { name: 'Remove: Fund' }).waitFor();
  await drawer.screenshot({ path: `${OUT}drawer-coding.png` });
  await axe('drawer');
  await drawer.getByRole('button', { name: 'Save and mark ready' }).click();
  await within('ready', 10_000, async () => {
    const row = (await api('GET', `/api/fundraising/gift-staging?giftBatchId=${batch}`)).body.data[0];
    return row.processingStatus === 'ready_for_process' && row.coding.fund?.name === fund;
  });
});

test('a rehearsal shows the requests, and what follows is just that', async () => {
  await page.goto(`${URL_}/batches/${batch}`);
  await page.getByRole('button', { name: 'Look first' }).click();
  const dialog = page.getByRole('dialog', { name: 'What would be sent to Twenty' });
  await dialog.getByText('1 gift in 2 requests').waitFor();
  await dialog.getByText('Makes 1 donor').waitFor();
  await dialog.screenshot({ path: `${OUT}plan.png` });
  await axe('rehearsal');
  await dialog.getByRole('button', { name: /Process 1 gift like this/ }).click();
  await page.locator('[data-run=completed]').waitFor({ timeout: 30_000 });
  const row = (await api('GET', `/api/fundraising/gift-staging?giftBatchId=${batch}`)).body.data[0];
  assert.equal(row.processingStatus, 'processed');
  const gift = await twenty('GET', `/rest/gifts/${row.gift.id}`);
  assert.equal(gift.data.gift.donorId, row.donorId);
  const donor = await twenty('GET', `/rest/people/${row.donorId}`);
  assert.equal(donor.data.person.name.lastName, SURNAME);
});

test('the donor has a page with the gift, and what is added there is on its way', async () => {
  await page.goto(URL_);
  // The keys are heard once the page is there.
  await heading('Home').waitFor();
  await page.getByRole('link', { name: 'Donors', exact: true }).waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('d');
  await heading('Donors').waitFor();
  await page.waitForFunction(() => document.activeElement?.matches('input[type=search]'));
  await page.keyboard.type(SURNAME);
  await page.getByRole('list', { name: 'Donors' }).getByRole('link').filter({ hasText: SURNAME }).waitFor();
  await page.screenshot({ path: `${OUT}donors.png` });
  await axe('donors');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await heading(`Grace ${SURNAME}`).waitFor();
  await page.getByRole('region', { name: 'Gifts' }).getByText('£42').first().waitFor();
  await page.getByRole('button', { name: 'New task' }).click();
  const dialog = page.getByRole('dialog', { name: 'New task' });
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('Write a title.').waitFor();
  await dialog.getByLabel('Title').fill('Thank Grace');
  await dialog.getByLabel('Due').fill('30 Nov 2026');
  await dialog.getByRole('button', { name: 'Save' }).click();
  const tasks = page.getByRole('region', { name: 'Tasks' });
  await tasks.getByText('Thank Grace').waitFor();
  await page.getByRole('button', { name: 'Edit' }).click();
  const edit = page.getByRole('dialog', { name: 'Edit the donor' });
  await edit.getByLabel('Job title').fill('Treasurer');
  await edit.getByRole('button', { name: 'Save' }).click();
  const id = new URL(page.url()).pathname.split('/').pop();
  // Asked of our own mirror, which shows what Twenty has: Twenty allows a hundred questions a minute.
  await within('the change in Twenty', 30_000, async () => {
    const { data } = (await api('GET', `/api/donors/${id}`)).body;
    return data.record.jobTitle === 'Treasurer' && data.pendingEdit === null;
  });
  await within('the task in Twenty, ready to be ticked', 30_000, async () => {
    const answer = await api('GET', `/api/donors/${id}`);
    return answer.body.data.tasks[0]?.state === 'live' && answer.body.data.tasks[0].pendingEdit === null;
  });
  await tasks.getByRole('checkbox').check();
  await within('the task done in Twenty', 30_000, async () => {
    const answer = await api('GET', `/api/donors/${id}`);
    return answer.body.data.tasks[0].status === 'DONE';
  });
  for (const [theme, width] of [
    ['light', 1280],
    ['dark', 390],
  ]) {
    await page.emulateMedia({ colorScheme: theme });
    await page.setViewportSize({ width, height: 900 });
    await axe(`donor, ${theme}, ${width}`);
    await page.screenshot({ path: `${OUT}donor-${theme}-${width}.png`, fullPage: true });
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.getByRole('button', { name: 'As it was' }).click();
  await page.getByRole('dialog', { name: `Grace ${SURNAME}, as it was` }).getByText('Treasurer').waitFor();
});

test('"Sync now" says that it began, and nothing false', async () => {
  await page.goto(`${URL_}/sync`);
  await page.getByRole('button', { name: 'Sync now' }).click();
  await page.getByText('Reading from Twenty has started.').first().waitFor();
  assert.equal(await page.getByText('cannot be reached').count(), 0);
});

test('a switch of the desk is kept at once', async () => {
  await page.goto(`${URL_}/settings`);
  const box = page.getByRole('checkbox', { name: 'No fund is named.' });
  await box.check();
  await page.getByText('Saved. It holds for everybody from now on.').first().waitFor();
  const settings = await api('GET', '/api/settings');
  assert.equal(settings.body.data.warnings.find((it) => it.code === 'fund_missing').on, true);
  await axe('settings');
  await page.screenshot({ path: `${OUT}settings-desk.png`, fullPage: true });
  await box.uncheck();
});

test('who may have given is offered with a word, a reason and a choice', async () => {
  const found = await api('GET', '/api/donors?q=smith&limit=20');
  const donor = found.body.data.find((it) => it.email && it.name);
  const [donorFirstName, ...rest] = donor.name.split(' ');
  const gift = {
    amount: { amountMicros: 12_000_000, currencyCode: 'GBP' },
    giftDate: '2026-11-20',
    donorFirstName,
    donorLastName: rest.join(' '),
    donorEmail: donor.email,
    paymentMethod: 'card',
  };
  const made = await api('POST', '/api/fundraising/gift-staging', gift);
  await page.goto(`${URL_}/staging?status=all&row=${made.body.data.giftStaging.id}`);
  const offers = page.getByRole('list', { name: 'People who may have given this' });
  await offers.getByText(/^(Certain|Very likely)$/).first().waitFor();
  await offers.getByRole('button', { name: `Why ${donor.name}?` }).first().click();
  const why = page.getByRole('dialog', { name: 'Why this person?' });
  await why.getByRole('rowheader', { name: /e-mail/ }).first().waitFor();
  await axe('why');
  await page.keyboard.press('Escape');
  await why.waitFor({ state: 'detached' });
  await offers.getByRole('button', { name: new RegExp(`: ${donor.name}$`) }).first().click();
  await page.getByRole('button', { name: 'Unlink' }).waitFor();
});

test('the donors of a batch are looked for, and what was found is said', async () => {
  const gift = (name) => ({
    amount: { amountMicros: 5_000_000, currencyCode: 'GBP' },
    giftDate: '2026-11-20',
    donorFirstName: name,
    donorLastName: 'Nobodyatall',
    donorEmail: `${name}@nowhere.example`.toLowerCase(),
    paymentMethod: 'cash',
  });
  const rowIds = [];
  for (const name of ['Xaver', 'Ylva'])
    rowIds.push((await api('POST', '/api/fundraising/gift-staging', gift(name))).body.data.giftStaging.id);
  const batch = await api('POST', '/api/fundraising/gift-batches', { name: 'Unknown hands', rowIds });
  await page.goto(`${URL_}/batches/${batch.body.data.createGiftBatch.id}`);
  await page.getByRole('button', { name: 'Find donors' }).click();
  const run = page.getByRole('region', { name: 'Looking for donors' });
  await run.getByText('2 of 2 gifts looked at').waitFor();
  await run.getByText('0 donors are linked, 0 gifts wait for your decision.').waitFor();
  await run.getByText('Nobody found').waitFor();
  await axe('donor match');
});

test('setting a gift aside offers to remove the donor made for it', async () => {
  const gift = {
    amount: { amountMicros: 7_000_000, currencyCode: 'GBP' },
    giftDate: '2026-11-20',
    donorFirstName: 'Mistaken',
    donorLastName: `Made${SURNAME}`,
    paymentMethod: 'cash',
  };
  const row = (await api('POST', '/api/fundraising/gift-staging', gift)).body.data.giftStaging.id;
  const answer = await api('POST', '/api/fundraising/gift-batches', { name: 'Mistakes', rowIds: [row] });
  const mistakes = answer.body.data.createGiftBatch.id;
  const making = `/api/fundraising/gift-batches/${mistakes}/donor-match/create-donors/run`;
  await api('POST', making, { stagingIds: [row] });
  const now = async () => (await api('GET', `/api/fundraising/gift-staging/${row}`)).body.data.giftStaging;
  await within('the donor', 30_000, async () => (await now()).donorCreated);
  await page.goto(`${URL_}/staging?status=all&row=${row}`);
  const drawer = page.getByRole('dialog', { name: 'Gift' });
  await drawer.getByRole('button', { name: 'Discard' }).click();
  await page.getByRole('button', { name: 'Set aside' }).click();
  const name = `Mistaken Made${SURNAME}`;
  await drawer.getByText(`${name} was made in Twenty for this gift`).waitFor();
  await drawer.getByRole('button', { name: 'Remove from Twenty' }).click();
  await page.getByRole('dialog', { name: `Remove ${name} from Twenty?` }).getByRole('button', { name: 'Remove', exact: true }).waitFor();
  await axe('remove a made donor');
  await page.screenshot({ path: `${OUT}made-donor.png` });
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await within('the removal in Twenty', 60_000, async () => (await now()).madeDonor.state === 'removed');
  // It comes by itself: nobody reads the page again.
  await drawer.getByText(`${name} was removed from Twenty`).waitFor();
  await drawer.screenshot({ path: `${OUT}made-donor-removed.png` });
});

test('home says what came in against last year, and every figure opens to its records', async () => {
  await page.goto(`${URL_}/`);
  await page.getByRole('heading', { name: 'What came in' }).waitFor();
  const link = page.locator('a[href="/figures/gifts-this-month"]');
  const count = Number((await link.innerText()).replace(/\D/g, ''));
  await link.click();
  await heading('Gifts of this month').waitFor();
  await page.getByText(new RegExp(`^1 to \\d+ of ${count}$`)).waitFor();
  await axe('figure');
  await page.goBack();
  await page.getByRole('link', { name: /gave for the first time/ }).click();
  await heading('First gifts to thank for').waitFor();
  await page.getByRole('row').nth(1).getByRole('link').first().click();
  await page.waitForURL(/\/donors\/[0-9a-f-]+$/);
});

test('the palette goes anywhere, finds donors and gives the focus back', async () => {
  await page.goto(`${URL_}/`);
  await heading('Home').waitFor();
  await page.keyboard.press('Control+k');
  const field = page.getByRole('combobox', { name: 'Go to a page, do something, or find a donor' });
  await field.fill('batch');
  await page.getByRole('option', { name: /Go to Batches/ }).waitFor();
  await axe('palette');
  await page.keyboard.press('Enter');
  await heading('Batches').waitFor();
  await page.keyboard.press('Control+k');
  await field.fill('smith');
  await page.getByRole('option', { name: /Smith/ }).first().waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/donors\/[0-9a-f-]+$/);
  await page.keyboard.press('Control+k');
  await field.waitFor();
  await page.keyboard.press('Escape');
  await field.waitFor({ state: 'detached' });
});

test('nothing complained', () => assert.deepEqual(complaints, []));

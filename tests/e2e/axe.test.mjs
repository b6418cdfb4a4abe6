// Every screen and every dialog under axe, light and dark, on a telephone, a laptop and a wide screen: nothing serious,
// and nothing wider than the screen.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const URL_ = process.env.E2E_URL;
const OUT = new URL('./out/', import.meta.url).pathname;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RUN = Date.now().toString(36);
const WIDTHS = [390, 1280, 1920];

let browser;
let page;
/** What the screens are asked for: made once, through the API. */
const ids = {};

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
const within = async (what, ms, probe) => {
  const end = Date.now() + ms;
  for (;;) {
    const last = await probe();
    if (last) return last;
    if (Date.now() > end) assert.fail(`${what} did not happen within ${ms} ms`);
    await new Promise((done) => setTimeout(done, 100));
  }
};
const button = (name) => page.getByRole('button', { name }).first();
const dialog = () => page.getByRole('dialog').last();
const heading = () => page.getByRole('heading', { level: 1 }).first();

async function take(gift) {
  const whole = { amount: { amountMicros: 12_000_000, currencyCode: 'GBP' }, giftDate: '2026-11-20', paymentMethod: 'cash', ...gift };
  return (await api('POST', '/api/fundraising/gift-staging', whole)).body.data.giftStaging.id;
}

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    locale: 'en-GB',
    reducedMotion: 'reduce',
    storageState: `${OUT}session.json`,
  });
  context.setDefaultTimeout(10_000);
  page = await context.newPage();
  await page.goto(URL_);
  await heading().waitFor();
  const found = (await api('GET', '/api/donors?q=smith&limit=20')).body.data.find((it) => it.email && it.name);
  ids.donor = found.id;
  const [donorFirstName, ...rest] = found.name.split(' ');
  ids.likely = await take({ donorFirstName, donorLastName: rest.join(' '), donorEmail: found.email });
  ids.ready = await take({ donorId: found.id });
  const unknown = await take({ donorFirstName: 'Xenia', donorLastName: 'Nobodyatall', donorEmail: 'xenia@nowhere.example' });
  const made = await take({ donorFirstName: 'Axe', donorLastName: `Made${RUN}` });
  const batch = async (name, rowIds) =>
    (await api('POST', '/api/fundraising/gift-batches', { name: `${name} ${RUN}`, rowIds })).body.data.createGiftBatch.id;
  ids.batch = await batch('Axe', [unknown, ids.ready]);
  const making = await batch('Axe donors', [made]);
  await api('POST', `/api/fundraising/gift-batches/${making}/donor-match/create-donors/run`, { stagingIds: [made] });
  const row = async () => (await api('GET', `/api/fundraising/gift-staging/${made}`)).body.data.giftStaging;
  await within('the donor', 30_000, async () => (await row()).donorCreated);
  await api('PATCH', `/api/fundraising/gift-staging/${made}/status`, { processingStatus: 'discarded' });
  await api('PATCH', `/api/fundraising/gift-staging/${ids.ready}/status`, { processingStatus: 'ready_for_process' });
  await api('POST', `/api/fundraising/gift-batches/${ids.batch}/donor-match`, {});
  ids.made = made;
  await within('the books', 90_000, async () => {
    const { data } = (await api('GET', '/api/books/companies')).body;
    ids.realm = data.find((it) => it.state === 'connected' && it.records.bill)?.realm;
    return ids.realm;
  });
  const bills = (await api('GET', `/api/books/companies/${ids.realm}/records/bill?status=owed`)).body.data;
  ids.bill = bills[0].id;
  const set = { kind: 'bill', id: ids.bill, fields: { note: `axe ${RUN}` } };
  const changed = (await api('POST', `/api/books/companies/${ids.realm}/changes`, { set })).body.data.id;
  await within('the change', 30_000, async () => (await api('GET', `/api/books/changes/${changed}`)).body.data.state === 'done');
});

after(async () => {
  await browser?.close();
});

const row = (id) => `/staging?status=all&row=${id}`;
const opens = (name) => async () => {
  await button(name).click();
  await dialog().waitFor();
};
/** Screens and what is opened on them. */
const SCREENS = [
  ['home', () => '/'],
  ['queue', () => '/staging?status=all'],
  ['a whole queue selected', () => '/staging?status=all', async () => page.getByRole('grid').getByRole('checkbox').first().check()],
  ['drawer with likely donors', () => row(ids.likely), async () => page.getByRole('list', { name: 'People who may have given this' }).waitFor()],
  ['why dialog', () => row(ids.likely), async () => {
    await button(/^Why .*\?$/).click();
    await page.getByRole('dialog', { name: 'Why this person?' }).getByRole('rowheader').first().waitFor();
  }],
  ['drawer of a ready gift', () => row(ids.ready), async () => dialog().getByText('Audit').waitFor()],
  ['drawer of a discarded gift', () => row(ids.made), async () => page.getByText('was made in Twenty for this gift').waitFor()],
  ['remove a made donor', () => row(ids.made), opens('Remove from Twenty')],
  ['new gift', () => '/staging/new'],
  ['batches', () => '/batches'],
  ['new batch', () => '/batches', opens(/^(New batch|Make a batch)/)],
  ['batch with a donor match', () => `/batches/${ids.batch}`, async () => page.getByRole('region', { name: 'Looking for donors' }).waitFor()],
  ['rehearsal', () => `/batches/${ids.batch}`, async () => {
    await button('Look first').click();
    await page.getByRole('dialog', { name: 'What would be sent to Twenty' }).getByText(/request/).first().waitFor();
  }],
  ['donors', () => '/donors?q=smith'],
  ['donor', () => `/donors/${ids.donor}`],
  ['donor as it was', () => `/donors/${ids.donor}`, opens('As it was')],
  ['donor edited', () => `/donors/${ids.donor}`, opens('Edit')],
  ['new task', () => `/donors/${ids.donor}`, opens('New task')],
  ['new note', () => `/donors/${ids.donor}`, opens('New note')],
  ['figure of this month', () => '/figures/gifts-this-month'],
  ['figure of first gifts', () => '/figures/first-gifts'],
  ['sync', () => '/sync'],
  ['connections', () => '/connections'],
  ['books', () => `/books?company=${ids.realm}`, async () => page.getByRole('table').waitFor()],
  ['a record of the books', () => `/books/${ids.realm}/bill/${ids.bill}`, async () => page.getByRole('article').first().waitFor()],
  ['a record of the books changed', () => `/books/${ids.realm}/bill/${ids.bill}`, opens('Change')],
  ['a payment recorded', () => `/books/${ids.realm}/bill/${ids.bill}`, opens('Record a payment')],
  ['the portfolio', () => '/money', async () => page.getByRole('table').waitFor()],
  ['the money of a company', () => `/money/${ids.realm}`, async () => page.getByRole('img', { name: /Cash at the end/ }).waitFor()],
  ['what changed there', () => `/money/${ids.realm}?show=moved`, async () => page.getByLabel('Since the end of').waitFor()],
  ['its tray', () => `/money/${ids.realm}?show=tray`, async () => page.getByText(/^Not looked at/).waitFor()],
  ['its bills', () => `/money/${ids.realm}?show=console`, async () => page.getByText(/QuickBooks pays nothing|No bill to decide/).first().waitFor()],
  ['what is said of it', () => `/money/${ids.realm}?show=said`, async () => page.getByRole('region', { name: 'Money set aside' }).waitFor()],
  ['its digest', () => `/money/${ids.realm}?show=digest`, async () => { await button("Draw up this week's").click(); await page.getByText('Thirteen weeks ahead').first().waitFor(); }],
  ['its rules', () => `/money/${ids.realm}?show=rules`, async () => button('What would change').waitFor()],
  ['changes of the books', () => '/books/changes?show=over', async () => button('Undo').first().waitFor()],
  ['journal', () => '/journal', async () => page.getByRole('article').first().waitFor()],
  ['settings', () => '/settings'],
  ['new token', () => '/settings', opens(/^(New token|Make a token|Create a token)/)],
  ['users', () => '/settings/users'],
  ['invitation', () => '/settings/users', opens('Invite somebody')],
  ['palette', () => '/', async () => {
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: /find a donor/ }).fill('smith');
    await page.getByRole('option', { name: /Smith/ }).first().waitFor();
  }],
  ['key map', () => '/', async () => {
    await page.keyboard.press('?');
    await dialog().waitFor();
  }],
  ['unknown address', () => '/nowhere'],
  ['sign-in', () => '/login'],
  ['spent link', () => '/password?token=spent'],
];

async function grave() {
  await page.waitForTimeout(120);
  await page.evaluate(`{ ${AXE} }; undefined`);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return violations
    .filter((it) => ['serious', 'critical'].includes(it.impact))
    .map((it) => `${it.id} (${it.impact}) ${it.nodes.map((node) => node.target.join(' ')).join(', ')}`);
}

for (const [name, path, open] of SCREENS)
  test(`${name}: nothing serious, nothing too wide`, async () => {
    const wrong = [];
    for (const scheme of ['light', 'dark'])
      for (const width of WIDTHS) {
        const where = `${name}, ${scheme}, ${width} px`;
        await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
        await page.setViewportSize({ width, height: width === 390 ? 844 : 1000 });
        // A fresh page: what was opened before is closed.
        await page.goto('about:blank');
        await page.goto(URL_ + path());
        await heading().waitFor();
        await within(`${where} loads`, 10_000, async () => (await page.getByRole('status', { name: 'Loading' }).count()) === 0);
        await open?.();
        wrong.push(...(await grave()).map((it) => `${where}: ${it}`));
        const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        if (over > 0) wrong.push(`${where}: ${over} px too wide`);
        if (process.env.AXE_PICTURES) await page.screenshot({ path: `${OUT}axe-${name.replaceAll(' ', '-')}-${scheme}-${width}.png` });
      }
    assert.deepEqual(wrong, []);
  });

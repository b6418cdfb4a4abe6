// Duplicates: two records of one person come into Twenty, the pair appears by itself, and is decided by keys alone: blind,
// taken back, linked, undone, linked again, shown as a merge and merged.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const URL_ = process.env.E2E_URL;
const { E2E_TWENTY: TWENTY, E2E_KEY: KEY } = process.env;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const OUT = new URL('./out/', import.meta.url).pathname;
/** No two runs want the same people. */
const RUN = Date.now().toString(36).replace(/\d/g, (digit) => 'abcdefghij'[digit]);
const LAST = `Quist${RUN}`;

let browser;
let context;
let page;
let made;
const complaints = [];

const within = async (what, ms, probe) => {
  const end = Date.now() + ms;
  for (;;) {
    const last = await probe();
    if (last) return last;
    if (Date.now() > end) assert.fail(`${what} did not happen within ${ms} ms`);
    await new Promise((done) => setTimeout(done, 150));
  }
};
async function twenty(method, path, body) {
  const answer = await within(`an answer of Twenty to ${method} ${path}`, 90_000, async () => {
    const tried = await fetch(`${TWENTY}/rest${path}`, {
      method,
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return tried.status === 429 ? null : tried;
  });
  return { status: answer.status, data: (await answer.json()).data };
}
const person = (email) => ({
  name: { firstName: 'Zoltan', lastName: LAST },
  emails: { primaryEmail: email, additionalEmails: [] },
  mailingAddress: { addressStreet1: '7 Mill Lane', addressCity: 'Newport', addressPostcode: 'NP20 1AA' },
});
const pair = () => page.getByRole('region', { name: `Zoltan ${LAST} and Zoltan ${LAST}` });
const inList = () => page.getByRole('region', { name: /^Pairs/ }).getByRole('button').filter({ hasText: LAST });
const said = (text) => page.getByRole('status').filter({ hasText: text }).first().waitFor();

async function axe(where) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  const serious = found.violations.filter((it) => ['serious', 'critical'].includes(it.impact));
  assert.deepEqual(
    serious.map((it) => `${it.id}: ${it.nodes.map((node) => node.target.join(' ')).join(', ')}`),
    [],
    where,
  );
}

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
  context = await browser.newContext({ viewport: { width: 1280, height: 800 }, storageState: `${OUT}session.json` });
  page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (line) => line.type() === 'error' && complaints.push(line.text()));
  made = [];
  for (const email of [`z@${RUN}.example`, `zoltan@${RUN}.example`]) {
    const answer = await twenty('POST', '/people', person(email));
    assert.ok(answer.data?.createPerson?.id, JSON.stringify(answer));
    const id = answer.data.createPerson.id;
    made.push(id);
    // Much was given by both, so that the pair comes first.
    const amount = { amountMicros: 900_000_000_000, currencyCode: 'GBP' };
    const gift = await twenty('POST', '/gifts', { amount, giftDate: '2026-11-20', donorId: id });
    assert.ok(gift.data?.createGift?.id, JSON.stringify(gift));
  }
});
after(() => browser?.close());

test('a pair that comes into Twenty appears by itself, side by side', async () => {
  await page.goto(`${URL_}/duplicates`);
  await page.getByRole('heading', { level: 1, name: 'Duplicates' }).waitFor();
  await page.evaluate(() => fetch('/api/sync', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }));
  await within('the pair is in the queue', 300_000, () => inList().count());
  await inList().first().click();
  await pair().getByText('Mill Lane').first().waitFor();
  const email = pair().getByRole('row', { name: /E-mail/ });
  assert.match(await email.textContent(), /different/);
  assert.match(await pair().getByRole('row', { name: /Postcode/ }).textContent(), /the same/);
  await axe('a pair');
  await page.screenshot({ path: `${OUT}duplicates.png`, fullPage: true });
});

test('blind, the weight is told only after the decision; b takes it back', async () => {
  await page.getByLabel(/^Blind/).check();
  await inList().first().click();
  await pair().getByText('stays hidden until you decide').waitFor();
  assert.equal(await pair().getByText(/Very likely|Certain|Possible/).count(), 0);
  await page.keyboard.press('n');
  await page.getByText(/The comparison says/).first().waitFor();
  await within('the pair is gone', 5_000, async () => (await inList().count()) === 0);
  await page.keyboard.press('b');
  await page.getByText('The decision is taken back.').first().waitFor();
  await within('the pair is back', 5_000, () => inList().count());
  await page.getByLabel(/^Blind/).uncheck();
});

test('y links the two, the link is undone, and linked again merged in Twenty', async () => {
  await inList().first().click();
  await pair().getByText(/bits/).first().waitFor();
  await page.keyboard.press('y');
  await page.getByText(/One person: Zoltan/).first().waitFor();
  const links = page.getByRole('region', { name: 'Linked as one person' });
  const mine = () => links.getByRole('listitem').filter({ hasText: LAST }).first();
  await mine().getByRole('button', { name: /Undo/ }).click();
  await page.getByText('The link is undone.').first().waitFor();
  await within('the pair is open again', 15_000, () => inList().count());
  await inList().first().click();
  await pair().getByText(/bits/).first().waitFor();
  await page.keyboard.press('y');
  await mine().getByRole('button', { name: 'Merge in Twenty…' }).click();
  const merges = page.getByRole('region', { name: 'Merges in Twenty' });
  await merges.getByText('waits for your yes').waitFor({ timeout: 60_000 });
  await merges.getByText(/Left would be Zoltan/).waitFor();
  await axe('a merge');
  await merges.getByRole('button', { name: 'Merge now' }).click();
  await within('the merge is done', 90_000, () => merges.getByText(/^\s*done/).count());
  const left = [];
  for (const id of made) left.push((await twenty('GET', `/people/${id}`)).status);
  assert.deepEqual(left.toSorted(), [200, 404], 'one is left');
  // The old id leads on.
  const gone = made[left.indexOf(404)];
  await page.goto(`${URL_}/donors/${gone}`);
  await page.getByRole('heading', { level: 1, name: `Zoltan ${LAST}` }).waitFor();
});

test('nothing was complained about', () => {
  assert.deepEqual(
    complaints.filter((it) => !/404|409/.test(it)),
    [],
  );
});

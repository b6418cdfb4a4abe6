// What was changed here and in Twenty: a conflict from both sides to its decision, a change that is refused, one that
// is taken back, and a record that cannot be read. Somebody else works in the simulated Twenty meanwhile.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const URL_ = process.env.E2E_URL;
const { E2E_TWENTY: TWENTY, E2E_KEY: KEY } = process.env;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const OUT = new URL('./out/', import.meta.url).pathname;
/** No two runs want the same values. */
const RUN = Date.now().toString(36);

let browser;
let context;
let page;
/** People that are in Twenty, with their names. */
let people;
/** What must stay empty through the whole run. */
const complaints = [];

const within = async (what, ms, probe) => {
  const end = Date.now() + ms;
  for (;;) {
    const last = await probe();
    if (last) return last;
    if (Date.now() > end) assert.fail(`${what} did not happen within ${ms} ms`);
    await new Promise((done) => setTimeout(done, 100));
  }
};

const rest = (method, path, body) =>
  fetch(`${TWENTY}/rest${path}`, {
    method,
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
/** The simulated Twenty counts calls as the real one does: whoever is over the limit waits. */
async function twenty(method, path, body) {
  const answer = await within(`an answer of Twenty to ${method} ${path}`, 90_000, async () => {
    const tried = await rest(method, path, body);
    return tried.status === 429 ? null : tried;
  });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
  return (await answer.json()).data;
}
const personThere = async (id) => (await twenty('GET', `/people/${id}`)).person;

/** A call of another caller to Almoner, in the session of the page. */
async function almoner(method, path, body) {
  const { status, text } = await page.evaluate(
    async ([verb, address, json]) => {
      const answer = await fetch(address, {
        method: verb,
        headers: { 'content-type': 'application/json' },
        body: json === null ? undefined : json,
      });
      return { status: answer.status, text: await answer.text() };
    },
    [method, path, body === undefined ? null : JSON.stringify(body)],
  );
  return { status, body: text ? JSON.parse(text) : null };
}

/** Changes a person in Twenty, and here as somebody does who has not seen that. */
async function bothChange(person, there, here) {
  const path = `/api/records/people/${person.id}`;
  const seen = (await almoner('GET', path)).body.data.version;
  await twenty('PATCH', `/people/${person.id}`, there);
  const kept = await almoner('PATCH', path, { fields: here, seen });
  assert.equal(kept.status, 202, JSON.stringify(kept.body));
}

const conflicts = () => page.getByRole('region', { name: 'Changed here and in Twenty' });
const conflictOf = (person) => conflicts().getByRole('form', { name: new RegExp(`^${person.name}`) });
const edits = () => page.getByRole('region', { name: 'Changes on their way to Twenty' }).first();
const editOf = (person) => edits().getByRole('row').filter({ hasText: person.name });
const badNews = () => page.getByRole('alert').filter({ hasText: /\S/ });

async function open() {
  await page.goto(`${URL_}/sync`);
  await page.getByRole('heading', { level: 1, name: 'Sync with Twenty' }).waitFor();
  await page.getByRole('heading', { name: 'What is copied from Twenty' }).waitFor();
  await within('the page loads', 5000, async () => (await page.getByRole('status', { name: 'Loading' }).count()) === 0);
}

async function axe(where) {
  // What arrives while axe looks would be judged half old, half new.
  await page.waitForTimeout(250);
  await page.evaluate(`{ ${AXE} }; undefined`);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const grave = violations
    .filter((it) => ['serious', 'critical'].includes(it.impact))
    .map((it) => `${where}: ${it.id} (${it.impact}) ${it.nodes.map((node) => node.target.join(' ')).join(', ')}`);
  assert.deepEqual(grave, []);
}

/** Presses Tab until the focus is on what is wanted, as somebody without a mouse does. */
async function tabTo(what, wanted) {
  for (let i = 0; i < 80; i += 1) {
    await page.keyboard.press('Tab');
    if (await wanted.evaluate((it) => it === document.activeElement)) return;
  }
  assert.fail(`Tab does not lead to ${what}`);
}

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
  context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    colorScheme: 'light',
    locale: 'en-GB',
    reducedMotion: 'reduce',
    storageState: `${OUT}session.json`,
  });
  context.setDefaultTimeout(10_000);
  page = await context.newPage();
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`${page.url()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.stack}`));
  await open();
  const { body } = await almoner('GET', '/api/records/people?limit=100');
  const names = new Set();
  // Each name once, so that it names its person on the page.
  people = body.data
    .map(({ id, record }) => ({ id, name: `${record.name.firstName} ${record.name.lastName}` }))
    .filter(({ name }) => !/(^ | $)/.test(name) && !names.has(name) && names.add(name));
  assert.ok(people.length >= 6, 'the demo has people enough');
});

after(async () => {
  await browser?.close();
});

test('Sync now says that it has begun, and that nothing went wrong', async () => {
  await page.getByRole('button', { name: 'Sync now' }).click();
  await page.getByRole('status').getByText('Reading from Twenty has started.').waitFor();
  assert.equal(await badNews().count(), 0);
});

test('a record that cannot be read is one more in the list, with its reason', async () => {
  const aside = page.getByRole('region', { name: 'Records that cannot be read' }).first();
  const count = async () => ((await aside.count()) === 0 ? 0 : aside.getByText('no currency that exists').count());
  const known = await count();
  await twenty('POST', '/gifts', { name: 'Odd', amount: { amountMicros: 5_000_000, currencyCode: 'ZZZ' } });
  await page.getByRole('button', { name: 'Sync now' }).click();
  await within('the record being set aside', 60_000, async () => (await count()) === known + 1);
  await aside.getByRole('link', { name: 'Open in Twenty' }).first().waitFor();
});

test('the same field changed here and there appears with both values, who and when', async () => {
  const [person, other] = people;
  await bothChange(
    person,
    { jobTitle: `Chair ${RUN}`, mailingAddress: { addressCity: `Leeds ${RUN}` } },
    { jobTitle: `Treasurer ${RUN}`, 'mailingAddress.addressCity': `Whitby ${RUN}` },
  );
  await bothChange(other, { jobTitle: `Gardener ${RUN}` }, { jobTitle: `Beekeeper ${RUN}` });
  // The page stands open: it comes by itself.
  await conflictOf(person).waitFor({ timeout: 30_000 });
  await conflictOf(other).waitFor({ timeout: 30_000 });
  const job = conflictOf(person).getByRole('group', { name: /^Job title$/i });
  const [ours, theirs] = await Promise.all(['here', 'there'].map((it) => job.locator('label').filter({ has: page.locator(`[value=${it}]`) }).innerText()));
  const me = (await almoner('GET', '/api/session')).body.user.name;
  assert.match(ours, new RegExp(`^Here\\s+Treasurer ${RUN}\\s+${me} · `));
  assert.match(theirs, new RegExp(`^In Twenty\\s+Chair ${RUN}\\s+\\S.* · `));
  assert.equal(await job.locator('time').count(), 2);
  await conflictOf(person).getByRole('group', { name: 'Mailing address · town' }).getByText(`Leeds ${RUN}`).waitFor();
  const link = await conflictOf(person).getByRole('link', { name: 'Open in Twenty' }).getAttribute('href');
  assert.ok(link.endsWith(`/object/person/${person.id}`), link);
});

test('what Twenty refuses stays in the list with its reason', async () => {
  const [, , taken, wanting] = people;
  // Two people cannot have one address there.
  const emails = { primaryEmail: `m-${RUN}@example.org` };
  await twenty('PATCH', `/people/${taken.id}`, { emails });
  const kept = await almoner('PATCH', `/api/records/people/${wanting.id}`, { fields: { emails } });
  assert.equal(kept.status, 202, JSON.stringify(kept.body));
  await editOf(wanting).getByText('Not taken by Twenty').waitFor({ timeout: 30_000 });
  const text = await editOf(wanting).innerText();
  assert.match(text, /duplicate entry/);
  assert.match(text, new RegExp(`Emails\\s+${emails.primaryEmail}`, 'i'));
});

for (const scheme of ['light', 'dark'])
  for (const width of [1280, 390])
    test(`axe finds nothing serious, and nothing is too wide (${scheme}, ${width} px)`, async () => {
      await page.setViewportSize({ width, height: width === 390 ? 844 : 800 });
      await page.emulateMedia({ colorScheme: scheme });
      await open();
      await conflictOf(people[0]).locator('[value=here]').first().check();
      await axe(`sync, ${scheme}, ${width}`);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(over, 0);
      await conflicts().screenshot({ path: `${OUT}conflicts-${scheme}-${width}.png` });
      await edits().screenshot({ path: `${OUT}edits-${scheme}-${width}.png` });
      await page.screenshot({ path: `${OUT}sync-whole-${scheme}-${width}.png`, fullPage: true });
      await editOf(people[3]).getByRole('button', { name: /^Dismiss/ }).click();
      await page.getByRole('dialog').waitFor();
      await axe(`dismiss, ${scheme}, ${width}`);
      await page.screenshot({ path: `${OUT}dismiss-${scheme}-${width}.png` });
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    });

test('who may only read sees both lists and no button to change them', async () => {
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: 'light' });
  await page.route('**/api/session', async (route) => {
    const answer = await route.fetch();
    const session = await answer.json();
    await route.fulfill({ response: answer, json: { ...session, user: { ...session.user, role: 'viewer' }, rights: ['see'] } });
  });
  try {
    await open();
    await conflictOf(people[0]).getByText(`Chair ${RUN}`).waitFor();
    await editOf(people[3]).getByText('duplicate entry').waitFor();
    assert.equal(await conflicts().getByRole('radio').count(), 0);
    assert.equal(await conflicts().getByRole('button').count(), 0);
    assert.equal(await edits().getByRole('button').count(), 0);
    await axe('sync, looking only');
    await page.screenshot({ path: `${OUT}conflicts-looking-1280.png`, fullPage: true });
  } finally {
    await page.unroute('**/api/session');
  }
});

test('a conflict is decided with the keyboard alone, vanishes, and the chosen values stand in Twenty', async () => {
  const [person] = people;
  await open();
  const form = conflictOf(person);
  const group = (name) => form.getByRole('group', { name });
  const decide = form.getByRole('button', { name: `Decide: ${person.name}` });

  // Nothing is decided by a silent default.
  await page.getByRole('heading', { level: 1 }).focus();
  await tabTo('the button', decide);
  await page.keyboard.press('Enter');
  await form.getByRole('alert').getByText('Choose a value first.').waitFor();
  assert.equal(await form.locator('input:checked').count(), 0);

  const job = group(/^Job title$/i);
  assert.ok(await job.locator('[value=here]').evaluate((it) => it === document.activeElement), 'the focus is on the first choice');
  await page.keyboard.press('Space');
  assert.ok(await job.locator('[value=here]').isChecked());
  await form.getByText('1 of 2 chosen. The rest waits on.').waitFor();
  const city = group('Mailing address · town');
  await tabTo('the next choice', city.locator('[value=here]'));
  await page.keyboard.press('ArrowDown');
  assert.ok(await city.locator('[value=there]').isChecked());
  await tabTo('the button', decide);
  await page.keyboard.press('Enter');

  await page.getByRole('status').getByText(`${person.name}: decided.`).waitFor();
  await form.waitFor({ state: 'detached' });
  await conflictOf(people[1]).waitFor();
  await page.waitForFunction(() => document.activeElement?.matches('h2#conflicts'));
  const now = await within('the chosen value in Twenty', 60_000, async () => {
    const it = await personThere(person.id);
    return it.jobTitle === `Treasurer ${RUN}` ? it : null;
  });
  assert.equal(now.mailingAddress.addressCity, `Leeds ${RUN}`);
});

test('a conflict that somebody else decided meanwhile says so, and the list is read again', async () => {
  const [, other] = people;
  const form = conflictOf(other);
  await form.locator('[value=here]').check();
  await page.route('**/api/sync/conflicts/*', async (route) => {
    // Somebody is faster, by as little as can be.
    const first = await route.fetch({ postData: JSON.stringify({ choose: 'there' }) });
    assert.equal(first.status(), 204);
    await route.continue();
  });
  await form.getByRole('button', { name: `Decide: ${other.name}` }).click();
  await badNews().getByText(`${other.name}: this changed while you were deciding`).waitFor();
  await form.waitFor({ state: 'detached' });
  assert.equal(await conflicts().count(), 0);
  await page.waitForFunction(() => document.activeElement?.matches('h1'));
  await page.unroute('**/api/sync/conflicts/*');
  assert.equal((await personThere(other.id)).jobTitle, `Gardener ${RUN}`, 'the first decision stands');
  // The browser itself writes every refused request to the console; this one was wanted.
  for (let i = complaints.length - 1; i >= 0; i -= 1) if (/404/.test(complaints[i])) complaints.splice(i, 1);
});

test('what was refused is dismissed', async () => {
  const [, , , wanting] = people;
  await editOf(wanting).getByRole('button', { name: `Dismiss: ${wanting.name}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Dismiss' }).click();
  await page.getByRole('status').getByText(`${wanting.name}: dismissed.`).waitFor();
  await editOf(wanting).waitFor({ state: 'detached' });
});

test('a change that waits for Twenty is taken back and never arrives', async () => {
  const person = people[4];
  const was = (await personThere(person.id)).jobTitle;
  // Somebody else uses up what Twenty allows, for as long as it takes.
  let greedy = true;
  let turnedAway = false;
  const hog = (async () => {
    while (greedy) {
      const answers = await Promise.all(Array.from({ length: 25 }, () => rest('GET', '/people?limit=1')));
      turnedAway ||= answers.some(({ status }) => status === 429);
    }
  })();
  try {
    await within('the limit', 20_000, () => turnedAway);
    const path = `/api/records/people/${person.id}`;
    const kept = await almoner('PATCH', path, { fields: { jobTitle: `Never ${RUN}` } });
    assert.equal(kept.status, 202, JSON.stringify(kept.body));
    const row = editOf(person);
    await row.getByText('Waiting').waitFor();
    assert.match(await row.innerText(), new RegExp(`Job title\\s+Never ${RUN}`, 'i'));
    await page.screenshot({ path: `${OUT}edit-waiting-1280.png`, fullPage: true });
    await row.getByRole('button', { name: `Take back: ${person.name}` }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
    await page.getByRole('status').getByText(`${person.name}: taken back.`).waitFor();
    await row.waitFor({ state: 'detached' });
  } finally {
    greedy = false;
    await hog;
  }
  assert.equal((await almoner('GET', '/api/sync/edits')).body.meta.total, 0);
  assert.equal((await personThere(person.id)).jobTitle, was);
});

test('the console stayed silent', () => {
  assert.deepEqual(complaints, []);
});

// Several users: an invitation from the admin's screen to the first page of whoever was invited, with what each may do.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const URL_ = process.env.E2E_URL;
const OUT = new URL('./out/', import.meta.url).pathname;
const PASSWORD = 'correct-horse-battery';
/** What processes the queue, however many gifts are ready. */
const PROCESS = /^Process|^No gift is ready/;
const EMAIL = `rosa-${Date.now().toString(36)}@example.org`;

let browser;
let admin;
/** Whoever is invited, in a browser of their own. */
let rosa;
const complaints = [];

async function fresh(options) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  page.on('console', (message) => {
    // An answer that refuses is told by the browser too; here it is what is tested.
    if (['error', 'warning'].includes(message.type()) && !/status of (40[139]|410)/.test(message.text()))
      complaints.push(`${page.url()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.stack}`));
  return page;
}

const heading = (page, name) => page.getByRole('heading', { level: 1, name });
const row = () => admin.getByRole('row').filter({ hasText: EMAIL });
const link = async () => {
  const field = admin.getByRole('dialog').getByRole('textbox', { name: 'Link' });
  const value = await field.inputValue();
  await admin.getByRole('button', { name: 'I have copied it' }).click();
  await field.waitFor({ state: 'detached' });
  return value;
};

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
  admin = await fresh({ storageState: `${OUT}session.json` });
  rosa = await fresh({ javaScriptEnabled: true });
});

after(async () => {
  await browser?.close();
});

let invitation;

test('an admin invites somebody from the settings and gets a link once', async () => {
  await admin.goto(`${URL_}/settings`);
  await admin.getByRole('link', { name: 'Look after users' }).click();
  await heading(admin, 'Users').waitFor();
  await admin.getByRole('button', { name: 'Invite somebody' }).click();
  const dialog = admin.getByRole('dialog', { name: 'Invite somebody' });
  await dialog.getByRole('button', { name: 'Invite somebody' }).click();
  await dialog.getByText('Write their name.').waitFor();
  await dialog.getByLabel('Name').fill('Rosa Marin');
  await dialog.getByLabel('E-mail').fill(EMAIL);
  await dialog.getByLabel('Role').selectOption('reviewer');
  await dialog.getByText('Reviews gifts and marks them ready; does not process them.').waitFor();
  await dialog.getByRole('button', { name: 'Invite somebody' }).click();
  await admin.getByRole('dialog', { name: 'A link for Rosa Marin' }).waitFor();
  await admin.screenshot({ path: `${OUT}users-link.png` });
  invitation = await link();
  assert.ok(invitation.startsWith(`${URL_}/password?token=`), invitation);
  await row().getByText('Invited').waitFor();
});

test('who was invited chooses a password on a page without scripts, once', async () => {
  const plain = await fresh({ javaScriptEnabled: false });
  await plain.goto(invitation);
  await heading(plain, 'Choose a password').waitFor();
  assert.equal(await plain.getByLabel('E-mail').inputValue(), EMAIL);
  await plain.getByLabel('Password').fill(PASSWORD);
  await Promise.all([plain.waitForURL(`${URL_}/`), plain.getByRole('button', { name: 'Save and sign in' }).click()]);
  await plain.context().close();
  await row().getByText('Active').waitFor();
  await rosa.goto(invitation);
  await heading(rosa, 'This link does not work').waitFor();
});

test('a reviewer sees what a reviewer may do, and nothing else', async () => {
  await rosa.goto(`${URL_}/login`);
  await rosa.getByLabel('E-mail').fill(EMAIL);
  await rosa.getByLabel('Password').fill(PASSWORD);
  await rosa.getByRole('button', { name: 'Sign in' }).click();
  await heading(rosa, 'Home').waitFor();
  const menu = rosa.getByRole('navigation', { name: 'Main' });
  await menu.getByRole('link', { name: 'Batches' }).waitFor();
  assert.equal(await menu.getByRole('link', { name: 'Journal' }).count(), 0);
  assert.equal(await rosa.getByRole('link', { name: 'New gift' }).count(), 0);
  await rosa.goto(`${URL_}/staging?status=all`);
  await rosa.getByRole('grid').getByRole('row').nth(1).waitFor();
  assert.equal(await rosa.getByRole('button', { name: PROCESS }).count(), 0);
  await rosa.getByRole('grid').getByRole('row').nth(1).getByRole('checkbox').check();
  await rosa.getByRole('button', { name: 'Mark ready' }).waitFor();
  assert.equal(await rosa.getByRole('button', { name: 'Put into a batch' }).count(), 0);
  await rosa.goto(`${URL_}/sync`);
  await heading(rosa, 'Sync').waitFor();
  await rosa.getByText('People').first().waitFor();
  assert.equal(await rosa.getByRole('button', { name: /Sync now|Check everything|Pause/ }).count(), 0);
  await rosa.goto(`${URL_}/settings`);
  await rosa.getByText('Reviewer').waitFor();
  assert.equal(await rosa.getByRole('heading', { name: 'API tokens' }).count(), 0);
  assert.equal(await rosa.getByRole('link', { name: 'Look after users' }).count(), 0);
  await rosa.goto(`${URL_}/settings/users`);
  await rosa.getByText('Your account may not look after users.').waitFor();
});

test('another role shows other buttons at once', async () => {
  await rosa.goto(`${URL_}/staging?status=all`);
  await rosa.getByRole('grid').waitFor();
  await row().getByRole('button', { name: 'Change: Rosa Marin' }).click();
  const dialog = admin.getByRole('dialog', { name: 'Change Rosa Marin' });
  await dialog.getByLabel('Role').selectOption('fundraising');
  await dialog.getByLabel('Books').selectOption('some');
  await dialog.getByLabel('Keys of the companies').fill('qbo 1/');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('A key has letters').waitFor();
  await dialog.getByLabel('Keys of the companies').fill('qbo-1, qbo-2');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await row().getByText('Fundraising').waitFor();
  await row().getByText('qbo-1, qbo-2').waitFor();
  await rosa.getByRole('button', { name: PROCESS }).waitFor();
  await rosa.getByRole('link', { name: 'New gift' }).first().waitFor();
});

test('the last admin stays one, and is told why', async () => {
  const own = admin.getByRole('row').filter({ hasText: '(you)' });
  await own.getByRole('button', { name: /^Switch off/ }).click();
  await admin.getByRole('dialog').getByRole('button', { name: 'Switch off' }).click();
  await admin.getByText('This is the last admin who can sign in.').first().waitFor();
  await admin.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
});

test('who is reset or switched off is out at once', async () => {
  await row().getByRole('button', { name: 'New link: Rosa Marin' }).click();
  await admin.getByRole('dialog').getByRole('button', { name: 'New link' }).click();
  await admin.getByRole('dialog', { name: 'A link for Rosa Marin' }).waitFor();
  const again = await link();
  await rosa.waitForURL(/\/login\?next=/);
  await rosa.goto(again);
  await rosa.getByLabel('Password').fill(`${PASSWORD}-2`);
  await rosa.getByRole('button', { name: 'Save and sign in' }).click();
  await heading(rosa, 'Home').waitFor();
  await row().getByRole('button', { name: 'Switch off: Rosa Marin' }).click();
  await admin.getByRole('dialog').getByRole('button', { name: 'Switch off' }).click();
  await row().getByText('Switched off').waitFor();
  await rosa.waitForURL(/\/login\?next=/);
  await rosa.getByLabel('E-mail').fill(EMAIL);
  await rosa.getByLabel('Password').fill(`${PASSWORD}-2`);
  await rosa.getByRole('button', { name: 'Sign in' }).click();
  await rosa.getByText('Your account is switched off. Ask an admin to switch it on again.').waitFor();
  await row().getByRole('button', { name: 'Switch on: Rosa Marin' }).click();
  await row().getByText('Active').waitFor();
});

test('the consoles stayed silent', () => {
  assert.deepEqual(complaints, []);
});

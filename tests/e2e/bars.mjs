// Timings of the desk in Chromium over 10,000 staged rows: `make bench`. A bare page of the same browser is timed beside it.
//
//   ALMONER_BIN=target/release/almoner node bars.mjs
import { spawn } from 'node:child_process';
import { loadavg } from 'node:os';
import { resolve } from 'node:path';
import { chromium } from 'playwright-core';

const ROWS = Number(process.env.ROWS ?? 10_000);
const appliance = spawn(resolve(process.env.ALMONER_BIN), ['demo', '--port', '0', '--seed', '7', '--quiet'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const { url, login } = await new Promise((done) => {
  let text = '';
  appliance.stdout.on('data', (part) => {
    text += part;
    const at = /Almoner is at (http:\/\/127\.0\.0\.1:\d+)\//.exec(text)?.[1];
    const link = /http:\/\/127\.0\.0\.1:\d+\/login\/once\?token=[\w.~-]+/.exec(text)?.[0];
    if (at && link) done({ url: at, login: link });
  });
});
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
});
const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB' });
context.setDefaultTimeout(60_000);
const page = await context.newPage();
await page.goto(login);
await page.getByRole('heading', { level: 1 }).waitFor();
const cookie = (await context.cookies()).map((it) => `${it.name}=${it.value}`).join('; ');

const take = (n) =>
  fetch(`${url}/api/fundraising/gift-staging`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie, origin: url },
    body: JSON.stringify({
      amount: { amountMicros: ((n * 7919) % 500) * 1_000_000 + 1_000_000, currencyCode: 'GBP' },
      donorFirstName: ['Ida', 'Ben', 'Esi', 'Kofi'][n % 4],
      donorLastName: `Row${n}`,
      giftDate: `2026-${String((n % 10) + 1).padStart(2, '0')}-15`,
      paymentMethod: 'CARD',
    }),
  });
let next = 0;
await Promise.all(
  Array.from({ length: 64 }, async () => {
    while (next < ROWS) {
      const answer = await take((next += 1));
      if (!answer.ok) throw new Error(await answer.text());
    }
  }),
);

const middle = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const ms = (n) => `${n.toFixed(1)} ms`;
const lines = [];
const tell = (what, bar, values) => lines.push(`| ${what} | ${bar} | ${ms(middle(values))} | ${ms(Math.max(...values))} |`);
/** Runs `act` in the page and resolves with the milliseconds until `seen` first holds after a frame. */
const untilSeen = (act, seen) =>
  page.evaluate(
    async ([act, seen]) => {
      const holds = new Function(`return (${seen})`)();
      const before = document.querySelector('tr[data-row]')?.dataset.row ?? '';
      const began = performance.now();
      new Function(`(${act})()`)();
      for (;;) {
        await new Promise((done) => requestAnimationFrame(done));
        if (holds(before)) return performance.now() - began;
        if (performance.now() - began > 30_000) throw new Error('it was never seen');
      }
    },
    [String(act), String(seen)],
  );

// The first rows, from the click on the navigation; and of a page that is loaded anew.
const opened = [];
const loaded = [];
for (let n = 0; n < 5; n += 1) {
  await page.goto(`${url}/`);
  await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor();
  opened.push(
    await untilSeen(
      () => document.querySelector('nav a[href="/staging"]').click(),
      () => document.querySelectorAll('tr[data-row]').length > 5,
    ),
  );
  await page.goto(`${url}/staging?status=all`);
  await page.locator('tr[data-row]').nth(5).waitFor();
  loaded.push(await page.evaluate(() => performance.getEntriesByType('paint').at(-1).startTime));
}
tell('first rows, from the click', '< 300', opened);
lines.push(`| first paint of the page loaded anew | | ${ms(middle(loaded))} | ${ms(Math.max(...loaded))} |`);

const changed = (before) => {
  const now = document.querySelector('tr[data-row]')?.dataset.row ?? '';
  return now !== '' && now !== before;
};
const sorted = [];
for (let n = 0; n < 5; n += 1)
  sorted.push(await untilSeen(() => document.querySelector('th.amount button').click(), changed));
tell('sort by a column', '< 150', sorted);
const filtered = [];
for (const pill of ['status=processed', 'status=all', 'status=ready_for_process', 'status=all']) {
  const act = `() => [...document.querySelectorAll('.pills a')].find((it) => it.href.includes('${pill}')).click()`;
  filtered.push(
    await page.evaluate(async (act) => {
      const began = performance.now();
      const grid = () => document.querySelector('.card')?.innerText.slice(0, 300);
      const before = grid();
      new Function(`(${act})()`)();
      for (;;) {
        await new Promise((done) => requestAnimationFrame(done));
        if (grid() !== before && !document.querySelector('[aria-busy=true]')) return performance.now() - began;
        if (performance.now() - began > 10_000) return Number.NaN;
      }
    }, act),
  );
}
tell('filter by status', '< 150', filtered);

// Scrolling through everything: the longest time that the page did not answer.
await page.goto(`${url}/staging?status=all`);
await page.locator('tr[data-row]').nth(5).waitFor();
const longest = await page.evaluate(async () => {
  let most = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) most = Math.max(most, entry.duration);
  }).observe({ type: 'longtask' });
  const end = document.documentElement.scrollHeight;
  for (let at = 0; at < end; at += 2_400) {
    window.scrollTo(0, at);
    await new Promise((done) => requestAnimationFrame(done));
  }
  await new Promise((done) => setTimeout(done, 300));
  return most;
});
lines.push(`| scrolling through all, longest block (0: none of 50) | <= 50 | ${ms(longest)} | ${ms(longest)} |`);

// Script of one key, as the browser accounts for it.
const cdp = await context.newCDPSession(page);
await cdp.send('Performance.enable');
const script = async () =>
  (await cdp.send('Performance.getMetrics')).metrics.find((it) => it.name === 'ScriptDuration').value * 1000;
async function keys(prepare, pressed, count) {
  await prepare();
  const values = [];
  for (let n = 0; n < count; n += 1) {
    const before = await script();
    await page.keyboard.press(pressed(n));
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0))));
    values.push((await script()) - before);
  }
  return values;
}
const inGrid = async () => {
  await page.goto(`${url}/staging?status=all`);
  await page.locator('tr[data-row]').nth(5).waitFor();
  await page.locator('tr[data-row]').first().focus();
};
tell('a key in the grid', '< 16', await keys(inGrid, () => 'ArrowDown', 60));
const inForm = async () => {
  await page.goto(`${url}/staging/new`);
  await page.waitForFunction(() => document.activeElement?.matches('input.amount'));
};
tell('a key in the form', '< 16', await keys(inForm, (n) => String(n % 10), 30));

// From the POST of somebody else to the row on this screen.
await page.goto(`${url}/staging?status=all`);
await page.locator('tr[data-row]').nth(5).waitFor();
const seen = [];
for (let n = 0; n < 9; n += 1) {
  const shown = page.evaluate(
    (name) =>
      new Promise((done) => {
        const look = () => document.querySelector('tbody').innerText.includes(name) && done(Date.now());
        new MutationObserver(look).observe(document.querySelector('tbody'), {
          childList: true,
          subtree: true,
          characterData: true,
        });
      }),
    `Row${ROWS + 100 + n}`,
  );
  await page.evaluate(() => 0);
  const began = Date.now();
  await take(ROWS + 100 + n);
  seen.push((await shown) - began);
}
tell('from POST to visible on another screen', '< 250', seen);

// The yardstick: a key in a bare page of this browser.
const bare = await context.newPage();
await bare.setContent('<input autofocus>');
await bare.focus('input');
const bareCdp = await context.newCDPSession(bare);
await bareCdp.send('Performance.enable');
const bareKeys = [];
for (let n = 0; n < 30; n += 1) {
  const began = performance.now();
  await bare.keyboard.press('1');
  bareKeys.push(performance.now() - began);
}
lines.push(`| a key in a bare page, there and back | | ${ms(middle(bareKeys))} | ${ms(Math.max(...bareKeys))} |`);

console.log(`load average: ${loadavg().map((it) => it.toFixed(2)).join(' ')}`);
console.log(`| ${ROWS} staged rows, Chromium | bar, ms | median | most |\n| --- | --- | --- | --- |`);
console.log(lines.join('\n'));
await browser.close();
appliance.kill('SIGTERM');

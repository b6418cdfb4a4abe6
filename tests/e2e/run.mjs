// Drives the real binary (or, while there is none, the mock) in Chromium, as a person would.
//
//   ALMONER_BIN=target/debug/almoner node run.mjs    starts `almoner demo --port 0 --seed 7` and tests that
//   ALMONER_URL=http://127.0.0.1:4173 node run.mjs   tests what runs there already (ALMONER_LOGIN: its login link)
//   node run.mjs                                     starts ui/dev/mock.mjs and tests that
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
mkdirSync(`${here}out`, { recursive: true });

/** Starts the appliance and resolves with its two addresses as soon as it has printed both. */
function start(command, args) {
  const begun = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ready = new Promise((done, fail) => {
    let text = '';
    const timer = setTimeout(() => fail(new Error(`not ready after 60 s; it said:\n${text}`)), 60_000);
    child.on('error', fail);
    child.on('exit', (code) => fail(new Error(`it ended with ${code} before it was ready; it said:\n${text}`)));
    child.stdout.on('data', (part) => {
      text += part;
      const url = /Almoner is at (http:\/\/127\.0\.0\.1:\d+)\//.exec(text)?.[1];
      const twenty = /The simulated Twenty is at (\S+); its API key: (\S+)/.exec(text);
      const login = /http:\/\/127\.0\.0\.1:\d+\/login\/once\?token=[\w.~-]+/.exec(text)?.[0];
      if (!url || !login || (bin && !twenty)) return;
      clearTimeout(timer);
      child.stdout.removeAllListeners('data').resume();
      child.removeAllListeners('exit');
      console.log(`# ready after ${Math.round(performance.now() - begun)} ms: ${url}/`);
      done({ url, login, twenty: twenty?.[1], key: twenty?.[2] });
    });
  });
  return { child, ready };
}

let child = null;
let at;
const { ALMONER_BIN: bin, ALMONER_URL: url } = process.env;
if (bin) {
  const appliance = start(resolve(bin), ['demo', '--port', '0', '--seed', '7']);
  child = appliance.child;
  at = await appliance.ready;
} else if (url) {
  const base = url.replace(/\/$/, '');
  at = { url: base, login: process.env.ALMONER_LOGIN ?? `${base}/login/once?demo` };
} else {
  const mock = start(process.execPath, [`${here}../../ui/dev/mock.mjs`, '0']);
  child = mock.child;
  at = await mock.ready;
}

// What needs a Twenty to change things in is asked of the real binary, with the session the first file leaves. One
// process a file: given several, the runner puts them into an order of its own.
const files = ['thread.test.mjs', ...(bin ? ['users.test.mjs', 'sync.test.mjs', 'desk.test.mjs', 'queue.test.mjs', 'keyboard.test.mjs', 'duplicates.test.mjs', 'books.test.mjs', 'money.test.mjs', 'axe.test.mjs'] : [])];
let code = 0;
for (const file of files) {
  const test = spawn(process.execPath, ['--test', '--test-reporter=spec', here + file], {
    stdio: 'inherit',
    env: { ...process.env, E2E_URL: at.url, E2E_LOGIN: at.login, E2E_TWENTY: at.twenty ?? '', E2E_KEY: at.key ?? '' },
  });
  // Waited for whatever the files before it came to: the appliance must outlive all of them.
  const ended = await new Promise((done) => test.on('exit', (it) => done(it ?? 1)));
  code ||= ended;
}
if (child) {
  const ended = new Promise((done) => child.on('exit', done));
  child.kill('SIGTERM');
  await Promise.race([ended, new Promise((done) => setTimeout(done, 5000).unref())]);
  child.kill('SIGKILL');
}
process.exit(code);

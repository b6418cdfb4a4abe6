import adapter from '@sveltejs/adapter-static';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

// The two inline blocks of app.html (theme before first paint) are not known to SvelteKit: hash them here,
// so that the policy needs no 'unsafe-inline'.
const page = readFileSync(new URL('./src/app.html', import.meta.url), 'utf8');
const hash = (/** @type {string} */ tag) => {
  const text = new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(page)?.[1];
  if (text === undefined) throw new Error(`app.html has no <${tag}>`);
  return /** @type {const} */ (`sha256-${createHash('sha256').update(text).digest('base64')}`);
};

/** @type {import('@sveltejs/kit').Config} */
export default {
  compilerOptions: { runes: true },
  kit: {
    adapter: adapter({ fallback: 'index.html', precompress: true, strict: false }),
    csp: {
      mode: 'hash',
      directives: {
        'default-src': ['none'],
        'script-src': ['self', hash('script')],
        'style-src': ['self', hash('style')],
        // The one style attribute is that of SvelteKit's own route announcer.
        'style-src-attr': ['unsafe-hashes', 'sha256-S8qMpvofolR8Mpjy4kQvEm7m1q8clzU4dfDH0AmvZjo='],
        'img-src': ['self', 'data:'],
        'font-src': ['self'],
        'connect-src': ['self'],
        'manifest-src': ['self'],
        'form-action': ['self'],
        'base-uri': ['none'],
        'object-src': ['none'],
      },
    },
    version: { pollInterval: 0 },
  },
};

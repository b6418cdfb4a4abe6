import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [sveltekit()],
  build: {
    target: ['chrome123', 'firefox121', 'safari17.5'],
    cssTarget: ['chrome123', 'firefox121', 'safari17.5'],
  },
  server: { proxy: { '/api': 'http://127.0.0.1:4173', '/login': 'http://127.0.0.1:4173' } },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});

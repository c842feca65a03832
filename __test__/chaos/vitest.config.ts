import { defineConfig } from 'vitest/config';

/** `npm run chaos`: see scripts/chaos.mjs. Cells count what they do in a time of their own, so one runs after the other. */
export default defineConfig({
  test: {
    include: ['__test__/chaos/*.chaos.ts'],
    root: new URL('../..', import.meta.url).pathname,
    maxWorkers: 1,
    pool: 'forks',
    hookTimeout: 120_000,
    server: { deps: { external: [/\/dist\//, /\/index\.js$/, /\.node$/, /\/__test__\/fixtures\//] } },
  },
});

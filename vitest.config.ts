import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['__test__/**/*.test.ts'],
    // Each file starts servers of its own: files run side by side, but not more of them than a small machine can take.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // The package is loaded as users load it, not through vite.
    server: { deps: { external: [/\/dist\//, /\/index\.js$/, /\.node$/] } },
  },
});

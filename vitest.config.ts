import { configDefaults, defineConfig } from 'vitest/config';

const contract = '__test__/contract/**/*.test.ts';
const faults = ['__test__/topology/reconnect.test.ts', '__test__/topology/sentinel*.test.ts'];

/** One way of driving a connection, with the suites that have to hold on it. `null` chooses as users get it. */
function lane(name: 'loop' | 'runtime' | null, include: string[], exclude: string[] = []) {
  return {
    extends: true as const,
    test: {
      name: name ?? 'default',
      include,
      exclude: [...configDefaults.exclude, ...exclude],
      ...(name && { env: { FERRODIS_LANE: name } }),
    },
  };
}

/** What holds in a cluster too. The others speak to a single server, count its commands, or have flows across queues. */
const clustered = 'dashboard,dedup,events,fetch,leases,listing,maintenance,metrics,order,search,update';
const cluster = {
  extends: true as const,
  test: {
    name: 'cluster',
    include: [`__test__/contract/conveyor/{${clustered}}.test.ts`],
    env: { FERRODIS_TOPOLOGY: 'cluster' },
  },
};

export default defineConfig({
  test: {
    // Each file starts servers of its own: files run side by side, but not more of them than a small machine can take.
    maxWorkers: 2,
    // A process of its own for each file: the addon reads its environment once.
    pool: 'forks',
    // No bound that a test is about: machines may be slow, shared, and halted for a while.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 15_000 } },
    // The package, and projects that use it, are loaded as users load them, not through vite.
    server: { deps: { external: [/\/dist\//, /\/index\.js$/, /\.node$/, /\/__test__\/fixtures\//] } },
    projects: [
      lane('loop', [contract]),
      lane('runtime', [contract, ...faults]),
      lane(null, ['__test__/**/*.test.ts'], [contract]),
      cluster,
    ],
  },
});

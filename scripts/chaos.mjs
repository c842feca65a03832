/**
 * `npm run chaos -- [--world NAME] [--only TEXT] [--seed N] [--soak MINUTES]`: the fault matrix. Every fault of a world (one
 * server, Sentinel, Cluster) under the load of every ecosystem, and after each the invariants. `--only` takes what is in the
 * name of a cell ("ayepi · replies"). `--soak` breaks everything under all loads at once, in each world for so long.
 */
import { parseArgs } from 'node:util';
import { prepareFixtures } from './lib/fixtures.mjs';
import { CommandFailed, main, run, tool } from './lib/shell.mjs';
import { prepare } from './lib/setup.mjs';
import { ensureServer } from './lib/server.mjs';

main(async () => {
  const text = { type: /** @type {const} */ ('string') };
  const { values } = parseArgs({ options: { world: text, only: text, seed: text, soak: text } });
  const { world, only, seed, soak } = values;
  for (const [name, value] of Object.entries({ seed, soak })) {
    if (value !== undefined && !(Number(value) > 0)) throw new CommandFailed(`--${name}`, 'needs a number above 0');
  }
  await prepare();
  await prepareFixtures();
  await ensureServer();
  const names = [...(world ? [`chaos/${world}.`] : []), ...(only ? ['-t', only] : [])];
  const env = {
    ...(seed && { FERRODIS_SEED: seed }),
    ...(soak && { CHAOS_SOAK_MS: String(Number(soak) * 60_000) }),
  };
  await run(tool('vitest'), ['run', '--config', '__test__/chaos/vitest.config.ts', ...names], { env });
});

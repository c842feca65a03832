/** `npm run demo -- [folder]`: everything from a fresh clone up to the running demo. */
import { join } from 'node:path';
import { main, root, run } from './lib/shell.mjs';
import { prepare } from './lib/setup.mjs';
import { ensureServer } from './lib/server.mjs';

main(async () => {
  await prepare();
  await ensureServer();
  // Ctrl-C reaches the demo itself, which then cleans up: wait for it.
  process.on('SIGINT', () => {});
  await run(process.execPath, [join(root, 'demo', 'main.mjs'), ...process.argv.slice(2)], { cwd: process.cwd() });
});

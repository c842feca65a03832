/** Runs every program in `examples/`, each of which starts its own server and ends by itself. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { main, root, run } from '../lib/shell.mjs';

main(async () => {
  const programs = readdirSync(join(root, 'examples'), { recursive: true }).filter((file) => file.endsWith('.mjs'));
  for (const program of programs) {
    console.log(`examples/${program}`);
    await run(process.execPath, [join('examples', program)]);
  }
});

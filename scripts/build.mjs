/** `npm run build`: the addon as users get it, and `dist/`. */
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { main, root } from './lib/shell.mjs';
import { addonFile, prepare } from './lib/setup.mjs';

main(async () => {
  // Files of sources that are gone must not reach the package.
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  await prepare('release');
  const size = statSync(join(root, addonFile())).size / 2 ** 20;
  console.log(`built ${addonFile()} (${size.toFixed(1)} MB) and dist/; \`npm pack\` now gives the package`);
});

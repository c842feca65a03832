/** The package as users get it: packed, and installed into an empty project outside the repository. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { npm, npmInstall } from './shell.mjs';

/**
 * Packs what `npm run build` built.
 *
 * @param {string} folder where the tarball goes
 * @returns {Promise<string>} path of the tarball
 */
export async function pack(folder) {
  const packed = await npm(['pack', '--json', '--loglevel=error', '--pack-destination', folder], { capture: true });
  const [, name] = /"filename": "([^"]+)"/.exec(packed);
  return join(folder, name);
}

/**
 * Packs what `npm run build` built, installs it elsewhere, and runs `body` with the folder of that project and the path
 * of the tarball. Removes both afterwards.
 *
 * @template T
 * @param {(consumer: { folder: string, tarball: string }) => Promise<T>} body
 * @returns {Promise<T>}
 */
export async function withConsumer(body) {
  const folder = mkdtempSync(join(tmpdir(), 'ferrodis-consumer-'));
  try {
    const tarball = await pack(folder);
    writeFileSync(join(folder, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }\n');
    await npmInstall([tarball], { cwd: folder, capture: true });
    return await body({ folder, tarball });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * The JavaScript runtimes the clients are measured on: the Node that runs us, Bun and Deno.
 */

import { spawnSync } from 'node:child_process';
import process from 'node:process';

import { installRuntime, runtimes } from '../../scripts/lib/runtimes.mjs';

/** The Node that runs us. */
export const node = { name: 'node', version: process.version, command: process.execPath, args: [] };

/**
 * Bun and Deno, installed from the npm registry if need be.
 *
 * @returns {Promise<Array<{ name: 'bun' | 'deno', version: string, command: string, args: string[] }>>}
 */
export function others() {
  return Promise.all(
    runtimes
      .filter(({ name }) => name === 'bun' || name === 'deno')
      .map(async (runtime) => {
        const command = await installRuntime(runtime);
        const { stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
        return { name: runtime.name, version: /\d+\.\d+\.\d+/.exec(stdout)[0], command, args: runtime.args };
      }),
  );
}

/**
 * The JavaScript runtimes the clients are measured on: the Node that runs us, and Bun and Deno where they are installed.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

/** Where `scripts/` puts the runtimes it installs from the npm registry. */
const TOOLS = new URL('../../.tools/runtimes/node_modules/', import.meta.url);

const OTHERS = {
  bun: { path: '@oven/bun-linux-x64/bin/bun', args: [] },
  deno: { path: '@deno/linux-x64-glibc/deno', args: ['run', '-A', '--node-modules-dir=manual'] },
};

/** @returns {Array<{ name: 'node' | 'bun' | 'deno', version: string, command: string, args: string[] }>} */
export function installedRuntimes() {
  const node = { name: 'node', version: process.version, command: process.execPath, args: [] };
  const others = Object.entries(OTHERS).flatMap(([name, { path, args }]) => {
    const installed = fileURLToPath(new URL(path, TOOLS));
    const command = existsSync(installed) ? installed : name;
    const { status, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
    return status === 0 ? [{ name, version: /\d+\.\d+\.\d+/.exec(stdout)[0], command, args }] : [];
  });
  return [node, ...others];
}

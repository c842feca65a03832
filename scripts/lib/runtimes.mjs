/** The JavaScript runtimes we promise, each from the npm registry, unpacked into `.tools`. Linux only. */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npmInstall, root } from './shell.mjs';

const arm = process.arch === 'arm64';
const node = (version) => ({
  name: `node-${version}`,
  install: `node-linux-${process.arch}@${version}`,
  program: `node_modules/node-linux-${process.arch}/bin/node`,
  args: [],
});

/** What each is called, what npm calls it, where its program lies afterwards, and what goes before a script's name. */
export const runtimes = [
  node(22),
  node(24),
  node(26),
  {
    name: 'bun',
    install: `@oven/bun-linux-${arm ? 'aarch64' : 'x64'}@1.4.5`,
    program: `node_modules/@oven/bun-linux-${arm ? 'aarch64' : 'x64'}/bin/bun`,
    args: [],
  },
  {
    name: 'deno',
    install: `@deno/linux-${process.arch}-glibc@2.9.6`,
    program: `node_modules/@deno/linux-${process.arch}-glibc/deno`,
    args: ['run', '-A'],
  },
];

/** Installs a runtime unless it is there, and resolves with the path of its program. */
export async function installRuntime({ name, install, program }) {
  const folder = join(root, '.tools', name);
  if (existsSync(join(folder, program))) return join(folder, program);
  // Moved into place as a whole: an installation that was interrupted leaves half a program.
  const fresh = `${folder}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  writeFileSync(join(fresh, 'package.json'), '{ "private": true }\n');
  await npmInstall(['--no-save', install], { cwd: fresh });
  rmSync(folder, { recursive: true, force: true });
  renameSync(fresh, folder);
  return join(folder, program);
}

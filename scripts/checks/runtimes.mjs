/** Runs `__test__/runtimes/*.mjs` against the packed package on every runtime we promise. Each comes from npm. */
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { main, npm, root, run } from '../lib/shell.mjs';
import { withConsumer } from '../lib/consumer.mjs';

const arm = process.arch === 'arm64';
const node = (version) => ({
  name: `node-${version}`,
  install: `node-linux-${process.arch}@${version}`,
  program: `node_modules/node-linux-${process.arch}/bin/node`,
  args: [],
});
const runtimes = [
  node(22),
  node(24),
  node(26),
  {
    name: 'bun',
    install: `@oven/bun-linux-${arm ? 'aarch64' : 'x64'}`,
    program: `node_modules/@oven/bun-linux-${arm ? 'aarch64' : 'x64'}/bin/bun`,
    args: [],
  },
  {
    name: 'deno',
    install: `@deno/linux-${process.arch}-glibc`,
    program: `node_modules/@deno/linux-${process.arch}-glibc/deno`,
    args: ['run', '-A'],
  },
];
/** The Node that runs this is a promised one as well. */
const present = { name: `node ${process.versions.node}`, program: process.execPath, args: [] };

/** Longest run of one script, in seconds: one that does not exit by itself has failed. */
const PATIENCE = '60';

async function install({ name, install: spec, program }) {
  const folder = join(root, '.tools', name);
  if (existsSync(join(folder, program))) return join(folder, program);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const quietly = ['--no-save', '--ignore-scripts', '--no-fund', '--no-audit', '--loglevel=error'];
  await npm(['install', ...quietly, spec], { cwd: folder });
  return join(folder, program);
}

main(async () => {
  const scripts = readdirSync(join(root, '__test__', 'runtimes')).filter((file) => file.endsWith('.mjs'));
  const programs = [present];
  if (process.platform === 'linux') {
    for (const runtime of runtimes) programs.push({ ...runtime, program: await install(runtime) });
  } else {
    console.log('other runtimes are installed on Linux only: running on this Node alone');
  }
  await withConsumer(async ({ folder }) => {
    cpSync(join(root, '__test__', 'runtimes'), folder, { recursive: true });
    let passed = 0;
    let failed = 0;
    for (const { name, program, args } of programs) {
      const version = await run(program, ['--version'], { capture: true });
      for (const script of scripts) {
        const label = `${name} (${version.split('\n')[0].replace(/^\D*/, '')}) ${script}`;
        try {
          await run('timeout', [PATIENCE, program, ...args, script], { cwd: folder, capture: true });
          console.log(`  ✓ ${label}`);
          passed++;
        } catch (error) {
          console.log(`  ✗ ${label}: ${error.message}\n${error.output}`);
          failed++;
        }
      }
    }
    console.log(`${passed} passed, ${failed} failed`);
    if (failed > 0) process.exitCode = 1;
  });
});

/** Runs `__test__/runtimes/*.mjs` against the packed package on every runtime we promise. Each comes from npm. */
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { main, npmInstall, root, run } from '../lib/shell.mjs';
import { withConsumer } from '../lib/consumer.mjs';
import { installRuntime, runtimes } from '../lib/runtimes.mjs';

/** The Node that runs this is a promised one as well. */
const present = { name: `node ${process.versions.node}`, program: process.execPath, args: [] };

/** What the programs use beside the package: a client that a user might bring, by the name it has in this project. */
const CLIENT = 'ioredis5';

/** Longest run of one script, in seconds: one that does not exit by itself has failed. */
const PATIENCE = '180';

main(async () => {
  const scripts = readdirSync(join(root, '__test__', 'runtimes')).filter((file) => file.endsWith('.mjs'));
  const programs = [present];
  if (process.platform === 'linux') {
    for (const runtime of runtimes) programs.push({ ...runtime, program: await installRuntime(runtime) });
  } else {
    console.log('other runtimes are installed on Linux only: running on this Node alone');
  }
  await withConsumer(async ({ folder }) => {
    const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    await npmInstall([`${CLIENT}@${devDependencies[CLIENT]}`], { cwd: folder });
    // `@ayepi/core` is on no registry.
    const core = join(root, '__test__', 'fixtures', 'ayepi', 'core');
    cpSync(core, join(folder, 'node_modules', '@ayepi', 'core'), { recursive: true });
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

/** `npm run ready`, and `.ci/run`: every check there is. The last line is `N passed, N failed`. */
import { failureBlocks } from './lib/failures.mjs';
import { main, run, tool } from './lib/shell.mjs';
import { ensureServer } from './lib/server.mjs';
import { buildAddon, buildTypeScript, installDependencies } from './lib/setup.mjs';

const script = (name) => run(process.execPath, [`scripts/${name}`], { capture: 'show' });
const cargo = (...args) => run('cargo', args);
const clippy = (targets, ...flags) =>
  cargo('clippy', '--quiet', '--profile', 'quick', ...targets, '--', '-D', 'warnings', ...flags);

/** In this order: what is quick to fail first, what needs the slow release build last. */
const steps = {
  dependencies: () => installDependencies(),
  format: () => run(process.execPath, ['scripts/format.mjs', '--check']),
  clippy: () => clippy(['--lib']),
  // In a test build napi-derive leaves the exports out, and what only they use looks dead.
  'clippy of tests and benches': () => clippy(['--all-targets'], '-A', 'dead-code'),
  'Rust without N-API': () => cargo('check', '--quiet', '--profile', 'quick', '--no-default-features'),
  'clippy without N-API': () => clippy(['--no-default-features', '--all-targets']),
  addon: () => buildAddon('quick'),
  'generated files are committed': () => run('git', ['diff', '--exit-code', '--', 'index.js', 'index.d.ts']),
  TypeScript: () => buildTypeScript(),
  'types of tests, demo and examples': () => run(tool('tsc'), ['-p', '__test__']),
  oxlint: () => run(tool('oxlint'), ['--deny-warnings']),
  'import rules': () => script('checks/imports.mjs'),
  // Under every interleaving of threads, by loom.
  'the mailbox between threads': () => cargo('test', '--quiet', '--locked', '--manifest-path', 'model/Cargo.toml'),
  'Lua scripts': () => script('checks/lua.mjs'),
  server: () => ensureServer(),
  tests: () => script('test.mjs'),
  'tests on other servers': () => script('checks/servers.mjs'),
  'release build': () => script('build.mjs'),
  package: () => script('checks/package.mjs'),
  'Nuxt application': () => script('checks/nuxt.mjs'),
  runtimes: () => script('checks/runtimes.mjs'),
  examples: () => script('checks/examples.mjs'),
};

/** Tests counted by the steps of a script that counts; undefined for a step that is one check. */
function counts(output) {
  const lines = [...(output ?? '').matchAll(/^(\d+) passed, (\d+) failed$/gm)];
  if (lines.length === 0) return undefined;
  return lines.reduce(([passed, failed], [, p, f]) => [passed + Number(p), failed + Number(f)], [0, 0]);
}

main(async () => {
  let passed = 0;
  let failed = 0;
  const failures = [];
  for (const [name, step] of Object.entries(steps)) {
    console.log(`\n── ${name}`);
    const started = performance.now();
    let error;
    const output = await step().catch((reason) => {
      error = reason;
      return reason.output;
    });
    const [p, f] = counts(output) ?? [error ? 0 : 1, 0];
    passed += p;
    failed += error ? Math.max(f, 1) : f;
    if (error) failures.push(`${name}: ${error.message}`, ...failureBlocks(output));
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${error ? `✗ ${name}: ${error.message}` : `✓ ${name}`} (${seconds} s)`);
  }
  if (failures.length > 0) console.log(`\nFailed:\n${failures.join('\n').replace(/^/gm, '  ')}`);
  console.log(`\n${passed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
});

/**
 * `npm test`: Rust tests, then JavaScript tests. Arguments go to vitest, and then only that runs:
 * `npm test -- contract/conveyor -t "priority"`. The last line is `N passed, N failed`.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { failureBlock } from './lib/failures.mjs';
import { CommandFailed, main, root, run, say, tool } from './lib/shell.mjs';
import { prepareFixtures } from './lib/fixtures.mjs';
import { prepare } from './lib/setup.mjs';
import { ensureServer } from './lib/server.mjs';

/** Runs a suite whose failure still has counts to report. */
async function attempt(work) {
  try {
    return { failed: false, output: await work() };
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    return { failed: true, output: error.output };
  }
}

/** What random tests begin with, in Rust; `__test__/support/seed.ts` is its counterpart. */
const seed = process.env.FERRODIS_SEED ?? '1';

/** Rust: unit tests, property tests and doc tests, in the profile the addon was built with, so little is compiled twice. */
async function rustTests() {
  say('Rust tests');
  const { failed, output } = await attempt(() =>
    run('cargo', ['test', '--profile', 'quick', '--quiet'], { capture: true, env: { PROPTEST_RNG_SEED: seed } }),
  );
  const sum = (pattern) => [...output.matchAll(pattern)].reduce((total, [, count]) => total + Number(count), 0);
  const counts = { passed: sum(/(\d+) passed;/g), failed: sum(/ (\d+) failed;/g) };
  if (failed) {
    console.error(output);
    for (const [, name, error] of output.matchAll(/^---- (\S+) stdout ----\n((?:.+\n)*)/gm)) {
      console.log(failureBlock(name, error));
    }
    counts.failed ||= 1; // it did not compile, or the runner itself broke
  }
  return counts;
}

async function javascriptTests(args) {
  say('JavaScript tests');
  const report = join(root, '.cache', 'vitest.json');
  mkdirSync(join(root, '.cache'), { recursive: true });
  rmSync(report, { force: true });
  const vitest = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...args];
  const { failed } = await attempt(() => run(tool('vitest'), vitest));
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  for (const failure of testResults.flatMap(failuresOf)) console.log(failure);
  // A file that cannot be loaded, or an error outside any test, fails the run without a failed test.
  return { passed: numPassedTests, failed: failed ? Math.max(numFailedTests, 1) : 0 };
}

/** What failed in a file, each in a block that `ready.mjs` finds and repeats at the very end. */
function failuresOf({ name, status, message, assertionResults }) {
  const file = relative(root, name);
  const failed = assertionResults.filter((result) => result.status === 'failed');
  if (failed.length === 0) return status === 'failed' ? [failureBlock(file, message)] : [];
  return failed.map(({ fullName, failureMessages }) =>
    failureBlock(`${file}: ${fullName}`, failureMessages.join('\n')),
  );
}

main(async () => {
  const args = process.argv.slice(2);
  await prepare();
  await prepareFixtures();
  await ensureServer();
  const suites = args.length > 0 ? [] : [await rustTests()];
  suites.push(await javascriptTests(args));
  const total = (key) => suites.reduce((sum, suite) => sum + suite[key], 0);
  console.log(`${total('passed')} passed, ${total('failed')} failed`);
  if (total('failed') > 0) process.exitCode = 1;
});

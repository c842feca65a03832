/** Checks the packed package from outside: every entry by `import` and `require`, its types, the README's quick start. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandFailed, main, npmInstall, root, run, tool } from '../lib/shell.mjs';
import { withConsumer } from '../lib/consumer.mjs';
import { addonFile } from '../lib/setup.mjs';

/** Largest addon we ship, in bytes. */
const LIMIT = 5 * 2 ** 20;

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const entries = Object.keys(manifest.exports)
  .filter((path) => path !== './package.json')
  .map((path) => manifest.name + path.slice(1));

/** Packages that users of an entry have, in the versions we develop with. */
const hosts = Object.keys(manifest.peerDependencies)
  .filter((name) => name in manifest.devDependencies)
  .map((name) => `${name}@${manifest.devDependencies[name]}`);

/** Its types are Nuxt's: checks/nuxt.mjs looks at them in an application. */
const typed = entries.filter((entry) => entry !== 'ferrodis/nvent');

/** They load a host's package first, which only `import` can wait for. */
const awaiting = new Set(['ferrodis', 'ferrodis/pikku']);

/** First TypeScript block of the README. */
function quickStart() {
  const block = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'));
  if (!block) throw new CommandFailed('README.md', 'has no quick start');
  return block[1];
}

const compilerOptions = ['--strict', '--target', 'es2022', '--module', 'nodenext', '--types', 'node'];
const library = 'es2023,esnext.disposable';

main(async () => {
  const { size } = statSync(join(root, addonFile()));
  if (size > LIMIT) throw new CommandFailed(addonFile(), `has ${size} bytes, more than ${LIMIT}`);

  await withConsumer(async ({ folder, tarball }) => {
    const write = (file, lines) => writeFileSync(join(folder, file), lines.join('\n') + '\n');
    const inFolder = { cwd: folder };
    await npmInstall(['--no-save', ...hosts], { ...inFolder, capture: true });

    write('import.mjs', [
      ...entries.map((entry, index) => `import * as entry${index} from '${entry}';`),
      ...entries.map((entry, index) => `if (!Object.keys(entry${index}).length) throw new Error('${entry} is empty');`),
    ]);
    await run(process.execPath, ['import.mjs'], inFolder);
    const required = entries.filter((entry) => !awaiting.has(entry));
    write(
      'require.cjs',
      required.map((entry) => `if (!Object.keys(require('${entry}')).length) throw new Error('${entry} is empty');`),
    );
    await run(process.execPath, ['require.cjs'], inFolder);
    console.log(`${entries.join(', ')}: import works; ${required.join(', ')}: require works`);

    write('quick-start.ts', [quickStart()]);
    const check = async (lib, ...files) => {
      const where = ['--typeRoots', join(root, 'node_modules', '@types'), '--lib', lib];
      await run(tool('tsc'), [...compilerOptions, ...where, ...files], inFolder);
    };
    const exporting = (list) => list.map((entry, index) => `export * as entry${index} from '${entry}';`);
    write('every-entry.ts', exporting(typed.filter((entry) => !awaiting.has(entry))));
    await check(library, 'quick-start.ts', 'every-entry.ts');
    // The types of the hosts that these load speak of browsers too.
    write('with-hosts.ts', exporting([...awaiting]));
    await check(`${library},dom`, 'with-hosts.ts');
    await run(process.execPath, ['quick-start.js'], inFolder);
    console.log('README quick start: compiles and runs');

    await run(tool('publint'), ['run', '--strict', tarball]);
    await run(tool('attw'), ['--profile', 'esm-only', tarball]);
  });
});

/**
 * Projects of users, for tests that need real host packages: each folder of `__test__/fixtures` has a `package.json` and
 * a lock file of its own, and gets a copy of our package beside its hosts, laid out as an installation would be.
 * By hand: `node scripts/lib/fixtures.mjs [name …]`, again after every build.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { main, npmInstall, root, say } from './shell.mjs';
import { addonFile } from './setup.mjs';
import { onChange } from './stamp.mjs';

const home = join('__test__', 'fixtures');

/** Fixtures that `npm test` needs. One with `"onDemand": true` in its manifest is installed by the check that uses it. */
function fixtures() {
  if (!existsSync(join(root, home))) return [];
  return readdirSync(join(root, home)).filter((name) => {
    const manifest = join(root, home, name, 'package.json');
    return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).onDemand !== true;
  });
}

/** Installs what a fixture's lock file names. Its peers may contradict each other: that is what is tested. */
function installHosts(name) {
  const folder = join(home, name);
  const inputs = ['package.json', 'package-lock.json'].map((file) => join(folder, file));
  return onChange({ stamp: join(folder, 'node_modules/.ferrodis-installed'), inputs, outputs: [] }, async () => {
    say(`installing the packages of ${folder}`);
    await npmInstall(['--no-save', '--legacy-peer-deps'], { cwd: join(root, folder) });
    mkdirSync(join(root, folder, 'node_modules'), { recursive: true });
  });
}

/** Puts our package beside the hosts. A real folder: through a link, the hosts would be looked for in our own modules. */
function copyPackage(name) {
  const target = join(root, home, name, 'node_modules', 'ferrodis');
  // Moved into place, because a process may still have the addon of the last copy mapped.
  const fresh = `${target}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  for (const file of ['package.json', 'index.js', 'index.d.ts', addonFile(), 'dist']) {
    cpSync(join(root, file), join(fresh, file), { recursive: true });
  }
  rmSync(target, { recursive: true, force: true });
  renameSync(fresh, target);
}

/**
 * Makes fixtures ready for use. The package must have been built.
 *
 * @param {readonly string[]} [names] all that `npm test` needs by default
 */
export async function prepareFixtures(names = fixtures()) {
  for (const name of names) {
    await installHosts(name);
    copyPackage(name);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.slice(2);
  main(() => prepareFixtures(names.length > 0 ? names : undefined));
}

/** From a fresh clone to something that runs: dependencies, the addon, the TypeScript. Each step is skipped when done. */
import { again, CommandFailed, exists, npm, run, say, tool } from './shell.mjs';
import { onChange } from './stamp.mjs';

/** Installs exactly what the lock file names. */
export const installDependencies = () =>
  onChange(
    {
      stamp: 'node_modules/.ferrodis-installed',
      inputs: ['package-lock.json'],
      outputs: ['node_modules/.bin/napi'],
    },
    async () => {
      say('installing the development dependencies');
      // Not `npm ci`: a lock file made on one platform may lack the optional packages of others, which `ci` refuses.
      await again(() => npm(['install', '--no-save', '--no-fund', '--no-audit', '--loglevel=error']));
    },
  );

/** File name that the addon gets on this platform, as the generated loader expects it. */
export function addonFile() {
  const { platform, arch } = process;
  if (platform === 'darwin') return `ferrodis.darwin-${arch}.node`;
  if (platform === 'win32') return `ferrodis.win32-${arch}-msvc.node`;
  const libc = process.report.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl';
  return `ferrodis.${platform}-${arch}-${libc}.node`;
}

/**
 * Builds the addon and its generated loader and types.
 *
 * @param {'quick' | 'release'} profile `release` is what users get; `quick` compiles several times faster
 */
export const buildAddon = (profile) =>
  onChange(
    {
      stamp: '.cache/addon',
      inputs: ['src', 'lua', 'build.rs', 'Cargo.toml', 'Cargo.lock', 'package.json'],
      outputs: ['index.js', 'index.d.ts', addonFile()],
      salt: profile,
    },
    async () => {
      if (!(await exists('cargo'))) {
        throw new CommandFailed('cargo', 'was not found: install Rust 1.88 or newer (https://rustup.rs)');
      }
      say(`building the addon (profile ${profile}; the first time takes a minute or two)`);
      const args = ['build', '--platform', '--profile', profile, '--esm', '--js', 'index.js', '--dts', 'index.d.ts'];
      await run(tool('napi'), args);
    },
  );

/** Compiles `ts/` to `dist/`. The entries for `require` are compiled first, by looser rules that hold for them alone. */
export const buildTypeScript = () =>
  onChange(
    {
      stamp: '.cache/typescript',
      inputs: ['ts', 'tsconfig.json', 'tsconfig.cjs.json', 'index.d.ts'],
      outputs: ['dist/index.js'],
    },
    async () => {
      say('compiling TypeScript');
      await run(tool('tsc'), ['-p', 'tsconfig.cjs.json']);
      await run(tool('tsc'), ['-p', 'tsconfig.json']);
    },
  );

/** Everything up to a package that can be imported by its name. */
export async function prepare(profile = 'quick') {
  await installDependencies();
  await buildAddon(profile);
  await buildTypeScript();
}

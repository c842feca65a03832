/** Running other programs, and saying what is going on meanwhile. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** Top folder of the repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A program that ended with something else than 0. `output` holds what it printed, if that was captured. */
export class CommandFailed extends Error {
  constructor(command, reason, output = '') {
    super(`${command} ${reason}`);
    this.name = 'CommandFailed';
    this.output = output;
  }
}

/**
 * Runs a program in the repository and waits for it.
 *
 * @param {string} command
 * @param {readonly string[]} [args]
 * @param {{ env?: Record<string, string>, cwd?: string, capture?: boolean | 'show' }} [options] `capture` resolves
 *   with the output (both streams, in order) instead of printing it, or besides with `'show'`.
 * @returns {Promise<string>}
 */
export function run(command, args = [], { env = {}, cwd = root, capture = false } = {}) {
  return new Promise((resolve, reject) => {
    const stdio = capture ? ['ignore', 'pipe', 'pipe'] : 'inherit';
    const child = spawn(command, args, { cwd, stdio, env: { ...process.env, ...env } });
    let output = '';
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      from?.on('data', (chunk) => {
        output += chunk;
        if (capture === 'show') to.write(chunk);
      });
    }
    const shown = [command.replace(root, ''), ...args].join(' ');
    child.on('error', (error) => reject(new CommandFailed(shown, `could not be started: ${error.message}`)));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new CommandFailed(shown, signal ? `was ended by ${signal}` : `ended with code ${code}`, output));
    });
  });
}

/** Path of a program that a development dependency brings. */
export const tool = (name) => join(root, 'node_modules', '.bin', name);

/** Runs the npm that runs us, or the one on `PATH`. */
export function npm(args, options) {
  const own = process.env.npm_execpath;
  return own ? run(process.execPath, [own, ...args], options) : run('npm', args, options);
}

/** Pauses in ms before a download is tried again. */
const PAUSES = [5_000, 20_000, 60_000];

/**
 * The result of what needs a download, tried again when it fails: a registry may be slow for a while, or hang up.
 *
 * @template T
 * @param {() => Promise<T>} work done wholly or, if it failed, from its beginning
 * @param {readonly number[]} [pauses]
 * @returns {Promise<T>}
 */
export async function again(work, pauses = PAUSES) {
  for (const pause of pauses) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      say(`${error.message}: once more in ${pause / 1000} s${error.output && `\n${error.output.trimEnd()}`}`);
      await sleep(pause);
    }
  }
  return work();
}

/** What npm is told whenever it installs: it runs nobody's scripts, and prints errors alone. */
const QUIETLY = ['--ignore-scripts', '--no-fund', '--no-audit', '--loglevel=error'];

/** Installs with npm. Arguments are further flags, or names of packages. */
export const npmInstall = (args, options) => again(() => npm(['install', ...QUIETLY, ...args], options));

/** Installs packages of Debian, where we may; the programs alone, without starting any service. */
export async function aptInstall(...names) {
  if (process.getuid?.() !== 0 || !(await exists('apt-get'))) return;
  say(`installing ${names.join(', ')} from Debian`);
  // RUNLEVEL=1 keeps a package from starting its service.
  const options = { capture: true, env: { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' } };
  // Somebody else may be installing something.
  const patiently = ['-qq', '-o', 'DPkg::Lock::Timeout=300'];
  await again(async () => {
    await run('apt-get', ['update', ...patiently], options);
    await run('apt-get', ['install', '-y', ...patiently, '--no-install-recommends', ...names], options);
  });
}

/** Whether a program can be started at all. */
export const exists = (command, args = ['--version']) =>
  run(command, args, { capture: true }).then(
    () => true,
    () => false,
  );

/** Prints one line about what comes next. */
export const say = (text) => console.log(`▸ ${text}`);

/** Runs the main function of a command; a failure is printed without a stack and ends the process with 1. */
export function main(body) {
  body().catch((error) => {
    if (error.output) console.error(error.output.trimEnd());
    console.error(`✗ ${error instanceof CommandFailed ? error.message : (error.stack ?? error)}`);
    process.exitCode = 1;
  });
}

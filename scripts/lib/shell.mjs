/** Running other programs, and saying what is going on meanwhile. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
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

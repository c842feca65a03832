/**
 * A contestant in its own process, asked one thing at a time over its standard streams.
 *
 * Lines that begin with {@link MARK} are the protocol; anything else the child prints goes to our standard error.
 * Plain lines rather than Node's IPC channel, because Node, Bun and Deno all speak them.
 */

import { spawn } from 'node:child_process';
import process from 'node:process';
import { createInterface } from 'node:readline';

import { pinned } from './cpu.js';

const MARK = '@';

/** The parent's side. */
export class Child {
  #process;
  #waiting;
  #ended;
  #endReason;

  /**
   * Starts the process and waits until it is ready to be asked.
   *
   * @param {string} label what error messages call it
   * @param {string} command the runtime
   * @param {string[]} args its arguments
   * @param {string | undefined} cores cores to pin it to
   */
  static async start(label, command, args, cores) {
    const child = new Child(label, ...pinned(cores, command, args));
    try {
      await child.#answer();
    } catch (error) {
      child.#process.kill();
      throw error;
    }
    return child;
  }

  constructor(label, command, args) {
    this.#process = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#ended = new Promise((resolve) => {
      const end = (reason) => {
        this.#endReason = new Error(reason);
        this.#waiting?.reject(this.#endReason);
        resolve();
      };
      this.#process.once('error', (error) => end(`${label} could not be started: ${error.message}`));
      this.#process.once('exit', (code, signal) => end(`${label} ended unexpectedly (${signal ?? code})`));
    });
    createInterface(this.#process.stdout).on('line', (line) => {
      if (!line.startsWith(MARK)) {
        process.stderr.write(`[${label}] ${line}\n`);
        return;
      }
      const { result, error } = JSON.parse(line.slice(MARK.length));
      if (error === undefined) this.#waiting?.resolve(result);
      else this.#waiting?.reject(new Error(`${label}: ${error}`));
    });
  }

  #answer() {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      if (this.#endReason !== undefined) reject(this.#endReason);
    });
  }

  /** Asks the child to do `task` and resolves with its result. One question at a time. */
  ask(task, ...args) {
    const answer = this.#answer();
    this.#process.stdin.write(`${JSON.stringify({ task, args })}\n`);
    return answer;
  }

  /** Ends the process. */
  async stop() {
    this.#waiting = undefined;
    this.#process.kill();
    await this.#ended;
  }
}

/**
 * The child's side: carries out the tasks it is asked for, until it is ended.
 *
 * @param {Record<string, (...args: unknown[]) => unknown>} tasks
 */
export function serve(tasks) {
  const send = (message) => process.stdout.write(`${MARK}${JSON.stringify(message)}\n`);
  createInterface(process.stdin).on('line', async (line) => {
    const { task, args } = JSON.parse(line);
    try {
      send({ result: (await tasks[task](...args)) ?? null });
    } catch (error) {
      send({ error: error?.stack ?? String(error) });
    }
  });
  send({ result: 'ready' });
}

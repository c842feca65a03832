/** The conductor process, seen from the parent: one after the other, never two. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('conductor.mjs', import.meta.url));

/** @typedef {{ runId: string, input: import('./workflow.mjs').Input }} Run */

export class Relay {
  #url;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #conductor;
  /** @type {Promise<void>} */
  #finished = Promise.resolve();

  /** @param {string} url */
  constructor(url) {
    this.#url = url;
  }

  /**
   * Starts a conductor.
   *
   * @param {string | undefined} interrupted run to go on with
   * @param {import('./workflow.mjs').Input} input of a new run
   * @returns {Promise<Run>} the run that it works on
   */
  async start(interrupted, input) {
    const conductor = fork(PROGRAM, [this.#url, interrupted ?? '', JSON.stringify(input)]);
    this.#conductor = conductor;
    this.#finished = orderlyEnd(conductor);
    this.#finished.catch(() => {}); // whoever waits for it hears; nobody has to
    const [run] = await Promise.race([once(conductor, 'message'), this.#finished.then(() => [undefined])]);
    if (run === undefined) throw new Error('the conductor had no run to work on');
    return run;
  }

  /** Resolves when the run is over; rejects when its conductor ended before. */
  get finished() {
    return this.#finished;
  }

  /** Ends the conductor with SIGKILL, wherever it stands. */
  async kill() {
    const conductor = this.#conductor;
    if (conductor === undefined || conductor.exitCode !== null || conductor.signalCode !== null) return;
    const exit = once(conductor, 'exit');
    conductor.kill('SIGKILL');
    await exit;
  }
}

/** @param {import('node:child_process').ChildProcess} conductor */
async function orderlyEnd(conductor) {
  const [code, signal] = await once(conductor, 'exit');
  if (code !== 0) throw new Error(`the conductor ended unexpectedly (${signal ?? code})`);
}

/** The worker processes, seen from the parent. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { QUEUE } from './queue.mjs';

const PROGRAM = fileURLToPath(new URL('worker.mjs', import.meta.url));
/** How long a worker may take to finish what it holds when told to stop, in milliseconds. */
const STOP_PATIENCE = 3_000;
/** How long after a worker was stopped everything it had sent has arrived, in milliseconds. */
const SETTLE = 50;

export class Crew {
  /** @type {Map<string, import('node:child_process').ChildProcess>} */
  #workers = new Map();
  #dismissed = false;
  /** @type {(error: Error) => void} */
  #fail = () => {};
  /** Rejects when a worker ends that nobody told to. */
  lost = /** @type {Promise<never>} */ (new Promise((_, reject) => (this.#fail = reject)));

  /**
   * @param {string} url
   * @param {string} runId
   * @param {number} size
   */
  constructor(url, runId, size) {
    this.lost.catch(() => {}); // whoever waits for it hears; nobody has to
    for (let number = 1; number <= size; number++) {
      const name = `worker-${number}`;
      const worker = fork(PROGRAM, [url, runId, name]);
      this.#workers.set(name, worker);
      worker.on('exit', (code, signal) => {
        const expected = this.#dismissed || !this.#workers.delete(name);
        if (!expected) this.#fail(new Error(`${name} ended unexpectedly (${signal ?? code})`));
      });
    }
  }

  /**
   * Kills one worker with SIGKILL while it holds jobs. It is stopped first, so that what it holds can be looked at.
   *
   * @param {import('ferrodis/conveyor').RedisStore} store
   * @returns {Promise<{ name: string, held: string[] } | undefined>} its name, and the ids of the jobs it can no longer
   *   finish; undefined if the queue was empty before a worker with jobs was found
   */
  async killOne(store) {
    for (;;) {
      const { waiting, active } = await store.getJobCounts(QUEUE);
      if (waiting + active === 0) return undefined;
      for (const [name, worker] of this.#workers) {
        worker.kill('SIGSTOP');
        await sleep(SETTLE);
        const jobs = await store.listJobs(QUEUE, 'active', 0, 10_000);
        const held = jobs.filter((job) => job.lockedBy === name).map((job) => job.id);
        if (held.length === 0) {
          worker.kill('SIGCONT');
          continue;
        }
        this.#workers.delete(name);
        worker.kill('SIGKILL');
        return { name, held };
      }
    }
  }

  /** Tells all workers to stop, and kills those that do not. */
  async dismiss() {
    this.#dismissed = true;
    const ended = [...this.#workers.values()].map(async (worker) => {
      if (worker.exitCode !== null || worker.signalCode !== null) return;
      const exit = new Promise((resolve) => worker.once('exit', resolve));
      if (worker.connected) worker.disconnect();
      const killer = setTimeout(() => worker.kill('SIGKILL'), STOP_PATIENCE);
      await exit;
      clearTimeout(killer);
    });
    await Promise.all(ended);
  }
}

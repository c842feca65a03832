/**
 * Pikku's job queue and scheduler on BullMQ.
 *
 * `@pikku/queue-bullmq` itself is not used: the only version on the registry wants a newer `@pikku/core`, and adds its
 * jobs on `localhost:6379` whatever it is told.
 */
import { LATEST, Packages } from './packages.mjs';

const SLEEPS = 'delayed-calls';

/** Short times, so that the jobs of a killed worker come back within two seconds. */
const WORKER = { lockDuration: 1000, stalledInterval: 500, maxStalledCount: 5, drainDelay: 1 };

/**
 * @param {number} port of the server that holds the jobs
 * @param {boolean} works whether this process is to work on them
 * @returns {Promise<import('./application.mjs').JobQueue>}
 */
export async function openQueue(port, works) {
  const { Queue, Worker } = await new Packages(LATEST).import('bullmq');
  const connection = { host: '127.0.0.1', port };
  /** @type {Map<string, any>} */
  const queues = new Map();
  /** @type {any[]} */
  const workers = [];
  const named = (/** @type {string} */ name) => {
    let queue = queues.get(name);
    if (queue === undefined) {
      queue = new Queue(name, { connection });
      queues.set(name, queue);
    }
    return queue;
  };
  const work = (/** @type {string} */ name, /** @type {(job: any) => Promise<unknown>} */ run) => {
    const worker = new Worker(name, run, { connection, concurrency: 4, ...WORKER });
    worker.on('error', () => {}); // a server that goes away at the end of a test
    workers.push(worker);
  };

  return {
    service: {
      supportsResults: false,
      async add(/** @type {string} */ name, /** @type {unknown} */ data, /** @type {any} */ options = {}) {
        const { attempts, delay, jobId } = options;
        const backoff = typeof options.backoff === 'string' ? { type: options.backoff, delay: 20 } : options.backoff;
        const job = await named(name).add(name, data, { attempts, delay, jobId, backoff });
        return job.id;
      },
    },

    scheduler: {
      async scheduleRPC(/** @type {number} */ delay, /** @type {string} */ rpcName, /** @type {unknown} */ data) {
        const job = await named(SLEEPS).add(rpcName, data, { delay });
        return job.id;
      },
    },

    ...(works && {
      work(names, run, wake) {
        for (const name of names) work(name, (job) => run(name, job));
        work(SLEEPS, (job) => wake(job.name, job.data));
      },
    }),

    async close() {
      await Promise.all(workers.map((each) => each.close()));
      await Promise.all([...queues.values()].map((queue) => queue.close()));
    },
  };
}

/**
 * Which workloads are measured, at which sizes, and how each run is prepared and checked.
 */

import * as checks from './checks.js';
import { filledId, fillForeignKeys, fillJobs, tagOf } from './fill.js';

/**
 * One line of the result.
 *
 * @typedef {object} Entry
 * @property {string} id
 * @property {string} label
 * @property {string} workload name in workloads.js
 * @property {number} rounds counted runs of each contestant, after one that is not counted
 * @property {object} options what the workload is given
 * @property {string[]} [stores] contestants, all of them by default
 * @property {string} [queue] shared by all runs; by default each run has its own
 * @property {boolean} [scriptTime] also take the server's own statistics of script calls
 * @property {(admin: object, queue: string) => Promise<object | void>} [prepare] before each run; may add to the options
 * @property {(admin: object, queue: string, evidence: object) => Promise<void> | void} check after each run
 * @property {(evidence: object) => [string, object]} [after] a further, unmeasured workload before the check
 */

/** Entries that share what the server is filled with; the server is emptied before each group. */
/** @typedef {{ fill?: (admin: object) => Promise<void>, entries: Entry[] }} Group */

const count = (number) => (number >= 1e6 ? `${number / 1e6}M` : number >= 1e3 ? `${number / 1e3}k` : `${number}`);

function saving(rounds, factor) {
  const entry = (inFlight, calls) => ({
    id: `saveJob-${inFlight}`,
    label: `saveJob, ${inFlight} in flight`,
    workload: 'saveJob',
    rounds,
    options: { count: Math.round(calls * factor), inFlight },
    check: checks.saved,
  });
  return { entries: [entry(1, 1500), entry(50, 5000)] };
}

function bulkSaving(rounds) {
  return {
    entries: [
      {
        id: 'saveBulk-1000',
        label: 'saveBulk of 1000 (per job)',
        workload: 'saveBulk',
        rounds,
        options: { count: 5, size: 1000 },
        check: checks.saved,
      },
    ],
  };
}

function updating(rounds, factor) {
  const jobs = 200;
  const ids = Array.from({ length: jobs }, (_, i) => filledId(i));
  const entry = (inFlight, calls) => ({
    id: `updateJob-${inFlight}`,
    label: `updateJob, ${inFlight} in flight`,
    workload: 'updateJob',
    rounds,
    queue: 'updated',
    options: { count: Math.round(calls * factor), inFlight, ids },
    check: checks.updated,
  });
  return {
    fill: (admin) => fillJobs(admin, 'updated', 'waiting', 0, jobs),
    entries: [entry(1, 1500), entry(50, 5000)],
  };
}

/** Fetching from one queue that is filled up to `depth` again before every run. */
function fetching(depth, rounds, calls, orders = ['fifo', 'lifo']) {
  const queue = `depth-${depth}`;
  let total = 0;
  const fillUp = async (admin) => {
    const missing = depth - (await admin.lLen(`${tagOf(queue)}:waiting`));
    await fillJobs(admin, queue, 'waiting', total, missing);
    total += missing;
  };
  const common = {
    rounds,
    queue,
    prepare: fillUp,
    check: (admin, name, evidence) => checks.executed(admin, name, evidence, total),
  };
  const entries = orders.flatMap((order) => {
    const lifo = order === 'lifo';
    const title = `depth ${count(depth)}, ${order.toUpperCase()}`;
    return [
      {
        id: `fetchAndComplete-${count(depth)}-${order}`,
        label: `fetch + complete, ${title}`,
        workload: 'fetchAndComplete',
        options: { count: calls, inFlight: 10, lifo },
        ...common,
      },
      {
        id: `fetchOnly-${count(depth)}-${order}`,
        label: `fetch alone, ${title}`,
        workload: 'fetchOnly',
        options: { count: Math.ceil(calls / 2), lifo },
        scriptTime: true,
        after: ({ ids }) => ['complete', { ids }],
        ...common,
      },
    ];
  });
  return { fill: fillUp, entries };
}

function listing(rounds, foreignKeys) {
  const names = ['listed-a', 'listed-b', 'listed-c'];
  const jobsEach = 300;
  return {
    async fill(admin) {
      for (const name of names) await fillJobs(admin, name, 'waiting', 0, jobsEach);
      await fillForeignKeys(admin, foreignKeys);
    },
    entries: [
      {
        id: `listQueues-${count(foreignKeys)}`,
        label: `listQueues, 3 queues, ${count(foreignKeys)} foreign keys`,
        workload: 'listQueues',
        rounds,
        queue: names[0],
        options: { forMs: 100 },
        check: (_admin, _queue, evidence) => checks.listed(evidence, names, jobsEach),
      },
    ],
  };
}

function maintenance(jobs, rounds, { stores, drain = true } = {}) {
  const entry = (workload, state, check) => ({
    id: `${workload}-${count(jobs)}`,
    label: `${workload} of ${count(jobs)} (per job)`,
    workload,
    rounds,
    stores,
    options: { count: jobs },
    prepare: (admin, queue) => fillJobs(admin, queue, state, 0, jobs),
    check: (admin, queue) => check(admin, queue, jobs),
  });
  return {
    entries: [
      entry('clean', 'completed', checks.emptied),
      ...(drain ? [entry('drain', 'waiting', checks.emptied)] : []),
      entry('retryJobs', 'failed', checks.retried),
    ],
  };
}

/**
 * Everything, on the loopback interface.
 *
 * @param {'quick' | 'full'} size
 * @returns {Group[]}
 */
export function onLoopback(size) {
  if (size === 'quick') {
    return [
      saving(3, 0.5),
      bulkSaving(3),
      updating(3, 0.5),
      fetching(1e3, 3, 300),
      fetching(1e5, 2, 40),
      listing(2, 1e5),
      maintenance(1e3, 2),
    ];
  }
  return [
    saving(15, 1),
    bulkSaving(15),
    updating(15, 1),
    fetching(1e3, 15, 300),
    fetching(1e5, 8, 150),
    fetching(1e6, 5, 40),
    listing(5, 1e6),
    maintenance(1e4, 5),
    // The faster of the originals only, as its runs take ten seconds each; its drain, quadratic in the jobs, takes 80.
    maintenance(1e5, 3, { stores: ['original-untimed', 'ferrodis'], drain: false }),
  ];
}

/**
 * The calls of a producer and of a worker, with the network's delay between client and server.
 *
 * @param {'quick' | 'full'} size
 * @returns {Group[]}
 */
export function withDelay(size) {
  const [rounds, factor] = size === 'quick' ? [2, 0.1] : [8, 0.2];
  return [saving(rounds, factor), updating(rounds, factor), fetching(1e3, rounds, 200, ['fifo'])];
}

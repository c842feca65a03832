/**
 * What a store is asked to do. Each function prepares outside the measured time and returns the measured part,
 * which resolves with the number of operations done and the evidence that the parent checks against the server.
 */

import { newJob } from './stores.js';

/** A payload as an application would have it, about 200 bytes as JSON. */
const DATA = {
  to: 'somebody@example.com',
  subject: 'Welcome',
  template: 'welcome-2',
  variables: { name: 'Ada', plan: 'team' },
  note: 'x'.repeat(64),
};

const LOCK_MS = 30_000;

/** Runs `perform` `count` times, `inFlight` at any time. */
async function inParallel(count, inFlight, perform) {
  let begun = 0;
  const worker = async () => {
    while (begun < count) await perform(begun++);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

const email = (queue) => newJob(queue, { name: 'send-email', data: DATA });

function saveJob(store, queue, { count, inFlight }) {
  const jobs = Array.from({ length: count }, () => email(queue));
  return async () => {
    const ids = Array.from({ length: count });
    await inParallel(count, inFlight, async (i) => {
      ids[i] = await store.saveJob(queue, jobs[i]);
    });
    return { operations: count, evidence: { ids } };
  };
}

/** Counted per job, not per call. */
function saveBulk(store, queue, { count, size }) {
  const batches = Array.from({ length: count }, () => Array.from({ length: size }, () => email(queue)));
  return async () => {
    const ids = [];
    for (const batch of batches) ids.push(...(await store.saveBulk(queue, batch)));
    return { operations: count * size, evidence: { ids } };
  };
}

/** What a worker writes when a job is done. */
const done = () => ({
  state: 'completed',
  returnvalue: { delivered: true },
  completedAt: new Date(),
  attemptLogs: [],
  lockUntil: null,
  lockedBy: null,
});

async function fetch(store, queue, lifo) {
  const job = await store.fetchNextJob(queue, 'worker-bench', LOCK_MS, { lifo });
  if (job === null) throw new Error('no job was waiting');
  return job.id;
}

function fetchAndComplete(store, queue, { count, inFlight, lifo }) {
  return async () => {
    const ids = Array.from({ length: count });
    await inParallel(count, inFlight, async (i) => {
      ids[i] = await fetch(store, queue, lifo);
      await store.updateJob(queue, ids[i], done());
    });
    return { operations: count, evidence: { ids } };
  };
}

/** Fetching alone, to tell how long it keeps the server busy. */
function fetchOnly(store, queue, { count, lifo }) {
  return async () => {
    const ids = [];
    for (let i = 0; i < count; i++) ids.push(await fetch(store, queue, lifo));
    return { operations: count, evidence: { ids } };
  };
}

/** Completes what {@link fetchOnly} took. */
function complete(store, queue, { ids }) {
  return async () => {
    for (const id of ids) await store.updateJob(queue, id, done());
    return { operations: ids.length, evidence: {} };
  };
}

/** Updates the progress of jobs in turn; there are more jobs than calls in flight. */
function updateJob(store, queue, { count, inFlight, ids }) {
  return async () => {
    const progress = {};
    await inParallel(count, inFlight, async (i) => {
      const id = ids[i % ids.length];
      progress[id] = i % 101;
      await store.updateJob(queue, id, { progress: progress[id] });
    });
    return { operations: count, evidence: { progress } };
  };
}

/** Calls until `forMs` have passed, at least once: the contestants differ by orders of magnitude here. */
function listQueues(store, _queue, { forMs }) {
  return async () => {
    const end = performance.now() + forMs;
    let operations = 0;
    let queues;
    do {
      queues = await store.listQueues();
      operations++;
    } while (performance.now() < end);
    return { operations, evidence: { queues } };
  };
}

// The three below are one call each, counted per job.

function clean(store, queue, { count }) {
  return async () => ({ operations: count, evidence: { result: await store.clean(queue, 'completed', 0) } });
}

function drain(store, queue, { count }) {
  return async () => {
    await store.drain(queue);
    return { operations: count, evidence: {} };
  };
}

function retryJobs(store, queue, { count }) {
  return async () => ({ operations: count, evidence: { result: await store.retryJobs(queue, 'failed') } });
}

export const WORKLOADS = {
  saveJob,
  saveBulk,
  fetchAndComplete,
  fetchOnly,
  complete,
  updateJob,
  listQueues,
  clean,
  drain,
  retryJobs,
};

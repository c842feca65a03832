/**
 * The run as a Pikku workflow: scan the folder, have every file hashed through the job queue, sum up. Each finished
 * step is remembered in Redis, so whoever takes a run over after a crash goes on at the step that was not finished.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { addWorkflow } from '@pikku/core/workflow';
import { pikkuState, setSingletonServices } from '@pikku/core/ecosystem';
import { RedisWorkflowService } from 'ferrodis/pikku';
import { filesBelow } from './files.mjs';
import { Log } from './log.mjs';
import { eachJob, jobFor, LEASE, openStore, QUEUE } from './queue.mjs';

/** What all keys of workflows begin with. */
export const WORKFLOW_KEYS = 'ferrodis-demo:workflows';
/** Name under which the workflow is known. */
export const WORKFLOW = 'hashFolder';
/** Jobs saved by one call. */
const BATCH = 500;
/** Pause between two looks for jobs whose time has come or whose worker is gone, in milliseconds. */
const SWEEP = 100;
/** How long the lock of a run outlives a conductor that was killed, in milliseconds. */
const LOCK = 2_000;

/**
 * @typedef {{ folder: string, late: string, startedAt: number }} Input what a run is about; `late` is one file more
 * @typedef {{ jobs: number, bytes: number }} Share what one worker did
 * @typedef {{ files: number, bytes: number, completed: number, failed: number, shares: Record<string, Share> }} Summary
 */

/** @param {string} url */
export function openWorkflows(url) {
  const silent = () => {};
  setSingletonServices(
    /** @type {any} */ ({ logger: { debug: silent, info: silent, warn: silent, error: console.error }, config: {} }),
  );
  return new RedisWorkflowService(url, WORKFLOW_KEYS, {
    wireQueues: false,
    lockTTL: LOCK,
    runLockWait: 10 * LOCK,
  });
}

/**
 * Tells Pikku about the workflow. Its command line generates such descriptions for larger projects.
 *
 * @param {string} url
 */
export function defineWorkflow(url) {
  pikkuState(null, 'workflows', 'meta')[WORKFLOW] = /** @type {any} */ ({
    name: WORKFLOW,
    pikkuFuncId: WORKFLOW,
    source: 'dsl',
    graphHash: '1',
    steps: [],
  });
  pikkuState(null, 'function', 'meta')[WORKFLOW] = /** @type {any} */ ({ pikkuFuncId: WORKFLOW, sessionless: true });
  addWorkflow(
    WORKFLOW,
    /** @type {any} */ ({
      /** @param {unknown} _services @param {Input} input @param {{ workflow: any }} wire */
      func: async (_services, input, { workflow }) => {
        const paths = await workflow.do('scan', async () => [...(await filesBelow(input.folder)), input.late]);
        await workflow.do('hash', () => hashAll(url, workflow.runId, paths, input.startedAt));
        return workflow.do('summarise', () => summarise(url));
      },
    }),
  );
}

/**
 * Queues one job per file and waits until all are done. Safe to be called again for the same run: a job that was queued
 * is left as it is.
 *
 * @param {string} url
 * @param {string} runId
 * @param {readonly string[]} paths
 * @param {number} startedAt
 */
async function hashAll(url, runId, paths, startedAt) {
  const store = await openStore(url);
  const log = new Log(url, runId);
  try {
    if ((await log.counters())['run queued'] === undefined) await log.begin();
    for (let from = 0; from < paths.length; from += BATCH) {
      const batch = paths.slice(from, from + BATCH);
      await store.saveBulk(
        QUEUE,
        batch.map((path, index) => jobFor(path, from + index, startedAt)),
      );
    }
    await log.write({ type: 'run.queued', data: { jobs: paths.length } });
    for (;;) {
      const { waiting, delayed, active } = await store.getJobCounts(QUEUE);
      if (waiting + delayed + active === 0) return;
      await store.promoteDelayedJobs(QUEUE, Date.now());
      await recoverStalled(store, log);
      await sleep(SWEEP);
    }
  } finally {
    await log.close();
    await store.disconnect();
  }
}

/**
 * Gives jobs whose lease ran out back to the queue. Their worker is gone: it would have extended the lease.
 *
 * @param {import('ferrodis/conveyor').RedisStore} store
 * @param {import('./log.mjs').Log} log
 */
async function recoverStalled(store, log) {
  for (const job of await store.getStalledJobs(QUEUE, LEASE)) {
    const updates = { state: /** @type {const} */ ('waiting'), lockUntil: null, lockedBy: null };
    await store.updateJob(QUEUE, job.id, updates, { expectedState: 'active' });
    await log.write({ type: 'job.recovered', stepId: job.id });
  }
}

/**
 * @param {string} url
 * @returns {Promise<Summary>}
 */
async function summarise(url) {
  const store = await openStore(url);
  try {
    /** @type {Summary} */
    const summary = { files: 0, bytes: 0, completed: 0, failed: 0, shares: {} };
    for await (const { returnvalue } of eachJob(store, 'completed')) {
      const { bytes, worker } = /** @type {import('./queue.mjs').FileResult} */ (returnvalue);
      const share = (summary.shares[worker] ??= { jobs: 0, bytes: 0 });
      share.jobs++;
      share.bytes += bytes;
      summary.bytes += bytes;
      summary.completed++;
    }
    summary.failed = await store.countJobs(QUEUE, 'failed');
    summary.files = summary.completed + summary.failed;
    return summary;
  } finally {
    await store.disconnect();
  }
}

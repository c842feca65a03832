/**
 * A worker process: leases jobs, hashes their files, completes them. It ends when its parent says so, or is gone.
 * Started by crew.mjs with the server's URL, the id of the run and its own name.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis5';
import { Log } from './log.mjs';
import { openNews } from './news.mjs';
import { ATTEMPTS, BACKOFF, hashFile, LEASE, openStore, QUEUE } from './queue.mjs';

const [url = '', runId = '', name = ''] = process.argv.slice(2);
/** Jobs in work at once. */
const CONCURRENCY = 16;
/** Pause when there is nothing to do, in milliseconds. */
const IDLE = 20;

const stop = new AbortController();
process.on('disconnect', () => stop.abort());
process.on('SIGINT', () => {}); // Ctrl-C reaches the whole group; the parent decides.

const store = await openStore(url);
const redis = new Redis(url);
const news = openNews(redis);
const log = new Log(url, runId);
/** Ids of the jobs this worker holds. @type {Set<string>} */
const held = new Set();
const renewal = setInterval(() => {
  for (const id of held) void store.extendLock(QUEUE, id, LEASE).catch(report);
}, LEASE / 3);

await Promise.all(Array.from({ length: CONCURRENCY }, workLoop));
clearInterval(renewal);
await Promise.all([store.disconnect(), log.close()]);
redis.disconnect();

async function workLoop() {
  while (!stop.signal.aborted) {
    const job = await store.fetchNextJob(QUEUE, name, LEASE).catch(report);
    if (!job) {
      await sleep(IDLE);
      continue;
    }
    held.add(job.id);
    await work(job).catch(report);
    held.delete(job.id);
  }
}

/** @param {import('ferrodis/conveyor').JobData} job */
async function work(job) {
  const { path } = /** @type {import('./queue.mjs').FileJob} */ (job.data);
  const released = { lockUntil: null, lockedBy: null };
  /** Only the state we leased it in: a job taken from us meanwhile is not ours to finish. */
  const mine = { expectedState: /** @type {const} */ ('active') };
  let result;
  try {
    result = { ...(await hashFile(path)), worker: name };
  } catch (error) {
    const attemptsMade = job.attemptsMade + 1;
    const failedReason = error instanceof Error ? error.message : String(error);
    if (attemptsMade < ATTEMPTS) {
      const delayUntil = new Date(Date.now() + BACKOFF);
      const updates = { state: /** @type {const} */ ('delayed'), attemptsMade, failedReason, delayUntil, ...released };
      await store.updateJob(QUEUE, job.id, updates, mine);
      await tell({ type: 'delayed', jobId: job.id, path });
    } else {
      const updates = { state: /** @type {const} */ ('failed'), attemptsMade, failedReason, failedAt: new Date() };
      await store.updateJob(QUEUE, job.id, { ...updates, ...released }, mine);
      await tell({ type: 'failed', jobId: job.id, path });
    }
    return;
  }
  const updates = { state: /** @type {const} */ ('completed'), returnvalue: result, failedReason: null, progress: 100 };
  await store.updateJob(QUEUE, job.id, { ...updates, completedAt: new Date(), ...released }, mine);
  await tell({ type: 'completed', jobId: job.id, path, bytes: result.bytes });
}

/**
 * Writes what happened to the log, and lets every process that listens know.
 *
 * @param {import('./news.mjs').News} what
 */
async function tell(what) {
  const { type, jobId, ...data } = what;
  await Promise.all([log.write({ type: `job.${type}`, stepId: jobId, data }), news.tell(what)]);
}

/** @param {unknown} error */
function report(error) {
  if (!stop.signal.aborted) console.error(`${name}:`, error);
  return null;
}

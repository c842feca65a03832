/** Checking the outcome against a straight pass over the same files by one process, without any queue. */
import { hashFile, openStore, QUEUE } from './queue.mjs';

/** Jobs read by one call. */
const PAGE = 1_000;

/**
 * @typedef {{ jobs: number, bytes: number }} Share what one worker did
 * @typedef {{ bytes: number, completed: number, failed: string[], shares: Map<string, Share>, problems: string[] }} Verdict
 */

/**
 * @param {import('ferrodis/conveyor').RedisStore} store
 * @param {'completed' | 'failed'} state
 */
async function allJobs(store, state) {
  const jobs = [];
  for (;;) {
    const page = await store.listJobs(QUEUE, state, jobs.length, jobs.length + PAGE);
    jobs.push(...page);
    if (page.length < PAGE) return jobs;
  }
}

/**
 * Reads every job back and compares its digest with one computed here and now.
 *
 * @param {string} url
 * @param {import('./run.mjs').Outcome} outcome
 * @param {AbortSignal} signal ends the check early
 * @returns {Promise<Verdict>} `problems` is empty if and only if all is well
 */
export async function verify(url, { paths, completions, late, retries, orphaned, recovered }, signal) {
  const store = await openStore(url);
  /** @type {string[]} */
  const problems = [];
  /** @type {Map<string, Share>} */
  const shares = new Map();
  const completed = new Map();
  for (const job of await allJobs(store, 'completed')) {
    if (completed.has(job.id)) problems.push(`${job.id} is listed as completed twice`);
    const result = /** @type {import('./queue.mjs').FileResult} */ (job.returnvalue);
    completed.set(job.id, result);
    const share = shares.get(result.worker) ?? { jobs: 0, bytes: 0 };
    shares.set(result.worker, { jobs: share.jobs + 1, bytes: share.bytes + result.bytes });
  }
  const failed = new Set((await allJobs(store, 'failed')).map((job) => job.id));
  await store.disconnect();

  let bytes = 0;
  for (const [id, path] of paths) {
    signal.throwIfAborted();
    const expected = await hashFile(path).catch(() => undefined);
    const result = completed.get(id);
    bytes += expected?.bytes ?? 0;
    if (result?.digest !== expected?.digest) problems.push(`${path}: digests differ`);
    if (expected ? failed.has(id) : !failed.has(id)) problems.push(`${path}: in the wrong state`);
    if ((completions.get(id) ?? 0) > 1) problems.push(`${path}: completed more than once`);
  }
  if (completed.size + failed.size !== paths.size) {
    problems.push(`${paths.size} jobs were queued, but ${completed.size} completed and ${failed.size} failed`);
  }
  if (retries === 0) problems.push(`${late}: never tried again`);
  const forgotten = [...orphaned].filter((id) => !recovered.has(id));
  if (forgotten.length > 0) problems.push(`${forgotten.length} jobs of the killed worker were not recovered`);
  const failedPaths = [...failed].map((id) => paths.get(id) ?? id);
  return { bytes, completed: completed.size, failed: failedPaths, shares, problems };
}

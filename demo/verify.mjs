/** Checking the outcome against a straight pass over the same files by one process, without any queue. */
import { eachJob, hashFile, openStore } from './queue.mjs';

/**
 * @typedef {object} Verdict
 * @property {number} retries
 * @property {Set<string>} recovered ids of the jobs that were taken from dead workers and given to others
 * @property {string[]} failed paths that could not be read
 * @property {string[]} problems empty if and only if all is well
 */

/**
 * Compares the digest of every file with one computed here and now, and the workflow's summary with both.
 *
 * @param {string} url
 * @param {readonly string[]} files
 * @param {string} late file that the first attempt cannot have found
 * @param {import('./run.mjs').Outcome} outcome
 * @param {import('./workflow.mjs').Summary} summary
 * @param {import('./log.mjs').Log} log
 * @param {AbortSignal} signal ends the check early
 * @returns {Promise<Verdict>}
 */
export async function verify(url, files, late, { orphaned }, summary, log, signal) {
  const store = await openStore(url);
  /** @type {string[]} */
  const problems = [];
  /** @type {Map<string, { id: string, digest: string | undefined }>} by path; without a digest, the job failed */
  const jobs = new Map();
  for (const state of /** @type {const} */ (['completed', 'failed'])) {
    for await (const { id, data, returnvalue } of eachJob(store, state)) {
      const { path } = /** @type {import('./queue.mjs').FileJob} */ (data);
      if (jobs.has(path)) problems.push(`${path}: there are two jobs for it`);
      const result = /** @type {import('./queue.mjs').FileResult | null} */ (returnvalue);
      jobs.set(path, { id, digest: state === 'completed' ? result?.digest : undefined });
    }
  }
  await store.disconnect();

  /** @type {Map<string, number>} */
  const completions = new Map();
  const recovered = new Set();
  let retries = 0;
  for (const { type, stepId = '' } of await log.read()) {
    if (type === 'job.completed') completions.set(stepId, (completions.get(stepId) ?? 0) + 1);
    if (type === 'job.recovered') recovered.add(stepId);
    if (type === 'job.delayed') retries++;
  }

  const failed = [];
  let bytes = 0;
  for (const path of files) {
    signal.throwIfAborted();
    const expected = await hashFile(path).catch(() => undefined);
    const job = jobs.get(path);
    if (job === undefined) problems.push(`${path}: there is no job for it`);
    else if (job.digest !== expected?.digest) problems.push(`${path}: digests differ`);
    if ((completions.get(job?.id ?? '') ?? 0) > 1) problems.push(`${path}: completed more than once`);
    bytes += expected?.bytes ?? 0;
    if (expected === undefined) failed.push(path);
  }
  if (jobs.size !== files.length) problems.push(`${files.length} files, but ${jobs.size} jobs`);
  if (summary.files !== files.length || summary.failed !== failed.length || summary.bytes !== bytes) {
    problems.push('the summary of the workflow says something else');
  }
  if (!completions.has(jobs.get(late)?.id ?? '') || retries === 0) problems.push(`${late}: never tried again`);
  const forgotten = [...orphaned].filter((id) => !recovered.has(id));
  if (forgotten.length > 0) problems.push(`${forgotten.length} jobs of the killed worker were not recovered`);
  return { retries, recovered, failed, problems };
}

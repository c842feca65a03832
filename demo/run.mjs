/** The job itself: everything queued, worked off by several processes, one of which is killed on the way. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Crew } from './crew.mjs';
import { Progress } from './progress.mjs';
import { LEASE, newJob, openStore, QUEUE } from './queue.mjs';

/** Jobs saved by one call. */
const BATCH = 500;
/** Pause between two looks for jobs whose time has come or whose worker is gone, in milliseconds. */
const SWEEP = 100;

/**
 * @typedef {object} Outcome
 * @property {Map<string, string>} paths every job's id and file
 * @property {number} savingSeconds
 * @property {number} workingSeconds
 * @property {number} retries
 * @property {string} late file that the first attempt cannot have found
 * @property {string} killed name of the worker that was killed
 * @property {Set<string>} orphaned ids of the jobs it held
 * @property {Set<string>} recovered ids of the jobs that were given to others
 * @property {Map<string, number>} completions how often each job was reported as completed
 */

/**
 * @param {object} plan
 * @param {string} plan.url
 * @param {readonly string[]} plan.files
 * @param {import('./files.mjs').LateFile} plan.late
 * @param {number} plan.workers
 * @param {AbortSignal} plan.signal ends the run early, in an orderly way
 * @returns {Promise<Outcome>}
 */
export async function runJobs({ url, files, late, workers, signal }) {
  const store = await openStore(url);
  await store.obliterate(QUEUE, { force: true }); // what an earlier demo on the same server left
  /** @type {Crew | undefined} */
  let crew;
  try {
    const saving = performance.now();
    const ids = [];
    for (let from = 0; from < files.length; from += BATCH) {
      signal.throwIfAborted();
      ids.push(...(await store.saveBulk(QUEUE, files.slice(from, from + BATCH).map(newJob))));
    }
    const savingSeconds = (performance.now() - saving) / 1000;
    console.log(`Queued ${ids.length} jobs in ${savingSeconds.toFixed(2)} s.`);

    const progress = new Progress(files.length);
    const outcome = {
      paths: new Map(ids.map((id, index) => [id, files[index] ?? ''])),
      savingSeconds,
      workingSeconds: 0,
      retries: 0,
      late: late.path,
      killed: '',
      orphaned: new Set(),
      recovered: new Set(),
      completions: new Map(),
    };
    let finished = 0;
    store.subscribe(QUEUE, ({ type, jobId = '', data }) => {
      if (type === 'job:delayed') {
        outcome.retries++;
        if (/** @type {{ path: string }} */ (data).path === late.path) void late.appear();
      }
      if (type === 'job:completed') outcome.completions.set(jobId, (outcome.completions.get(jobId) ?? 0) + 1);
      if (type === 'job:completed' || type === 'job:failed') progress.update(++finished);
    });

    const working = performance.now();
    crew = new Crew(url, workers);
    for (;;) {
      const { waiting, delayed, active } = await store.getJobCounts(QUEUE);
      if (waiting + delayed + active === 0) break;
      if (outcome.killed === '' && finished >= files.length / 2) {
        const victim = await crew.killOne(store);
        outcome.killed = victim?.name ?? 'nobody';
        outcome.orphaned = new Set(victim?.held);
        progress.note(`killed ${outcome.killed} with SIGKILL; it held ${outcome.orphaned.size} jobs`);
      }
      await store.promoteDelayedJobs(QUEUE, Date.now());
      await recoverStalled(store, outcome.recovered);
      await Promise.race([sleep(SWEEP, undefined, { signal }), crew.lost]);
    }
    outcome.workingSeconds = (performance.now() - working) / 1000;
    progress.end();
    return outcome;
  } finally {
    await crew?.dismiss();
    await store.disconnect();
  }
}

/**
 * Gives jobs whose lease ran out back to the queue. Their worker is gone: it would have extended the lease.
 *
 * @param {import('ferrodis/conveyor').RedisStore} store
 * @param {Set<string>} recovered
 */
async function recoverStalled(store, recovered) {
  for (const job of await store.getStalledJobs(QUEUE, LEASE)) {
    const updates = { state: /** @type {const} */ ('waiting'), lockUntil: null, lockedBy: null };
    await store.updateJob(QUEUE, job.id, updates, { expectedState: 'active' });
    recovered.add(job.id);
  }
}

/** A run as the terminal sees it: a conductor and several workers, one of each killed on the way. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Crew } from './crew.mjs';
import { openNews } from './news.mjs';
import { Progress } from './progress.mjs';
import { openStore, QUEUE } from './queue.mjs';
import { Relay } from './relay.mjs';

/** Pause between two looks at whether it is time to kill somebody, in milliseconds. */
const LOOK = 50;

/**
 * @typedef {object} Outcome
 * @property {string} runId
 * @property {number} seconds from the first job to the end of the run
 * @property {string} killed name of the worker that was killed
 * @property {Set<string>} orphaned ids of the jobs it held
 */

/**
 * @param {object} plan
 * @param {string} plan.url
 * @param {import('ioredis5').Redis} plan.redis
 * @param {import('./guard.mjs').Guard} plan.guard
 * @param {import('./workflow.mjs').Input} plan.input of a new run; one that was interrupted has its own
 * @param {import('./files.mjs').LateFile} plan.late
 * @param {number} plan.files how many there are
 * @param {number} plan.workers
 * @param {AbortSignal} plan.signal ends the run early, in an orderly way; it can be taken up again
 * @returns {Promise<Outcome>}
 */
export async function watchRun({ url, redis, guard, input, late, files, workers, signal }) {
  const store = await openStore(url);
  const relay = new Relay(url);
  /** @type {Crew | undefined} */
  let crew;
  const progress = new Progress(files);
  const hushed = openNews(redis).listen(({ type, path }) => {
    if (type === 'delayed' && path === late.path) void late.appear();
    if (type === 'completed' || type === 'failed') progress.update(progress.done + 1);
  });
  try {
    const { runId } = await relay.start(guard.interrupted, input);
    await guard.begun(runId);
    const { completed, failed } = await store.getJobCounts(QUEUE);
    if (guard.interrupted) progress.update(completed + failed);

    const started = performance.now();
    crew = new Crew(url, runId, workers);
    /** @param {number} share */
    const until = async (share) => {
      for (;;) {
        if (progress.done >= files * share) return;
        await Promise.race([sleep(LOOK, undefined, { signal }), relay.finished, crew?.lost]);
        if (progress.done === 0) continue;
        const { waiting, active, delayed } = await store.getJobCounts(QUEUE);
        if (waiting + active + delayed === 0) return; // nobody is left to be killed at work
      }
    };
    await until(1 / 3);
    const victim = await crew.killOne(store);
    if (victim) progress.note(`killed ${victim.name} with SIGKILL; it held ${victim.held.length} jobs`);
    await until(2 / 3);
    await relay.kill();
    progress.note('killed the conductor with SIGKILL; another one takes the run over');
    await relay.start(runId, input);
    await Promise.race([relay.finished, crew.lost, aborted(signal)]);
    progress.end();
    const seconds = (performance.now() - started) / 1000;
    return { runId, seconds, killed: victim?.name ?? 'nobody', orphaned: new Set(victim?.held) };
  } finally {
    hushed();
    await Promise.all([relay.kill(), crew?.dismiss()]);
    await store.disconnect();
  }
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<never>}
 */
function aborted(signal) {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

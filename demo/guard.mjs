/** One run per folder: a go-go-scope lock that says who holds it, and a checkpoint by which an interrupted run goes on. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { RedisAdapter } from 'ferrodis/go-go-scope';

/** How long the lock outlives a demo that was killed, in milliseconds. It is renewed while the demo lives. */
const LOCK = 5_000;

/** Another demo works on the folder. */
export class FolderBusy extends Error {}

/**
 * @typedef {object} Guard
 * @property {string | undefined} interrupted id of the run that an earlier demo on the folder began and did not finish
 * @property {(runId: string) => Promise<void>} begun remembers the run that this demo works on
 * @property {() => Promise<void>} finished nothing is left to go on with
 * @property {() => Promise<void>} release
 */

/**
 * @param {import('ioredis5').Redis} redis
 * @param {string} folder
 * @returns {Promise<Guard>}
 * @throws {FolderBusy}
 */
export async function guard(redis, folder) {
  const adapter = new RedisAdapter(redis, { keyPrefix: 'ferrodis-demo:', renewLocks: true });
  const owner = `process ${process.pid} on ${hostname()}`;
  const lock = await adapter.acquire(folder, LOCK, `${owner}#${randomUUID()}`);
  if (lock === null) {
    const holder = (await redis.get(`ferrodis-demo:lock:${folder}`))?.split('#')[0] ?? 'another process';
    throw new FolderBusy(`${holder} is at work on ${folder}; its lock lapses ${LOCK / 1000} s after its end`);
  }
  const checkpoint = await adapter.loadLatestCheckpoint(folder);
  return {
    interrupted: /** @type {{ runId: string } | undefined} */ (checkpoint?.data)?.runId,
    begun: (runId) => {
      const timestamp = Date.now();
      const id = `${folder}-${timestamp}-1`;
      return adapter.saveCheckpoint({ id, taskId: folder, sequence: 1, timestamp, progress: 0, data: { runId } });
    },
    finished: () => adapter.deleteAllCheckpoints(folder),
    release: () => lock.release(),
  };
}

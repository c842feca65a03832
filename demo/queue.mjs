/** What the two kinds of processes of the demo agree on: the queue, its jobs, and how a file is hashed. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { RedisStore } from 'ferrodis/conveyor';

export const QUEUE = 'files';
/** How long a worker may hold a job without saying that it is still at work, in milliseconds. */
export const LEASE = 2_000;
/** How often a job is tried before it counts as failed. */
export const ATTEMPTS = 3;
/** Pause before a failed job is tried again, in milliseconds. */
export const BACKOFF = 150;

/**
 * @typedef {{ path: string }} FileJob payload of a job
 * @typedef {{ digest: string, bytes: number, worker: string }} FileResult return value of a job
 */

/**
 * A connected store. All processes of a demo use the same server and the same prefix.
 *
 * @param {string} url
 */
export async function openStore(url) {
  const store = new RedisStore({ url, keyPrefix: 'ferrodis-demo' });
  await store.connect();
  return store;
}

/**
 * A job for one file, as conveyor's `Queue` would create it. The same file of the same run gives the same job, which the
 * store knows by its id and its time of creation and does not save twice.
 *
 * @param {string} path
 * @param {number} index
 * @param {number} startedAt when the run began, in epoch milliseconds
 */
export const jobFor = (path, index, startedAt) => ({
  id: `${startedAt.toString(36)}-${index}`,
  name: 'hash',
  queueName: QUEUE,
  state: /** @type {const} */ ('waiting'),
  data: { path },
  attemptsMade: 0,
  progress: 0,
  returnvalue: null,
  failedReason: null,
  opts: { attempts: ATTEMPTS, backoff: { type: /** @type {const} */ ('fixed'), delay: BACKOFF } },
  deduplicationKey: null,
  logs: [],
  stacktrace: [],
  createdAt: new Date(startedAt),
  processedAt: null,
  completedAt: null,
  failedAt: null,
  cancelledAt: null,
  delayUntil: null,
  lockUntil: null,
  lockedBy: null,
  parentId: null,
  parentQueueName: null,
  pendingChildrenCount: 0,
  groupId: null,
  discarded: false,
  childrenIds: [],
  attemptLogs: [],
});

/** Jobs read by one call. */
const PAGE = 1_000;

/**
 * All jobs in a state, page by page.
 *
 * @param {RedisStore} store
 * @param {'completed' | 'failed'} state
 */
export async function* eachJob(store, state) {
  for (let start = 0; ; start += PAGE) {
    const page = await store.listJobs(QUEUE, state, start, start + PAGE);
    yield* page;
    if (page.length < PAGE) return;
  }
}

/**
 * SHA-256 of a file, read piece by piece.
 *
 * @param {string} path
 * @returns {Promise<{ digest: string, bytes: number }>}
 */
export async function hashFile(path) {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { digest: hash.digest('hex'), bytes };
}

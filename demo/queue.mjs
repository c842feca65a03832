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
 * A job for one file, as conveyor's `Queue` would create it.
 *
 * @param {string} path
 */
export const newJob = (path) => ({
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
  createdAt: new Date(),
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

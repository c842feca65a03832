/** Runs on every runtime: saves, leases and completes jobs, hears an event from another store, and exits by itself. */
import assert from 'node:assert/strict';
import { RedisStore } from 'ferrodis/conveyor';
import { startRedis } from 'ferrodis/testing';

const newJob = (number) => ({
  name: 'add',
  queueName: 'runtimes',
  state: 'waiting',
  data: { number, text: 'naïve ✓' },
  attemptsMade: 0,
  progress: 0,
  returnvalue: null,
  failedReason: null,
  opts: {},
  deduplicationKey: null,
  logs: [],
  stacktrace: [],
  createdAt: new Date(1_700_000_000_000 + number),
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

const redis = await startRedis();
const writer = new RedisStore({ url: redis.url });
const reader = new RedisStore({ url: redis.url });
await Promise.all([writer.connect(), reader.connect()]);

const heard = new Promise((resolve) => reader.subscribe('runtimes', resolve));
await writer.publish({ type: 'job:progress', queueName: 'runtimes', jobId: 'x', data: 5, timestamp: new Date(1) });
const event = await heard;
assert.equal(event.type, 'job:progress');
assert.equal(event.data, 5);
assert.equal(event.timestamp.getTime(), 1);

const ids = await writer.saveBulk('runtimes', Array.from({ length: 200 }, (_, number) => newJob(number)));
assert.equal(new Set(ids).size, 200);
const leased = await Promise.all(ids.map(() => reader.fetchNextJob('runtimes', 'worker', 10_000)));
assert.deepEqual(leased.map((job) => job.data.number).sort((a, b) => a - b), [...ids.keys()]);
assert.equal(leased[0].data.text, 'naïve ✓');
assert.equal(await reader.fetchNextJob('runtimes', 'worker', 10_000), null);

await Promise.all(
  leased.map(({ id, data }) =>
    reader.updateJob('runtimes', id, {
      state: 'completed',
      returnvalue: data.number * 2,
      completedAt: new Date(),
      lockUntil: null,
      lockedBy: null,
    }),
  ),
);
const counts = await writer.getJobCounts('runtimes');
assert.equal(counts.completed, 200);
assert.equal(counts.active, 0);
assert.equal((await writer.getJob('runtimes', ids[7])).returnvalue, 14);

await assert.rejects(new RedisStore({}).connect(), /requires either/);
await Promise.all([writer.disconnect(), reader.disconnect()]);
await assert.rejects(writer.getJob('runtimes', ids[0]), /not connected/);
await redis.stop();

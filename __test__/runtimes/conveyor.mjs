/** Runs on every runtime: saves, leases and completes jobs, hears an event from another store, and exits by itself. */
import assert from 'node:assert/strict';
import { hashToJobData, RedisStore } from 'ferrodis/conveyor';
import { startRedis } from 'ferrodis/testing';

const template = hashToJobData({ id: '0', queueName: 'runtimes', name: 'double', state: 'waiting' });
/** @param {number} number */
const newJob = (number) => ({ ...template, id: String(number), data: { number, text: 'naïve ✓' } });

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

const numbers = Array.from({ length: 200 }, (_, number) => number);
const ids = await writer.saveBulk('runtimes', numbers.map(newJob));
assert.deepEqual(ids, numbers.map(String));
const leased = await Promise.all(ids.map(() => reader.fetchNextJob('runtimes', 'worker', 10_000)));
const byNumber = leased.filter((job) => job !== null).sort((a, b) => Number(a.id) - Number(b.id));
assert.deepEqual(
  byNumber.map((job) => job.data),
  numbers.map((number) => newJob(number).data),
);
assert.equal(await reader.fetchNextJob('runtimes', 'worker', 10_000), null);

await Promise.all(
  byNumber.map(({ id }) =>
    reader.updateJob('runtimes', id, {
      state: 'completed',
      returnvalue: Number(id) * 2,
      completedAt: new Date(),
      lockUntil: null,
      lockedBy: null,
    }),
  ),
);
const counts = await writer.getJobCounts('runtimes');
assert.equal(counts.completed, 200);
assert.equal(counts.active, 0);
assert.equal((await writer.getJob('runtimes', '7'))?.returnvalue, 14);

await assert.rejects(new RedisStore({}).connect(), /requires either/);
await Promise.all([writer.disconnect(), reader.disconnect()]);
await assert.rejects(writer.getJob('runtimes', '0'), /not connected/);
await redis.stop();

/**
 * The smallest producer and worker: `node examples/conveyor/jobs.mjs`. A program with conveyor's own `Queue` and
 * `Worker` passes the same store to them instead of calling it.
 */
import { randomUUID } from 'node:crypto';
import { hashToJobData, RedisStore } from 'ferrodis/conveyor';
import { startRedis } from 'ferrodis/testing';

const redis = await startRedis();
const store = new RedisStore({ url: redis.url });

/**
 * A job as conveyor's `Queue` makes one.
 *
 * @param {string} name
 * @param {{ to: string }} data
 * @param {import('ferrodis/conveyor').JobOptions} opts
 */
const job = (name, data, opts = {}) => {
  const blank = hashToJobData({ id: randomUUID(), queueName: 'mail', name, state: 'waiting' });
  return { ...blank, data, opts, createdAt: new Date() };
};

try {
  await store.connect();
  store.subscribe('mail', (event) => console.log(`  event ${event.type} of ${event.jobId}`));

  await store.saveBulk('mail', [
    job('newsletter', { to: 'everybody' }, { priority: 10 }),
    job('receipt', { to: 'ada' }),
    job('password reset', { to: 'grace' }, { priority: -10 }),
  ]);

  for (;;) {
    const leased = await store.fetchNextJob('mail', 'worker-1', 30_000);
    if (leased === null) break;
    const { to } = /** @type {{ to: string }} */ (leased.data);
    console.log(`${leased.name} for ${to}`);
    await store.updateJob('mail', leased.id, {
      state: 'completed',
      returnvalue: { sent: true },
      completedAt: new Date(),
      lockUntil: null,
      lockedBy: null,
    });
    await store.publish({ type: 'job:completed', queueName: 'mail', jobId: leased.id, timestamp: new Date() });
  }

  console.log(await store.getJobCounts('mail'));
} finally {
  await store.disconnect();
  await redis.stop();
}

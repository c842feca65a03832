import { RedisStore } from 'ferrodis/conveyor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { BurstProxy } from '../../support/burst-proxy.js';
import { conveyor } from '../../support/conveyor.js';
import { completion, type Job, newJob } from '../../support/job.js';

const on = conveyor();
const CHUNK = 500;
let proxy: BurstProxy;
let store: RedisStore;

beforeAll(async () => {
  proxy = await BurstProxy.start(on.server.port);
  store = new RedisStore({ url: proxy.url });
  await store.connect();
  await warmUp();
});

afterAll(async () => {
  await store.disconnect();
  await proxy.close();
});

/** Lets the server see every script once, so that no count holds the loading of one. */
async function warmUp(): Promise<void> {
  const queue = on.queue();
  await save(queue, 2, { deduplicationKey: null });
  await store.saveJob(queue, newJob(queue, { deduplicationKey: 'k' }));
  await store.saveFlow([{ queueName: queue, job: newJob(queue) }]);
  const job = (await store.fetchNextJob(queue, 'w', 10_000)) as Job;
  await store.extendLock(queue, job.id, 1000);
  await store.cancelJob(queue, job.id);
  await store.updateJob(queue, job.id, completion());
  await store.findByDeduplicationKey(queue, 'k');
  await store.findJobById('none');
  await store.notifyChildCompleted(queue, 'none');
  await store.failParentOnChildFailure(queue, 'none', 'x');
  await store.promoteJobs(queue);
  await store.retryJobs(queue, 'completed');
  await store.clean(queue, 'waiting', 0);
  await store.drain(queue);
  await store.listQueues();
  await store.getStalledJobs(queue, 0);
  await store.getChildrenJobs(queue, 'none');
  await store.releaseLock(queue, 'none');
  await store.removeJob(queue, 'none');
  await store.obliterate(queue);
}

async function save(queue: string, count: number, fields: Partial<Job> = {}): Promise<string[]> {
  return store.saveBulk(
    queue,
    Array.from({ length: count }, () => newJob(queue, fields)),
  );
}

/** How many of each command the server has run, apart from the one that asks. */
async function commands(): Promise<Map<string, number>> {
  const info = await on.redis.info('commandstats');
  const found = new Map<string, number>();
  for (const [, name, calls] of info.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)) {
    if (name !== 'info' && name !== 'ping') found.set(name, Number(calls));
  }
  return found;
}

describe('one round trip', () => {
  const calls: Array<[string, (queue: string, id: string) => Promise<unknown>]> = [
    ['saveJob', (queue) => store.saveJob(queue, newJob(queue))],
    [
      'saveJob with a new deduplication key',
      (queue) => store.saveJob(queue, newJob(queue, { deduplicationKey: 'new' })),
    ],
    [
      'saveJob with a taken deduplication key',
      (queue) => store.saveJob(queue, newJob(queue, { deduplicationKey: 'taken' })),
    ],
    ['getJob', (queue, id) => store.getJob(queue, id)],
    ['updateJob', (queue, id) => store.updateJob(queue, id, { progress: 5 })],
    [
      'updateJob with an expected state',
      (queue, id) => store.updateJob(queue, id, { progress: 5 }, { expectedState: 'waiting' }),
    ],
    ['removeJob', (queue, id) => store.removeJob(queue, id)],
    ['findByDeduplicationKey', (queue) => store.findByDeduplicationKey(queue, 'taken')],
    ['fetchNextJob', (queue) => store.fetchNextJob(queue, 'w', 1000)],
    ['extendLock', (queue, id) => store.extendLock(queue, id, 1000)],
    ['releaseLock', (queue, id) => store.releaseLock(queue, id)],
    ['cancelJob', (queue, id) => store.cancelJob(queue, id)],
    ['notifyChildCompleted', (queue, id) => store.notifyChildCompleted(queue, id)],
    ['failParentOnChildFailure', (queue, id) => store.failParentOnChildFailure(queue, id, 'because')],
    ['getJobCounts', (queue) => store.getJobCounts(queue)],
    ['countJobs', (queue) => store.countJobs(queue, 'waiting')],
    ['getPausedJobNames', (queue) => store.getPausedJobNames(queue)],
    ['promoteDelayedJobs of nothing', (queue) => store.promoteDelayedJobs(queue, 1)],
    ['publish', (queue) => store.publish({ type: 'job:waiting', queueName: queue, timestamp: new Date() })],
  ];

  it.each(calls)('is enough for %s', async (_name, call) => {
    const queue = on.queue();
    const [id] = await save(queue, 1, { deduplicationKey: 'taken' });
    expect(await proxy.count(() => call(queue, id))).toBe(1);
  });

  it('is enough for many calls of one tick', async () => {
    const queue = on.queue();
    const saves = (): Promise<unknown> =>
      Promise.all(Array.from({ length: 50 }, () => store.saveJob(queue, newJob(queue))));
    expect(await proxy.count(saves)).toBeLessThanOrEqual(2);
  });
});

describe('a call over many jobs', () => {
  it.each([1, 500, 501, 1500])('saves %i in one round trip a chunk', async (count) => {
    const queue = on.queue();
    const trips = await proxy.count(() => save(queue, count));
    expect(trips).toBeLessThanOrEqual(Math.ceil(count / CHUNK));
  });

  it('saves with deduplication keys as without', async () => {
    const queue = on.queue();
    const jobs = Array.from({ length: 1000 }, (_, i) => newJob(queue, { deduplicationKey: `k${i}` }));
    expect(await proxy.count(() => store.saveBulk(queue, jobs))).toBeLessThanOrEqual(2);
  });

  it.each([
    ['clean', 'waiting', (queue: string) => store.clean(queue, 'waiting', 0)],
    ['drain', 'waiting', (queue: string) => store.drain(queue)],
    ['retryJobs', 'failed', (queue: string) => store.retryJobs(queue, 'failed')],
    ['promoteJobs', 'delayed', (queue: string) => store.promoteJobs(queue)],
  ] as const)('does %s in one round trip a chunk and few more', async (_name, state, call) => {
    const queue = on.queue();
    await save(queue, 1500, { state, delayUntil: new Date(5), failedAt: new Date(5) });
    expect(await proxy.count(() => call(queue))).toBeLessThanOrEqual(1500 / CHUNK + 3);
  });

  it('saves a flow in one round trip a queue and one more', async () => {
    const queues = [on.queue(), on.queue(), on.queue()];
    const flow = queues.flatMap((queueName) =>
      Array.from({ length: 10 }, () => ({ queueName, job: newJob(queueName) })),
    );
    expect(await proxy.count(() => store.saveFlow(flow))).toBeLessThanOrEqual(queues.length + 1);
  });

  it('lists a page in two', async () => {
    const queue = on.queue();
    await save(queue, 50);
    expect(await proxy.count(() => store.listJobs(queue, 'waiting'))).toBeLessThanOrEqual(2);
  });
});

describe('a look over all queues', () => {
  it('lists small queues in two round trips, whatever else is in the database', async () => {
    const look = new RedisStore({ url: proxy.url, keyPrefix: 'look' });
    await look.connect();
    for (let i = 0; i < 5; i += 1) await look.saveBulk(`q${i}`, [newJob(`q${i}`), newJob(`q${i}`)]);
    const measured = async (): Promise<{ trips: number; cost: Map<string, number> }> => {
      const before = await commands();
      const trips = await proxy.count(() => look.listQueues());
      const after = await commands();
      const cost = [...after].map(([name, calls]) => [name, calls - (before.get(name) ?? 0)] as const);
      return { trips, cost: new Map(cost.filter(([, calls]) => calls > 0)) };
    };
    await measured();
    const alone = await measured();
    const pipeline = on.redis.multi();
    for (let i = 0; i < 5000; i += 1) pipeline.set(`foreign:${i}`, '1');
    await pipeline.exec();
    const crowded = await measured();
    await look.disconnect();
    expect(alone.trips).toBeLessThanOrEqual(2);
    expect(crowded.trips).toBe(alone.trips);
    expect(crowded.cost).toEqual(alone.cost);
    expect([...crowded.cost.keys()]).not.toContain('scan');
  });

  it('finds a job by its id in two', async () => {
    const [id] = await save(on.queue(), 1);
    expect(await proxy.count(() => store.findJobById(id))).toBeLessThanOrEqual(2);
  });
});

describe('a job through the host', () => {
  it('costs five round trips from lease to completion', async () => {
    const queue = on.queue();
    await save(queue, 1);
    const event = (type: 'job:active' | 'job:completed') =>
      store.publish({ type, queueName: queue, timestamp: new Date() });
    const trips = await proxy.count(async () => {
      const job = (await store.fetchNextJob(queue, 'w', 10_000)) as Job;
      await store.updateJob(queue, job.id, { attemptLogs: [] });
      await event('job:active');
      await store.updateJob(queue, job.id, completion());
      await event('job:completed');
    });
    expect(trips).toBeLessThanOrEqual(5);
  });
});

describe('connect', () => {
  it('needs few round trips on its two connections', async () => {
    const fresh = new RedisStore({ url: `${proxy.url}/5` });
    const trips = await proxy.count(() => fresh.connect());
    await fresh.disconnect();
    // A handshake on each of two connections, SUBSCRIBE on one, the schema on the other.
    expect(trips).toBeLessThanOrEqual(5);
  });
});

import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { queueKeys } from '../support/conveyor-keys.js';
import { completion, JOB_STATES, newJob } from '../support/job.js';
import { OriginalStore } from '../support/original-conveyor.js';
import { type RawClient, Server } from '../support/server.js';

/**
 * The player stands in for the original wherever we compare with it, so its own faults are checked here:
 * each of them is one the contract measured on the original.
 */
let server: Server;
let redis: RawClient;
let store: OriginalStore;
const queueName = (): string => `queue-${randomUUID()}`;

beforeAll(async () => {
  server = await Server.start();
  redis = await server.client();
  store = new OriginalStore({ url: server.url });
  await store.connect();
});

afterAll(async () => {
  await store.disconnect();
  redis.destroy();
  await server.stop();
});

describe('the player does its work', () => {
  it('takes a job from save to completion', async () => {
    const queue = queueName();
    const id = await store.saveJob(queue, newJob(queue, { groupId: 'g', deduplicationKey: 'k' }));
    const leased = await store.fetchNextJob(queue, 'w', 10_000);
    expect(leased).toMatchObject({ id, state: 'active', lockedBy: 'w' });
    await store.updateJob(queue, id, completion(7));
    expect(await store.getJob(queue, id)).toMatchObject({ state: 'completed', returnvalue: 7 });
    expect(await store.getJobCounts(queue)).toMatchObject({ active: 0, completed: 1 });
    expect(await redis.exists(queueKeys('conveyor', queue).dedup('k'))).toBe(0);
  });

  it('saves in bulk, lists, retries, cleans and drains', async () => {
    const queue = queueName();
    const jobs = Array.from({ length: 5 }, () => newJob(queue, { createdAt: new Date(5) }));
    const ids = await store.saveBulk(queue, jobs);
    expect((await store.listJobs(queue, 'waiting')).map(({ id }) => id)).toEqual(ids);
    await store.updateJob(queue, ids[0], { state: 'failed', failedAt: new Date(1) });
    expect(await store.retryJobs(queue, 'failed')).toBe(1);
    expect(await store.clean(queue, 'waiting', 0)).toBe(5);
    await store.saveJob(queue, newJob(queue));
    await store.drain(queue);
    expect(Object.values(await store.getJobCounts(queue))).toEqual(JOB_STATES.map(() => 0));
  });

  it('promotes delayed jobs and wakes a parent', async () => {
    const queue = queueName();
    await store.saveJob(queue, newJob(queue, { state: 'delayed', delayUntil: new Date(1) }));
    expect(await store.promoteDelayedJobs(queue, Date.now())).toBe(1);
    const parent = newJob(queue, { state: 'waiting-children', pendingChildrenCount: 1 });
    const id = await store.saveJob(queue, parent);
    expect(await store.notifyChildCompleted(queue, id)).toBe('waiting');
  });
});

describe('the player has the faults of the original', () => {
  it('loses the fields of one of two concurrent updates', async () => {
    const queue = queueName();
    const id = await store.saveJob(queue, newJob(queue));
    await Promise.all([store.updateJob(queue, id, { progress: 10 }), store.updateJob(queue, id, { logs: ['x'] })]);
    expect(await store.getJob(queue, id)).toMatchObject({ progress: 0, logs: ['x'] });
  });

  it('leaves a job in two indexes after two concurrent changes of state', async () => {
    const queue = queueName();
    const id = await store.saveJob(queue, newJob(queue, { state: 'active' }));
    await Promise.all([
      store.updateJob(queue, id, { state: 'failed' }),
      store.updateJob(queue, id, { state: 'waiting' }),
    ]);
    expect(await store.getJobCounts(queue)).toMatchObject({ failed: 1, waiting: 1 });
  });

  it('brings a removed job back without an index', async () => {
    const queue = queueName();
    const id = await store.saveJob(queue, newJob(queue));
    await Promise.all([store.removeJob(queue, id), store.updateJob(queue, id, { progress: 1 })]);
    expect(await store.getJob(queue, id)).not.toBeNull();
    expect(Object.values(await store.getJobCounts(queue))).toEqual(JOB_STATES.map(() => 0));
  });

  it('puts a stalled job back twice when two sweepers meet', async () => {
    const queue = queueName();
    const id = await store.saveJob(queue, newJob(queue));
    await store.fetchNextJob(queue, 'w', 1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const [one, two] = await Promise.all([store.getStalledJobs(queue), store.getStalledJobs(queue)]);
    const sweep = { state: 'waiting', lockedBy: null, lockUntil: null } as const;
    await store.updateJob(queue, one[0].id, { ...sweep, attemptsMade: 1 });
    expect(await store.fetchNextJob(queue, 'w2', 10_000)).toMatchObject({ id });
    await store.updateJob(queue, two[0].id, { ...sweep, attemptsMade: 1 });
    expect(await store.fetchNextJob(queue, 'w3', 10_000)).toMatchObject({ id });
  });

  it('loses a job leased for no time', async () => {
    const queue = queueName();
    await store.saveJob(queue, newJob(queue));
    await expect(store.fetchNextJob(queue, 'w', 0)).rejects.toThrow();
    expect(Object.values(await store.getJobCounts(queue))).toEqual(JOB_STATES.map(() => 0));
  });

  it('counts a stale entry again at every clean', async () => {
    const queue = queueName();
    await redis.zAdd(queueKeys('conveyor', queue).completed, { score: 1, value: 'gone' });
    expect(await store.clean(queue, 'completed', 0)).toBe(1);
    expect(await store.clean(queue, 'completed', 0)).toBe(1);
  });

  it('queues a finished parent again', async () => {
    const queue = queueName();
    const id = await store.saveJob(queue, newJob(queue, { state: 'failed' }));
    expect(await store.notifyChildCompleted(queue, id)).toBe('waiting');
    expect(await store.getJobCounts(queue)).toMatchObject({ failed: 1, waiting: 1 });
  });
});

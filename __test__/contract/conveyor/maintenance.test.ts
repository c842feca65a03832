import { describe, expect, it } from 'vitest';

import { conveyor } from '../../support/conveyor.js';
import { JOB_STATES, newJob } from '../../support/job.js';

const on = conveyor();
const old = new Date(1000);
const empty = Object.fromEntries(JOB_STATES.map((state) => [state, 0]));

describe('clean', () => {
  it.each([
    ['completed', { completedAt: old }],
    ['failed', { failedAt: old }],
    ['waiting', { createdAt: old }],
    ['waiting-children', { createdAt: old }],
    ['delayed', { createdAt: old, delayUntil: new Date(Date.now() + 60_000) }],
    ['active', { processedAt: old }],
  ] as const)('removes %s jobs older than the grace time', async (state, fields) => {
    const queue = on.queue();
    await on.add(queue, { state, ...fields });
    const now = new Date();
    const fresh = await on.add(queue, {
      state,
      createdAt: now,
      completedAt: now,
      failedAt: now,
      processedAt: now,
      delayUntil: new Date(Date.now() + 60_000),
    });
    expect(await on.store.clean(queue, state, 60_000)).toBe(1);
    expect((await on.store.listJobs(queue, state)).map(({ id }) => id)).toEqual([fresh]);
  });

  it('removes a job finished this very millisecond with a grace of zero', async () => {
    const queue = on.queue();
    await on.add(queue, { state: 'completed', completedAt: new Date() });
    expect(await on.store.clean(queue, 'completed', 0)).toBe(1);
  });

  it('leaves active jobs without processedAt', async () => {
    const queue = on.queue();
    await on.add(queue, { state: 'active' });
    expect(await on.store.clean(queue, 'active', 0)).toBe(0);
  });

  it('removes as much as removeJob does', async () => {
    const queue = on.queue();
    await on.add(queue, {
      groupId: 'g',
      deduplicationKey: 'k',
      parentId: 'p',
      parentQueueName: queue,
      createdAt: old,
    });
    await on.store.clean(queue, 'waiting', 0);
    expect(await on.leftovers(queue)).toEqual([]);
  });

  it('drops stale entries without counting them', async () => {
    const queue = on.queue();
    await on.redis.zAdd(on.keys(queue).completed, { score: 1, value: 'ghost' });
    await on.add(queue, { state: 'completed', completedAt: old });
    expect(await on.store.clean(queue, 'completed', 0)).toBe(1);
    expect(await on.redis.zCard(on.keys(queue).completed)).toBe(0);
  });

  it('removes more jobs than one chunk holds', async () => {
    const queue = on.queue();
    const jobs = Array.from({ length: 1201 }, () => newJob(queue, { state: 'failed', failedAt: old }));
    await on.store.saveBulk(queue, jobs);
    expect(await on.store.clean(queue, 'failed', 0)).toBe(1201);
    expect(await on.redis.keys(`{conveyor:${queue}}:job:*`)).toEqual([]);
  });

  it('refuses an unknown state', async () => {
    await expect(on.store.clean('q', 'lost' as never, 0)).rejects.toThrow(
      new Error('[Conveyor] Unhandled JobState in clean: lost'),
    );
  });
});

describe('drain', () => {
  it('removes what waits and leaves what runs or is finished', async () => {
    const queue = on.queue();
    for (const state of JOB_STATES) await on.add(queue, { state, delayUntil: new Date(5) });
    expect(await on.store.drain(queue)).toBeUndefined();
    expect(await on.store.getJobCounts(queue)).toEqual({
      ...empty,
      active: 1,
      completed: 1,
      failed: 1,
    });
  });

  it('empties more than one chunk holds', async () => {
    const queue = on.queue();
    await on.store.saveBulk(
      queue,
      Array.from({ length: 1201 }, () => newJob(queue)),
    );
    await on.store.drain(queue);
    expect(await on.leftovers(queue)).toEqual([]);
  });

  it('takes entries without a hash along', async () => {
    const queue = on.queue();
    await on.redis.rPush(on.keys(queue).waiting, 'ghost');
    await on.store.drain(queue);
    expect(await on.store.countJobs(queue, 'waiting')).toBe(0);
  });
});

describe('retryJobs', () => {
  it.each(['failed', 'completed'] as const)('puts %s jobs back to the start', async (state) => {
    const queue = on.queue();
    const keep = {
      logs: ['l'],
      attemptLogs: [],
      opts: { attempts: 2 },
      discarded: true,
      cancelledAt: new Date(3),
    };
    const id = await on.add(queue, {
      state,
      ...keep,
      attemptsMade: 2,
      progress: 70,
      returnvalue: 1,
      failedReason: 'x',
      failedAt: old,
      completedAt: old,
      processedAt: old,
      stacktrace: ['s'],
    });
    expect(await on.store.retryJobs(queue, state)).toBe(1);
    expect(await on.job(queue, id)).toMatchObject({
      ...keep,
      state: 'waiting',
      attemptsMade: 0,
      progress: 0,
      returnvalue: null,
      failedReason: null,
      failedAt: null,
      completedAt: null,
      processedAt: null,
      stacktrace: [],
    });
    expect(await on.store.getJobCounts(queue)).toEqual({ ...empty, waiting: 1 });
  });

  it('goes by ascending score and past one chunk', async () => {
    const queue = on.queue();
    const jobs = Array.from({ length: 1201 }, (_, i) =>
      newJob(queue, { id: `j${i}`, state: 'failed', failedAt: new Date(i + 1) }),
    );
    await on.store.saveBulk(queue, jobs);
    expect(await on.store.retryJobs(queue, 'failed')).toBe(1201);
    const order = await on.redis.lRange(on.keys(queue).waiting, 0, -1);
    expect(order).toEqual(jobs.map(({ id }) => id));
  });

  it('makes no hash for an entry that has none', async () => {
    const queue = on.queue();
    await on.redis.zAdd(on.keys(queue).failed, { score: 1, value: 'ghost' });
    await on.store.retryJobs(queue, 'failed');
    expect(await on.redis.exists(on.keys(queue).job('ghost'))).toBe(0);
    expect(await on.store.countJobs(queue, 'waiting')).toBe(0);
  });

  it('is zero when there is nothing to retry', async () => {
    expect(await on.store.retryJobs(on.queue(), 'failed')).toBe(0);
  });
});

describe('obliterate', () => {
  /** Names that are patterns, tags or separators to somebody. */
  const hostile = ['*', 'a?', 'z[1]', 'a}b', 'back\\slash', '^x', 'a:b', 'ünï', 'sp ace', '{p}'];

  /** A queue with a job in every state and everything else a queue can have. */
  async function furnish(queue: string): Promise<void> {
    for (const state of JOB_STATES) {
      await on.add(queue, {
        state,
        delayUntil: new Date(5),
        groupId: 'g',
        deduplicationKey: `k-${state}`,
        opts: { priority: 1 },
        parentId: 'p',
        parentQueueName: queue,
      });
    }
    await on.store.pauseJobName(queue, 'x');
    // What expires does so long after the test.
    await on.store.fetchNextJob(queue, 'w', 60_000, { rateLimit: { max: 9, duration: 60_000 } });
  }

  async function keysOf(queue: string): Promise<string[]> {
    const all = await on.redis.keys('*');
    return all.filter((key) => key.startsWith(`{conveyor:${queue}}:`));
  }

  it('refuses while jobs are active and leaves everything', async () => {
    const queue = on.queue();
    await on.add(queue, { state: 'active' });
    await expect(on.store.obliterate(queue)).rejects.toThrow(
      new Error(`[Conveyor] Cannot obliterate queue "${queue}": active jobs exist. Use { force: true } to override.`),
    );
    expect(await on.store.getActiveCount(queue)).toBe(1);
  });

  it('removes a queue without active jobs', async () => {
    const queue = on.queue();
    await on.add(queue);
    expect(await on.store.obliterate(queue)).toBeUndefined();
    expect(await keysOf(queue)).toEqual([]);
    expect(await on.redis.sIsMember('conveyor:queues', queue)).toBe(0);
  });

  it.each(hostile)('with force removes all of queue %s and nothing of another', async (queue) => {
    const others = [...hostile.filter((name) => name !== queue), 'a', 'z1', 'zz', 'ab'];
    for (const name of [queue, ...others]) await furnish(name);
    await on.redis.set('foreign', '1');
    const before = new Map<string, number>();
    for (const name of others) before.set(name, (await keysOf(name)).length);
    await on.store.obliterate(queue, { force: true });
    const left = (await on.redis.keys('*')).filter((key) => key.startsWith(`{conveyor:${queue}}:`));
    expect(left).toEqual([]);
    for (const name of others) expect((await keysOf(name)).length).toBe(before.get(name));
    expect(await on.redis.get('foreign')).toBe('1');
    await on.redis.flushDb();
  });

  it('removes foreign keys under the tag of the queue', async () => {
    const queue = on.queue();
    await on.redis.set(`{conveyor:${queue}}:made-by-others`, '1');
    await on.store.obliterate(queue);
    expect(await keysOf(queue)).toEqual([]);
  });

  it('removes thousands of jobs', async () => {
    const queue = on.queue();
    await on.store.saveBulk(
      queue,
      Array.from({ length: 3000 }, () => newJob(queue)),
    );
    await on.store.obliterate(queue);
    expect(await keysOf(queue)).toEqual([]);
  });
});

describe('the age that a job gives itself by removeOnComplete and removeOnFail', () => {
  it('removes it when the store was told to, and a worker looks for delayed jobs', async () => {
    const queue = on.queue();
    const store = await on.open({ expireFinishedJobs: true });
    const aged = await on.add(queue, { state: 'completed', completedAt: old, opts: { removeOnComplete: 1000 } });
    const failed = await on.add(queue, { state: 'failed', failedAt: old, opts: { removeOnFail: 1000 } });
    const kept = await on.add(queue, { state: 'completed', completedAt: old, opts: { removeOnFail: 1000 } });
    expect(await store.promoteDelayedJobs(queue, Date.now())).toBe(0);
    expect(await store.getJob(queue, aged)).toBeNull();
    expect(await store.getJob(queue, failed)).toBeNull();
    expect(await store.getJob(queue, kept)).not.toBeNull();
  });

  it('has no effect otherwise, as in the original', async () => {
    const queue = on.queue();
    const aged = await on.add(queue, { state: 'completed', completedAt: old, opts: { removeOnComplete: 1000 } });
    await on.store.promoteDelayedJobs(queue, Date.now());
    expect(await on.store.getJob(queue, aged)).not.toBeNull();
  });
});

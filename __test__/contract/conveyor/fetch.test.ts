import { describe, expect, it } from 'vitest';

import { conveyor, elapse } from '../../support/conveyor.js';
import { newJob } from '../../support/job.js';

const on = conveyor();

/** Saves jobs with these ids, oldest first. */
async function fill(queue: string, ids: string[], fields: object = {}): Promise<void> {
  await on.store.saveBulk(
    queue,
    ids.map((id) => newJob(queue, { id, ...fields })),
  );
}

/** The ids of the next jobs in the order they are leased, until none is left. */
async function order(queue: string, options = {}): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const job = await on.store.fetchNextJob(queue, 'w', 30_000, options);
    if (job === null) return ids;
    ids.push(job.id);
  }
}

describe('fetchNextJob', () => {
  it('is null for an empty queue', async () => {
    expect(await on.store.fetchNextJob(on.queue(), 'w', 1000)).toBeNull();
  });

  it('leases the job to the worker', async () => {
    const queue = on.queue();
    const saved = newJob(queue, { attemptsMade: 2 });
    const id = await on.store.saveJob(queue, saved);
    const before = Date.now();
    const job = await on.store.fetchNextJob(queue, 'worker', 30_000);
    expect(job).toEqual({
      ...saved,
      id,
      state: 'active',
      lockedBy: 'worker',
      processedAt: expect.any(Date),
      lockUntil: expect.any(Date),
    });
    const { processedAt, lockUntil } = await on.job(queue, id);
    expect(Math.abs(Number(processedAt) - before)).toBeLessThan(10_000);
    expect(Number(lockUntil) - Number(processedAt)).toBe(30_000);
    expect(await on.store.getActiveCount(queue)).toBe(1);
    expect(await on.store.countJobs(queue, 'waiting')).toBe(0);
  });

  it('leases the oldest first', async () => {
    const queue = on.queue();
    await fill(queue, ['a', 'b', 'c']);
    expect(await order(queue)).toEqual(['a', 'b', 'c']);
  });

  it('leases the newest first with lifo', async () => {
    const queue = on.queue();
    await fill(queue, ['a', 'b', 'c']);
    expect(await order(queue, { lifo: true })).toEqual(['c', 'b', 'a']);
  });

  it('leases only jobs of the given name', async () => {
    const queue = on.queue();
    await fill(queue, ['a'], { name: 'other' });
    await fill(queue, ['b'], { name: 'mail' });
    expect(await order(queue, { jobName: 'mail' })).toEqual(['b']);
  });

  it('finds a job behind more ineligible ones than one window holds', async () => {
    const queue = on.queue();
    await fill(
      queue,
      Array.from({ length: 450 }, (_, i) => `other-${i}`),
      { name: 'other' },
    );
    await fill(queue, ['b'], { name: 'mail' });
    expect(await order(queue, { jobName: 'mail' })).toEqual(['b']);
  });

  it('gives each job to exactly one of many concurrent callers', async () => {
    const queue = on.queue();
    const other = await on.open();
    const ids = Array.from({ length: 100 }, (_, i) => `j${i}`);
    await fill(queue, ids);
    const leases = Array.from({ length: 120 }, (_, i) =>
      (i % 2 === 0 ? on.store : other).fetchNextJob(queue, `w${i}`, 30_000),
    );
    const got = (await Promise.all(leases)).filter((job) => job !== null).map(({ id }) => id);
    expect(got.sort()).toEqual(ids.sort());
  });

  it('never promotes delayed jobs', async () => {
    const queue = on.queue();
    await fill(queue, ['a'], { state: 'delayed', delayUntil: new Date(1) });
    expect(await order(queue)).toEqual([]);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])(
    'refuses a lock duration of %s and leaves the job waiting',
    async (duration) => {
      const queue = on.queue();
      await fill(queue, ['a']);
      await expect(on.store.fetchNextJob(queue, 'w', duration)).rejects.toThrow(/lockDuration/);
      expect(await on.redis.lRange(on.keys(queue).waiting, 0, -1)).toEqual(['a']);
      expect(await on.job(queue, 'a')).toMatchObject({ state: 'waiting' });
    },
  );

  it('rounds a fractional lock duration up', async () => {
    const queue = on.queue();
    await fill(queue, ['a']);
    const job = await on.store.fetchNextJob(queue, 'w', 999.2);
    expect(Number(job?.lockUntil) - Number(job?.processedAt)).toBe(1000);
  });
});

describe('what does not belong in the waiting list', () => {
  it('is dropped when its hash is gone', async () => {
    const queue = on.queue();
    await on.redis.rPush(on.keys(queue).waiting, 'ghost');
    await fill(queue, ['a']);
    expect(await order(queue)).toEqual(['a']);
    expect(await on.redis.lLen(on.keys(queue).waiting)).toBe(0);
  });

  it('is discarded when the job is already active or finished', async () => {
    const queue = on.queue();
    await fill(queue, ['a'], { state: 'completed', completedAt: new Date() });
    await on.redis.rPush(on.keys(queue).waiting, 'a');
    expect(await order(queue)).toEqual([]);
    expect(await on.job(queue, 'a')).toMatchObject({ state: 'completed' });
  });

  it('is leased once when pushed twice', async () => {
    const queue = on.queue();
    await fill(queue, ['a', 'b']);
    await on.redis.rPush(on.keys(queue).waiting, 'a');
    expect(await order(queue)).toEqual(['a', 'b']);
  });

  it('is set aside when its hash cannot be decoded, and the next job is leased', async () => {
    const queue = on.queue();
    await fill(queue, ['bad', 'good']);
    await on.redis.hSet(on.keys(queue).job('bad'), 'createdAt', 'yesterday');
    expect(await order(queue)).toEqual(['good']);
    expect(await on.store.getActiveCount(queue)).toBe(1);
    expect(await on.redis.lLen(on.keys(queue).waiting)).toBe(0);
  });

  it('does not lose a job when the active key has a foreign type', async () => {
    const queue = on.queue();
    await fill(queue, ['a']);
    await on.redis.set(on.keys(queue).active, 'poison');
    await expect(on.store.fetchNextJob(queue, 'w', 1000)).rejects.toMatchObject({
      code: 'ERR_FERRODIS_REPLY',
    });
    expect(await on.redis.lRange(on.keys(queue).waiting, 0, -1)).toEqual(['a']);
  });
});

describe('a rate limit', () => {
  const rateLimit = { max: 2, duration: 60_000 };

  it('stops leases above its maximum', async () => {
    const queue = on.queue();
    await fill(queue, ['a', 'b', 'c']);
    expect(await order(queue, { rateLimit })).toEqual(['a', 'b']);
  });

  it('opens again when the window has passed', async () => {
    const queue = on.queue();
    await fill(queue, ['a', 'b']);
    expect(await order(queue, { rateLimit: { max: 1, duration: 60_000 } })).toEqual(['a']);
    await elapse(80);
    expect(await order(queue, { rateLimit: { max: 1, duration: 50 } })).toEqual(['b']);
  });

  it('is off with a maximum of zero', async () => {
    const queue = on.queue();
    await fill(queue, ['a', 'b']);
    expect(await order(queue, { rateLimit: { max: 0, duration: 1000 } })).toEqual(['a', 'b']);
  });

  it('does not count leases made without it', async () => {
    const queue = on.queue();
    await fill(queue, ['a', 'b', 'c', 'd']);
    await on.store.fetchNextJob(queue, 'w', 1000);
    await on.store.fetchNextJob(queue, 'w', 1000);
    expect(await order(queue, { rateLimit })).toEqual(['c', 'd']);
  });

  it('holds among concurrent workers', async () => {
    const queue = on.queue();
    await fill(
      queue,
      Array.from({ length: 20 }, (_, i) => `j${i}`),
    );
    const leases = Array.from({ length: 20 }, () =>
      on.store.fetchNextJob(queue, 'w', 1000, { rateLimit: { max: 5, duration: 60_000 } }),
    );
    expect((await Promise.all(leases)).filter((job) => job !== null)).toHaveLength(5);
  });

  it('leaves a key that expires with its window', async () => {
    const queue = on.queue();
    await fill(queue, ['a']);
    await order(queue, { rateLimit });
    const ttl = await on.redis.pTTL(on.keys(queue).rateLimit);
    expect(ttl).toBeGreaterThan(50_000);
    expect(ttl).toBeLessThanOrEqual(60_000);
  });
});

describe('a pause', () => {
  it('of a name holds back the jobs of that name only', async () => {
    const queue = on.queue();
    await fill(queue, ['a'], { name: 'mail' });
    await fill(queue, ['b'], { name: 'other' });
    await on.store.pauseJobName(queue, 'mail');
    expect(await order(queue)).toEqual(['b']);
    await on.store.resumeJobName(queue, 'mail');
    expect(await order(queue)).toEqual(['a']);
  });

  it('of __all__ holds back the whole queue', async () => {
    const queue = on.queue();
    await fill(queue, ['a']);
    await on.store.pauseJobName(queue, '__all__');
    expect(await order(queue)).toEqual([]);
  });

  it('is listed, and pausing and resuming twice changes nothing', async () => {
    const queue = on.queue();
    await on.store.pauseJobName(queue, 'a');
    await on.store.pauseJobName(queue, 'a');
    await on.store.pauseJobName(queue, 'b');
    expect((await on.store.getPausedJobNames(queue)).sort()).toEqual(['a', 'b']);
    await on.store.resumeJobName(queue, 'a');
    await on.store.resumeJobName(queue, 'a');
    expect(await on.store.getPausedJobNames(queue)).toEqual(['b']);
  });

  it('does not register the queue', async () => {
    const queue = on.queue();
    await on.store.pauseJobName(queue, 'a');
    expect(await on.redis.sIsMember('conveyor:queues', queue)).toBe(0);
  });
});

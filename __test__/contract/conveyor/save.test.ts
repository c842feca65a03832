import { describe, expect, it } from 'vitest';

import { completion, newJob } from '../../support/job.js';
import { conveyor } from '../../support/conveyor.js';

const on = conveyor();
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('saveJob', () => {
  it('chooses a random UUID when the job has no id', async () => {
    const queue = on.queue();
    expect(await on.store.saveJob(queue, newJob(queue))).toMatch(UUID);
  });

  it('keeps the id of the job', async () => {
    const queue = on.queue();
    expect(await on.add(queue, { id: 'mine' })).toBe('mine');
  });

  it('keeps an empty id', async () => {
    const queue = on.queue();
    expect(await on.add(queue, { id: '' })).toBe('');
    expect(await on.store.countJobs(queue, 'waiting')).toBe(1);
  });

  it('reads back every field', async () => {
    const queue = on.queue();
    const job = {
      ...newJob(queue, {
        state: 'completed',
        data: { a: [1, null, 'ü😀'] },
        attemptsMade: 2,
        progress: 33.3,
        pendingChildrenCount: 1,
        returnvalue: { ok: true },
        failedReason: 'x',
        opts: { attempts: 3, priority: 0 },
        logs: ['l'],
        stacktrace: ['s'],
        attemptLogs: [
          {
            attempt: 1,
            startedAt: '2020-01-01T00:00:00.000Z',
            endedAt: null,
            status: 'failed',
            error: 'e',
            stacktrace: null,
            logs: [],
          },
        ],
        processedAt: new Date(2),
        completedAt: new Date(3),
        failedAt: new Date(4),
        cancelledAt: new Date(5),
        groupId: 'g',
        parentId: 'p',
        parentQueueName: queue,
        discarded: true,
        childrenIds: ['c'],
      }),
      id: 'full',
    };
    await on.store.saveJob(queue, job as never);
    expect(await on.store.getJob(queue, 'full')).toEqual(job);
  });

  it.each([
    ['undefined', undefined, null],
    ['null', null, null],
    ['zero', 0, 0],
    ['false', false, false],
    ['an empty string', '', ''],
    ['a large number', 1e21, 1e21],
    ['NaN inside', { a: Number.NaN }, { a: null }],
    ['a Date inside', { a: new Date(0) }, { a: '1970-01-01T00:00:00.000Z' }],
    ['a Map', new Map([[1, 2]]), {}],
    ['undefined members', { a: undefined, b: 1 }, { b: 1 }],
    ['a lone surrogate', '\ud800', '\ud800'],
    ['text with NUL and quotes', '\u0000"\\', '\u0000"\\'],
  ])('takes %s as a payload as JSON does', async (_name, data, expected) => {
    const queue = on.queue();
    const id = await on.add(queue, { data });
    expect((await on.job(queue, id)).data).toEqual(expected);
  });

  it('round-trips a payload of a megabyte', async () => {
    const queue = on.queue();
    const data = { text: 'ñ'.repeat(1 << 20) };
    const id = await on.add(queue, { data });
    expect((await on.job(queue, id)).data).toEqual(data);
  });

  it('rejects a BigInt payload with a TypeError and writes nothing', async () => {
    const queue = on.queue();
    await expect(on.add(queue, { data: 1n })).rejects.toThrow(TypeError);
    expect(await on.redis.keys(`*${queue}*`)).toEqual([]);
  });

  it('rejects something else than a Date in a date field with a TypeError', async () => {
    const queue = on.queue();
    await expect(on.add(queue, { processedAt: 5 as never })).rejects.toThrow(TypeError);
  });

  it('registers the queue', async () => {
    const queue = on.queue();
    await on.add(queue);
    expect(await on.redis.sIsMember('conveyor:queues', queue)).toBe(1);
  });

  it('accepts a delayed job without delayUntil and scores it by createdAt', async () => {
    const queue = on.queue();
    const id = await on.add(queue, { state: 'delayed', createdAt: new Date(77) });
    expect(await on.redis.zScore(on.keys(queue).delayed, id)).toBe(77);
  });

  it('keeps a queue name of the job apart from the one of the call', async () => {
    const queue = on.queue();
    const id = await on.store.saveJob(queue, newJob('elsewhere'));
    expect((await on.job(queue, id)).queueName).toBe('elsewhere');
  });
});

describe('saving an id that exists', () => {
  it('leaves a waiting job as it is and returns its id', async () => {
    const queue = on.queue();
    await on.add(queue, { id: 'a', data: 1 });
    expect(await on.add(queue, { id: 'a', data: 2, createdAt: new Date(9) })).toBe('a');
    expect((await on.job(queue, 'a')).data).toBe(1);
    expect(await on.redis.lRange(on.keys(queue).waiting, 0, -1)).toEqual(['a']);
  });

  it('leaves an active job as it is', async () => {
    const queue = on.queue();
    await on.add(queue, { id: 'a' });
    await on.store.fetchNextJob(queue, 'w', 10_000);
    await on.add(queue, { id: 'a', data: 2, createdAt: new Date(9) });
    expect(await on.job(queue, 'a')).toMatchObject({ state: 'active', lockedBy: 'w' });
    expect(await on.store.countJobs(queue, 'waiting')).toBe(0);
  });

  it('replaces a finished job without keeping any of its fields', async () => {
    const queue = on.queue();
    await on.add(queue, { id: 'a' });
    await on.store.fetchNextJob(queue, 'w', 10_000);
    await on.store.updateJob(queue, 'a', completion({ old: true }));
    const again = newJob(queue, { data: 2, createdAt: new Date(9) });
    await on.store.saveJob(queue, { ...again, id: 'a' } as never);
    expect(await on.job(queue, 'a')).toEqual({ ...again, id: 'a' });
    expect(await on.store.getJobCounts(queue)).toMatchObject({ waiting: 1, completed: 0 });
  });
});

describe('saveBulk', () => {
  it('returns an empty list for none, even without a connection', async () => {
    const { RedisStore } = await import('ferrodis/conveyor');
    expect(await new RedisStore().saveBulk('q', [])).toEqual([]);
  });

  it('returns ids in the order of the jobs', async () => {
    const queue = on.queue();
    const jobs = ['a', 'b', 'c'].map((id) => newJob(queue, { id }));
    expect(await on.store.saveBulk(queue, jobs)).toEqual(['a', 'b', 'c']);
    expect(await on.redis.lRange(on.keys(queue).waiting, 0, -1)).toEqual(['a', 'b', 'c']);
  });

  it('saves more jobs than fit one chunk, in order', async () => {
    const queue = on.queue();
    const ids = Array.from({ length: 1234 }, (_, i) => `job-${i}`);
    const saved = await on.store.saveBulk(
      queue,
      ids.map((id) => newJob(queue, { id })),
    );
    expect(saved).toEqual(ids);
    expect(await on.redis.lRange(on.keys(queue).waiting, 0, -1)).toEqual(ids);
  });

  it('spreads jobs over their states', async () => {
    const queue = on.queue();
    await on.store.saveBulk(queue, [
      newJob(queue),
      newJob(queue, { state: 'delayed', delayUntil: new Date(Date.now() + 60_000) }),
      newJob(queue, { state: 'waiting-children' }),
    ]);
    expect(await on.store.getJobCounts(queue)).toEqual({
      waiting: 1,
      'waiting-children': 1,
      delayed: 1,
      active: 0,
      completed: 0,
      failed: 0,
    });
  });

  it('lets the first of several jobs with one deduplication key decide', async () => {
    const queue = on.queue();
    const ids = await on.store.saveBulk(queue, [
      newJob(queue, { id: 'a', deduplicationKey: 'k' }),
      newJob(queue, { id: 'b' }),
      newJob(queue, { id: 'c', deduplicationKey: 'k' }),
    ]);
    expect(ids).toEqual(['a', 'b', 'a']);
    expect(await on.store.getJob(queue, 'c')).toBeNull();
  });

  it('writes nothing when every job is a duplicate', async () => {
    const queue = on.queue();
    await on.add(queue, { id: 'a', deduplicationKey: 'k' });
    await on.redis.sRem('conveyor:queues', queue);
    const ids = await on.store.saveBulk(queue, [newJob(queue, { deduplicationKey: 'k' })]);
    expect(ids).toEqual(['a']);
    expect(await on.redis.sIsMember('conveyor:queues', queue)).toBe(0);
  });
});

describe('getJob', () => {
  it('is null for an unknown id', async () => {
    expect(await on.store.getJob(on.queue(), 'none')).toBeNull();
  });

  it('gives a fresh object each time', async () => {
    const queue = on.queue();
    const id = await on.add(queue);
    const [one, two] = await Promise.all([on.job(queue, id), on.job(queue, id)]);
    expect(one).toEqual(two);
    expect(one).not.toBe(two);
    expect(one.data).not.toBe(two.data);
  });

  it('rejects an undecodable hash', async () => {
    const queue = on.queue();
    await on.redis.hSet(on.keys(queue).job('x'), { id: 'x' });
    await expect(on.store.getJob(queue, 'x')).rejects.toThrow('[Conveyor] Redis hash is missing required job fields');
  });

  it('reads a job with an empty name', async () => {
    const queue = on.queue();
    const id = await on.add(queue, { name: '' });
    expect((await on.job(queue, id)).name).toBe('');
  });

  it('ignores fields it does not know', async () => {
    const queue = on.queue();
    const id = await on.add(queue);
    await on.redis.hSet(on.keys(queue).job(id), '__proto__.x', '1');
    expect(await on.job(queue, id)).not.toHaveProperty('x');
  });
});

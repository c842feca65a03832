import { describe, expect, it } from 'vitest';

import { completion, failure, type Job, type JobState } from '../../support/job.js';
import { conveyor } from '../../support/conveyor.js';

const on = conveyor();

describe('updateJob', () => {
  it('changes what is given and keeps the rest', async () => {
    const queue = on.queue();
    const id = await on.add(queue, { data: 1, logs: ['a'] });
    await on.store.updateJob(queue, id, { progress: 50, logs: ['a', 'b'] });
    expect(await on.job(queue, id)).toMatchObject({ data: 1, progress: 50, logs: ['a', 'b'] });
  });

  it('resolves for a job that is gone, even with an expected state', async () => {
    const queue = on.queue();
    const options = { expectedState: 'waiting' as const };
    expect(await on.store.updateJob(queue, 'none', { progress: 1 }, options)).toBeUndefined();
    expect(await on.redis.exists(on.keys(queue).job('none'))).toBe(0);
  });

  it.each(['data', 'groupId', 'failedReason'] as const)(
    'clears %s when the update says undefined or null',
    async (field) => {
      const queue = on.queue();
      const first = await on.add(queue, { [field]: 'x' } as Partial<Job>);
      const second = await on.add(queue, { [field]: 'x' } as Partial<Job>);
      await on.store.updateJob(queue, first, { [field]: undefined });
      await on.store.updateJob(queue, second, { [field]: null });
      expect(await on.hash(queue, first)).not.toHaveProperty(field);
      expect(await on.hash(queue, second)).not.toHaveProperty(field);
    },
  );

  it('drops properties that are no job fields', async () => {
    const queue = on.queue();
    const id = await on.add(queue);
    await on.store.updateJob(queue, id, { nonsense: 1 } as never);
    expect(await on.hash(queue, id)).not.toHaveProperty('nonsense');
  });

  it('writes an empty update as nothing', async () => {
    const queue = on.queue();
    const id = await on.add(queue);
    const before = await on.hash(queue, id);
    await on.store.updateJob(queue, id, {});
    expect(await on.hash(queue, id)).toEqual(before);
  });

  it('keeps both of two concurrent updates', async () => {
    const queue = on.queue();
    const id = await on.add(queue);
    await Promise.all([
      on.store.updateJob(queue, id, { progress: 10 }),
      on.store.updateJob(queue, id, { logs: ['x'] }),
    ]);
    expect(await on.job(queue, id)).toMatchObject({ progress: 10, logs: ['x'] });
  });

  it('does not bring back a job that is removed at the same time', async () => {
    const queue = on.queue();
    const id = await on.add(queue);
    await Promise.all([on.store.removeJob(queue, id), on.store.updateJob(queue, id, { progress: 10 })]);
    expect(await on.redis.exists(on.keys(queue).job(id))).toBe(0);
  });

  it('keeps the lock a renewal wrote at the same time', async () => {
    const queue = on.queue();
    const id = await on.add(queue);
    await on.store.fetchNextJob(queue, 'w', 1000);
    await Promise.all([on.store.extendLock(queue, id, 60_000), on.store.updateJob(queue, id, { progress: 10 })]);
    const { lockUntil } = await on.job(queue, id);
    expect(lockUntil?.getTime()).toBeGreaterThan(Date.now() + 50_000);
  });

  it('publishes nothing and registers no queue', async () => {
    const queue = on.queue();
    const id = await on.add(queue);
    await on.redis.sRem('conveyor:queues', queue);
    await on.store.updateJob(queue, id, { progress: 1 });
    expect(await on.redis.sIsMember('conveyor:queues', queue)).toBe(0);
  });
});

describe('a change of state', () => {
  const states: JobState[] = ['waiting', 'waiting-children', 'delayed', 'active', 'completed', 'failed'];
  const delayUntil = new Date(Date.now() + 60_000);
  const pairs = states.flatMap((from) =>
    states.filter((to) => to !== from).map((to): [JobState, JobState] => [from, to]),
  );

  it.each(pairs)('moves a job from %s to %s and to no other index', async (from, to) => {
    const queue = on.queue();
    const id = await on.add(queue, { state: from, delayUntil, groupId: 'g' });
    await on.store.updateJob(queue, id, { state: to });
    const expected = Object.fromEntries(states.map((state) => [state, state === to ? 1 : 0]));
    expect(await on.store.getJobCounts(queue)).toEqual(expected);
    expect(await on.store.getGroupActiveCount(queue, 'g')).toBe(to === 'active' ? 1 : 0);
    expect(await on.store.getWaitingGroupCount(queue, 'g')).toBe(to === 'waiting' ? 1 : 0);
  });

  it('goes by the stored state when two updates meet', async () => {
    const queue = on.queue();
    for (let i = 0; i < 50; i += 1) {
      const id = await on.add(queue, { state: 'active' });
      await Promise.all([
        on.store.updateJob(queue, id, { state: 'failed', failedAt: new Date() }),
        on.store.updateJob(queue, id, { state: 'waiting' }),
      ]);
    }
    const counts = await on.store.getJobCounts(queue);
    expect(counts).toMatchObject({ active: 0 });
    expect(counts.waiting + counts.failed).toBe(50);
  });

  it('scores completed and failed jobs by their own instants', async () => {
    const queue = on.queue();
    const [one, two] = [await on.add(queue), await on.add(queue)];
    await on.store.updateJob(queue, one, { ...completion(), completedAt: new Date(11) });
    await on.store.updateJob(queue, two, { ...failure(), failedAt: new Date(22) });
    expect(await on.redis.zScore(on.keys(queue).completed, one)).toBe(11);
    expect(await on.redis.zScore(on.keys(queue).failed, two)).toBe(22);
  });

  it('scores a finished job without an instant by now', async () => {
    const queue = on.queue();
    const id = await on.add(queue);
    await on.store.updateJob(queue, id, { state: 'completed' });
    const score = await on.redis.zScore(on.keys(queue).completed, id);
    expect(Math.abs(Number(score) - Date.now())).toBeLessThan(10_000);
  });

  it('leaves the group of the old group id when both change', async () => {
    const queue = on.queue();
    const id = await on.add(queue, { groupId: 'old' });
    await on.store.updateJob(queue, id, { state: 'active', groupId: 'new' });
    expect(await on.store.getWaitingGroupCount(queue, 'old')).toBe(0);
    expect(await on.store.getGroupActiveCount(queue, 'new')).toBe(1);
  });

  it('takes the lock away when the job leaves active', async () => {
    const queue = on.queue();
    const id = await on.add(queue);
    await on.store.fetchNextJob(queue, 'w', 60_000);
    await on.store.updateJob(queue, id, completion());
    expect(await on.redis.exists(on.keys(queue).lock(id))).toBe(0);
  });
});

describe('a delayed job', () => {
  it('is re-scored when only delayUntil changes', async () => {
    const queue = on.queue();
    const id = await on.add(queue, { state: 'delayed', delayUntil: new Date(100) });
    await on.store.updateJob(queue, id, { delayUntil: new Date(200) });
    expect(await on.redis.zScore(on.keys(queue).delayed, id)).toBe(200);
  });

  it.each([
    ['to delayed without delayUntil', { state: 'waiting' }, { state: 'delayed' }],
    ['delayUntil to null', { state: 'delayed', delayUntil: new Date(5) }, { delayUntil: null }],
  ] as Array<[string, Partial<Job>, Partial<Job>]>)(
    'refuses a change of %s and changes nothing',
    async (_name, fields, update) => {
      const queue = on.queue();
      const id = await on.add(queue, fields);
      const before = await on.hash(queue, id);
      await expect(on.store.updateJob(queue, id, update)).rejects.toThrow(
        new Error(`[Conveyor] updateJob(${id}): state "delayed" requires a non-null delayUntil`),
      );
      expect(await on.hash(queue, id)).toEqual(before);
    },
  );
});

describe('an expected state', () => {
  it('lets a matching job through, alone or in a list', async () => {
    const queue = on.queue();
    const id = await on.add(queue);
    await on.store.updateJob(queue, id, { progress: 1 }, { expectedState: 'waiting' });
    await on.store.updateJob(queue, id, { progress: 2 }, { expectedState: ['active', 'waiting'] });
    expect((await on.job(queue, id)).progress).toBe(2);
  });

  it('rejects with InvalidJobStateError otherwise and changes nothing', async () => {
    const queue = on.queue();
    const id = await on.add(queue);
    const before = await on.hash(queue, id);
    const refused = on.store.updateJob(queue, id, { progress: 1 }, { expectedState: ['failed', 'active'] });
    await expect(refused).rejects.toMatchObject({
      name: 'InvalidJobStateError',
      message: `Cannot mutate job ${id}: state is "waiting", expected "failed" or "active"`,
      jobId: id,
      currentState: 'waiting',
      expectedStates: ['failed', 'active'],
    });
    expect(await on.hash(queue, id)).toEqual(before);
  });

  it('lets exactly one of many concurrent changes win', async () => {
    const queue = on.queue();
    const id = await on.add(queue);
    const attempts = Array.from({ length: 20 }, () =>
      on.store.updateJob(queue, id, { state: 'failed' }, { expectedState: 'waiting' }),
    );
    const results = await Promise.allSettled(attempts);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await on.store.countJobs(queue, 'failed')).toBe(1);
  });
});

describe('removeJob', () => {
  it.each(['waiting', 'waiting-children', 'delayed', 'active', 'completed', 'failed'] as const)(
    'removes a %s job with everything that belongs to it',
    async (state) => {
      const queue = on.queue();
      const id = await on.add(queue, {
        state,
        delayUntil: new Date(Date.now() + 60_000),
        groupId: 'g',
        deduplicationKey: 'k',
        parentId: 'p',
        parentQueueName: queue,
      });
      await on.redis.set(on.keys(queue).lock(id), 'w');
      await on.store.removeJob(queue, id);
      expect(await on.leftovers(queue)).toEqual([]);
    },
  );

  it('resolves for an unknown job', async () => {
    expect(await on.store.removeJob(on.queue(), 'none')).toBeUndefined();
  });
});

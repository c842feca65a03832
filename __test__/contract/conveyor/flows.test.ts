import { describe, expect, it } from 'vitest';

import { conveyor } from '../../support/conveyor.js';
import { completion, type Job, newJob } from '../../support/job.js';

const on = conveyor();

function parent(queue: string, fields: Partial<Job> = {}): Partial<Job> {
  return { queueName: queue, state: 'waiting-children', pendingChildrenCount: 2, ...fields };
}

describe('saveFlow', () => {
  it('saves children and parent over several queues and returns the ids in order', async () => {
    const [parents, one, two] = [on.queue(), on.queue(), on.queue()];
    const child = (queueName: string, id: string): Partial<Job> => ({
      id,
      queueName,
      parentId: 'p',
      parentQueueName: parents,
    });
    const ids = await on.store.saveFlow([
      { queueName: one, job: newJob(one, child(one, 'a')) },
      { queueName: two, job: newJob(two, child(two, 'b')) },
      { queueName: parents, job: newJob(parents, { ...parent(parents), id: 'p' }) },
    ]);
    expect(ids).toEqual(['a', 'b', 'p']);
    expect(await on.store.countJobs(one, 'waiting')).toBe(1);
    expect(await on.store.countJobs(two, 'waiting')).toBe(1);
    expect(await on.store.countJobs(parents, 'waiting-children')).toBe(1);
    for (const queue of [parents, one, two]) {
      expect(await on.redis.sIsMember('conveyor:queues', queue)).toBe(1);
    }
  });

  it('chooses ids for jobs without one', async () => {
    const queue = on.queue();
    const ids = await on.store.saveFlow([
      { queueName: queue, job: newJob(queue) },
      { queueName: queue, job: newJob(queue) },
    ]);
    expect(new Set(ids).size).toBe(2);
    expect((await on.store.listJobs(queue, 'waiting')).map(({ id }) => id)).toEqual(ids);
  });

  it('gives a duplicate the id of the job that holds its key', async () => {
    const queue = on.queue();
    await on.add(queue, { id: 'first', deduplicationKey: 'k' });
    const ids = await on.store.saveFlow([
      { queueName: queue, job: newJob(queue, { deduplicationKey: 'k' }) },
      { queueName: queue, job: newJob(queue, { id: 'new' }) },
    ]);
    expect(ids).toEqual(['first', 'new']);
  });

  it('is empty for no jobs', async () => {
    expect(await on.store.saveFlow([])).toEqual([]);
  });

  it('never shows a child to a worker before its parent exists', async () => {
    const queue = on.queue();
    const children = on.queue();
    const link = { parentId: 'p', parentQueueName: queue };
    const saved = on.store.saveFlow([
      ...Array.from({ length: 50 }, () => ({
        queueName: children,
        job: newJob(children, link),
      })),
      { queueName: queue, job: newJob(queue, { ...parent(queue), id: 'p' }) },
    ]);
    const other = await on.open();
    let leased = null;
    while (leased === null) leased = await other.fetchNextJob(children, 'w', 10_000);
    expect(await other.getJob(queue, 'p')).not.toBeNull();
    await saved;
  });
});

describe('notifyChildCompleted', () => {
  it('counts down and starts the parent after its last child', async () => {
    const queue = on.queue();
    const id = await on.add(queue, parent(queue, { groupId: 'g' }));
    expect(await on.store.notifyChildCompleted(queue, id)).toBe('waiting-children');
    expect(await on.job(queue, id)).toMatchObject({ pendingChildrenCount: 1 });
    expect(await on.store.notifyChildCompleted(queue, id)).toBe('waiting');
    expect(await on.job(queue, id)).toMatchObject({ state: 'waiting', pendingChildrenCount: 0 });
    expect(await on.store.getJobCounts(queue)).toMatchObject({
      waiting: 1,
      'waiting-children': 0,
    });
    expect(await on.store.getWaitingGroupCount(queue, 'g')).toBe(1);
  });

  it('says completed for a parent that is gone', async () => {
    expect(await on.store.notifyChildCompleted(on.queue(), 'none')).toBe('completed');
  });

  it.each(['active', 'completed', 'failed', 'waiting'] as const)(
    'leaves a parent that is already %s where it is',
    async (state) => {
      const queue = on.queue();
      const id = await on.add(queue, { state, pendingChildrenCount: 0 });
      const counts = await on.store.getJobCounts(queue);
      expect(await on.store.notifyChildCompleted(queue, id)).toBe(state);
      expect(await on.store.notifyChildCompleted(queue, id)).toBe(state);
      expect(await on.store.getJobCounts(queue)).toEqual(counts);
      expect(await on.job(queue, id)).toMatchObject({ state, pendingChildrenCount: 0 });
    },
  );

  it('starts the parent once when children end at the same time', async () => {
    const queue = on.queue();
    const id = await on.add(queue, parent(queue, { pendingChildrenCount: 10 }));
    const other = await on.open();
    const states = await Promise.all(
      Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? on.store : other).notifyChildCompleted(queue, id)),
    );
    expect(states.filter((state) => state === 'waiting')).toHaveLength(1);
    expect(await on.redis.lRange(on.keys(queue).waiting, 0, -1)).toEqual([id]);
  });
});

describe('failParentOnChildFailure', () => {
  it.each(['waiting-children', 'waiting'] as const)('fails a %s parent with the reason of the child', async (state) => {
    const queue = on.queue();
    const id = await on.add(queue, parent(queue, { state }));
    expect(await on.store.failParentOnChildFailure(queue, id, 'boom')).toBe(true);
    const job = await on.job(queue, id);
    expect(job).toMatchObject({ state: 'failed', failedReason: 'Child failed: boom' });
    expect(Math.abs(Number(job.failedAt) - Date.now())).toBeLessThan(10_000);
    expect(await on.store.countJobs(queue, 'failed')).toBe(1);
    expect(await on.store.countJobs(queue, state)).toBe(0);
  });

  it.each(['active', 'completed', 'failed'] as const)(
    'is false for a parent that is already %s and leaves it alone',
    async (state) => {
      const queue = on.queue();
      const id = await on.add(queue, { state, completedAt: new Date(5), failedAt: new Date(5) });
      const before = await on.hash(queue, id);
      expect(await on.store.failParentOnChildFailure(queue, id, 'boom')).toBe(false);
      expect(await on.hash(queue, id)).toEqual(before);
    },
  );

  it('is false for a parent that is gone', async () => {
    expect(await on.store.failParentOnChildFailure(on.queue(), 'none', 'x')).toBe(false);
  });
});

describe('getChildrenJobs', () => {
  it('lists the children over all queues, also finished ones', async () => {
    const [queue, other] = [on.queue(), on.queue()];
    const link = { parentId: 'p', parentQueueName: queue };
    await on.add(queue, { id: 'a', ...link, createdAt: new Date(1) });
    await on.add(other, { id: 'b', ...link, createdAt: new Date(2) });
    await on.store.updateJob(other, 'b', completion());
    const children = await on.store.getChildrenJobs(queue, 'p');
    expect(children.map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('leaves out removed children', async () => {
    const queue = on.queue();
    const link = { parentId: 'p', parentQueueName: queue };
    await on.add(queue, { id: 'a', ...link });
    await on.add(queue, { id: 'b', ...link });
    await on.store.removeJob(queue, 'a');
    const children = await on.store.getChildrenJobs(queue, 'p');
    expect(children.map(({ id }) => id)).toEqual(['b']);
  });

  it('is empty for a job without children', async () => {
    expect(await on.store.getChildrenJobs(on.queue(), 'p')).toEqual([]);
  });

  it('needs both parent id and parent queue for a link', async () => {
    const queue = on.queue();
    await on.add(queue, { parentId: 'p' });
    expect(await on.store.getChildrenJobs(queue, 'p')).toEqual([]);
  });
});

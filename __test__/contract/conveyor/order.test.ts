import { describe, expect, it } from 'vitest';

import { conveyor } from '../../support/conveyor.js';
import { completion, type Job, newJob } from '../../support/job.js';

const on = conveyor();

/** Saves one job per entry, in order; the id is `<first>`, the rest its fields. */
async function fill(queue: string, jobs: Array<[string, Partial<Job>]>): Promise<void> {
  await on.store.saveBulk(
    queue,
    jobs.map(([id, fields]) => newJob(queue, { id, ...fields })),
  );
}

async function order(queue: string, options = {}): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const job = await on.store.fetchNextJob(queue, 'w', 30_000, options);
    if (job === null) return ids;
    ids.push(job.id);
  }
}

const priority = (value: number): Partial<Job> => ({ opts: { priority: value } });
const group = (groupId: string): Partial<Job> => ({ groupId });

describe('priority', () => {
  it('leases lower numbers first and equal ones in the order they came', async () => {
    const queue = on.queue();
    await fill(queue, [
      ['five', priority(5)],
      ['none', {}],
      ['minus', priority(-1)],
      ['zero', priority(0)],
      ['five-2', priority(5)],
      ['half', priority(0.5)],
    ]);
    expect(await order(queue)).toEqual(['minus', 'none', 'zero', 'half', 'five', 'five-2']);
  });

  it('goes before lifo, which turns only equal ones round', async () => {
    const queue = on.queue();
    await fill(queue, [
      ['five', priority(5)],
      ['one-a', priority(1)],
      ['one-b', priority(1)],
    ]);
    expect(await order(queue, { lifo: true })).toEqual(['one-b', 'one-a', 'five']);
  });

  it('orders jobs saved one by one', async () => {
    const queue = on.queue();
    await on.add(queue, { id: 'a', ...priority(2) });
    await on.add(queue, { id: 'b', ...priority(1) });
    expect(await order(queue)).toEqual(['b', 'a']);
  });

  it('counts for jobs that waited before the first priority came', async () => {
    const queue = on.queue();
    await fill(queue, [['old', {}]]);
    await fill(queue, [
      ['first', priority(-5)],
      ['last', priority(5)],
    ]);
    expect(await order(queue)).toEqual(['first', 'old', 'last']);
  });

  it('changes with an update of the options of a waiting job', async () => {
    const queue = on.queue();
    await fill(queue, [
      ['a', priority(1)],
      ['b', priority(2)],
    ]);
    await on.store.updateJob(queue, 'b', { opts: { priority: 0 } });
    expect(await order(queue)).toEqual(['b', 'a']);
  });

  it('holds for promoted jobs', async () => {
    const queue = on.queue();
    await fill(queue, [
      ['plain', {}],
      ['urgent', { ...priority(-1), state: 'delayed', delayUntil: new Date(1) }],
    ]);
    await on.store.promoteDelayedJobs(queue, Date.now());
    expect(await order(queue)).toEqual(['urgent', 'plain']);
  });

  it('holds for retried jobs', async () => {
    const queue = on.queue();
    await fill(queue, [
      ['urgent', { ...priority(-1), state: 'failed', failedAt: new Date() }],
      ['low', priority(3)],
    ]);
    await on.store.retryJobs(queue, 'failed');
    expect(await order(queue)).toEqual(['urgent', 'low']);
  });

  it('orders jobs another process pushes on the shared list, once they are noticed', async () => {
    const queue = on.queue();
    await fill(queue, [['low', priority(9)]]);
    const { id: _id, ...hash } = await on.hash(queue, 'low');
    const foreign = { ...hash, id: 'foreign', opts: '{"priority":1}' };
    await on.redis.hSet(on.keys(queue).job('foreign'), foreign);
    await on.redis.rPush(on.keys(queue).waiting, 'foreign');
    expect(await order(queue)).toEqual(['foreign', 'low']);
  });

  it('does not lease a job again that another process took from the shared list', async () => {
    const queue = on.queue();
    await fill(queue, [
      ['taken', priority(1)],
      ['left', priority(2)],
    ]);
    await on.redis.lRem(on.keys(queue).waiting, 0, 'taken');
    await on.redis.sAdd(on.keys(queue).active, 'taken');
    await on.redis.hSet(on.keys(queue).job('taken'), { state: 'active', lockedBy: 'theirs' });
    expect(await order(queue)).toEqual(['left']);
    expect(await on.job(queue, 'taken')).toMatchObject({ lockedBy: 'theirs' });
  });

  it('respects names and pauses', async () => {
    const queue = on.queue();
    await fill(queue, [
      ['paused', { ...priority(-9), name: 'paused' }],
      ['mail', { ...priority(5), name: 'mail' }],
      ['other', { ...priority(1), name: 'other' }],
    ]);
    await on.store.pauseJobName(queue, 'paused');
    expect(await order(queue, { jobName: 'mail' })).toEqual(['mail']);
    expect(await order(queue)).toEqual(['other']);
  });

  it('leaves no side keys in a queue that never saw one', async () => {
    const queue = on.queue();
    await fill(queue, [
      ['a', {}],
      ['b', {}],
    ]);
    await order(queue);
    expect(await on.redis.keys(`{conveyor:${queue}}:x:prio*`)).toEqual([]);
  });
});

describe('groups', () => {
  it('lease at most as many jobs at a time as the cap says', async () => {
    const queue = on.queue();
    await fill(queue, [
      ['a1', group('a')],
      ['a2', group('a')],
      ['b1', group('b')],
      ['plain', {}],
    ]);
    const ids = await order(queue, { groupConcurrency: 1 });
    expect(ids.sort()).toEqual(['a1', 'b1', 'plain']);
    expect(await on.store.getGroupActiveCount(queue, 'a')).toBe(1);
  });

  it('go on when a job of theirs ends', async () => {
    const queue = on.queue();
    await fill(queue, [
      ['a1', group('a')],
      ['a2', group('a')],
    ]);
    expect(await order(queue, { groupConcurrency: 1 })).toEqual(['a1']);
    await on.store.updateJob(queue, 'a1', completion());
    expect(await order(queue, { groupConcurrency: 1 })).toEqual(['a2']);
  });

  it('are all blocked by a cap of zero, ungrouped jobs are not', async () => {
    const queue = on.queue();
    await fill(queue, [
      ['a1', group('a')],
      ['plain', {}],
    ]);
    expect(await order(queue, { groupConcurrency: 0 })).toEqual(['plain']);
  });

  it('are skipped when excluded', async () => {
    const queue = on.queue();
    await fill(queue, [
      ['a1', group('a')],
      ['b1', group('b')],
      ['plain', {}],
    ]);
    const ids = await order(queue, { excludeGroups: ['a'] });
    expect(ids.sort()).toEqual(['b1', 'plain']);
  });

  it('do not count ungrouped jobs as an excludable group', async () => {
    const queue = on.queue();
    await fill(queue, [['plain', {}]]);
    expect(await order(queue, { excludeGroups: ['__ungrouped__'] })).toEqual(['plain']);
  });

  it('take turns when a cap is given', async () => {
    const queue = on.queue();
    await fill(queue, [
      ['a1', group('a')],
      ['a2', group('a')],
      ['a3', group('a')],
      ['b1', group('b')],
      ['b2', group('b')],
      ['c1', group('c')],
    ]);
    const ids = await order(queue, { groupConcurrency: 10 });
    expect(
      ids
        .slice(0, 3)
        .map((id) => id[0])
        .sort(),
    ).toEqual(['a', 'b', 'c']);
    expect(
      ids
        .slice(3, 5)
        .map((id) => id[0])
        .sort(),
    ).toEqual(['a', 'b']);
    expect(ids[5]).toBe('a3');
  });

  it('come in list order without a cap or exclusions', async () => {
    const queue = on.queue();
    await fill(queue, [
      ['a1', group('a')],
      ['a2', group('a')],
      ['b1', group('b')],
    ]);
    expect(await order(queue)).toEqual(['a1', 'a2', 'b1']);
  });

  it('reach a free group behind a long line of a capped one', async () => {
    const queue = on.queue();
    const many = Array.from({ length: 450 }, (_, i): [string, Partial<Job>] => [`a${i}`, group('a')]);
    await fill(queue, [...many, ['b1', group('b')]]);
    const ids = await order(queue, { groupConcurrency: 1 });
    expect(ids.sort()).toEqual(['a0', 'b1']);
  });

  it('count their waiting jobs', async () => {
    const queue = on.queue();
    await fill(queue, [
      ['a1', group('a')],
      ['a2', group('a')],
    ]);
    expect(await on.store.getWaitingGroupCount(queue, 'a')).toBe(2);
    await on.store.fetchNextJob(queue, 'w', 1000);
    expect(await on.store.getWaitingGroupCount(queue, 'a')).toBe(1);
    expect(await on.store.getGroupActiveCount(queue, 'a')).toBe(1);
  });
});

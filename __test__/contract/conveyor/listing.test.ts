import { describe, expect, it } from 'vitest';

import { conveyor, Warnings } from '../../support/conveyor.js';
import { JOB_STATES, newJob } from '../../support/job.js';

const on = conveyor();
const ids = (jobs: Array<{ id?: string }>): Array<string | undefined> => jobs.map(({ id }) => id);

describe('counts', () => {
  it('are zero for a queue nobody used', async () => {
    const queue = on.queue();
    expect(await on.store.getActiveCount(queue)).toBe(0);
    expect(await on.store.getGroupActiveCount(queue, 'g')).toBe(0);
    expect(await on.store.getWaitingGroupCount(queue, 'g')).toBe(0);
    expect(await on.store.getJobCounts(queue)).toEqual(Object.fromEntries(JOB_STATES.map((state) => [state, 0])));
  });

  it.each(JOB_STATES)('count %s jobs', async (state) => {
    const queue = on.queue();
    await on.add(queue, { state, delayUntil: new Date(5) });
    expect(await on.store.countJobs(queue, state)).toBe(1);
    expect((await on.store.getJobCounts(queue))[state]).toBe(1);
  });

  it('refuse an unknown state', async () => {
    await expect(on.store.countJobs('q', 'lost' as never)).rejects.toThrow(
      new Error('[Conveyor] Unhandled JobState: lost'),
    );
  });
});

describe('listJobs', () => {
  it.each(['waiting', 'waiting-children'] as const)('lists %s jobs in list order', async (state) => {
    const queue = on.queue();
    for (const id of ['a', 'b', 'c']) await on.add(queue, { id, state });
    expect(ids(await on.store.listJobs(queue, state))).toEqual(['a', 'b', 'c']);
  });

  it.each([
    ['completed', 'completedAt'],
    ['failed', 'failedAt'],
  ] as const)('lists %s jobs newest first', async (state, field) => {
    const queue = on.queue();
    for (const [id, ms] of [
      ['b', 2],
      ['c', 3],
      ['a', 1],
    ] as const) {
      await on.add(queue, { id, state, [field]: new Date(ms) });
    }
    expect(ids(await on.store.listJobs(queue, state))).toEqual(['c', 'b', 'a']);
  });

  it.each(['delayed', 'active'] as const)('lists %s jobs oldest first', async (state) => {
    const queue = on.queue();
    for (const [id, ms] of [
      ['b', 2],
      ['c', 3],
      ['a', 1],
    ] as const) {
      await on.add(queue, { id, state, createdAt: new Date(ms), delayUntil: new Date(9 - ms) });
    }
    expect(ids(await on.store.listJobs(queue, state))).toEqual(['a', 'b', 'c']);
  });

  it.each(JOB_STATES)('takes start inclusive and end exclusive for %s jobs', async (state) => {
    const queue = on.queue();
    const instant = { completedAt: new Date(1), failedAt: new Date(1), delayUntil: new Date(1) };
    for (const id of ['a', 'b', 'c', 'd']) await on.add(queue, { id, state, ...instant });
    const all = ids(await on.store.listJobs(queue, state));
    expect(all).toHaveLength(4);
    expect(ids(await on.store.listJobs(queue, state, 1, 3))).toEqual(all.slice(1, 3));
    expect(await on.store.listJobs(queue, state, 4, 9)).toEqual([]);
  });

  it('takes the first hundred by default', async () => {
    const queue = on.queue();
    const jobs = Array.from({ length: 120 }, (_, i) => newJob(queue, { id: `j${i}` }));
    await on.store.saveBulk(queue, jobs);
    const page = await on.store.listJobs(queue, 'waiting');
    expect(ids(page)).toEqual(jobs.slice(0, 100).map(({ id }) => id));
  });

  it('is empty for an empty range, even without a connection or with an unknown state', async () => {
    const { RedisStore } = await import('ferrodis/conveyor');
    const closed = new RedisStore();
    expect(await closed.listJobs('q', 'waiting', 5, 5)).toEqual([]);
    expect(await closed.listJobs('q', 'lost' as never, 5, 1)).toEqual([]);
  });

  it('counts negative bounds from the tail, as Redis does', async () => {
    const queue = on.queue();
    for (const id of ['a', 'b', 'c']) await on.add(queue, { id });
    expect(ids(await on.store.listJobs(queue, 'waiting', -3, -1))).toEqual(['a', 'b']);
    expect(await on.store.listJobs(queue, 'waiting', -2, 1)).toEqual([]);
  });

  it.each(JOB_STATES)('takes an infinite end for %s jobs', async (state) => {
    const queue = on.queue();
    await on.add(queue, { state, delayUntil: new Date(5) });
    expect(await on.store.listJobs(queue, state, 0, Number.POSITIVE_INFINITY)).toHaveLength(1);
  });

  it('refuses an unknown state', async () => {
    await expect(on.store.listJobs('q', 'lost' as never)).rejects.toThrow(
      new Error('[Conveyor] Unhandled JobState: lost'),
    );
  });

  it('leaves out ids whose hash is gone', async () => {
    const queue = on.queue();
    await on.add(queue, { id: 'a' });
    await on.redis.rPush(on.keys(queue).waiting, 'ghost');
    expect(ids(await on.store.listJobs(queue, 'waiting'))).toEqual(['a']);
  });

  it('leaves out a job that cannot be decoded and warns about it', async () => {
    const warnings = new Warnings();
    const store = await on.open({ logger: warnings.logger });
    const queue = on.queue();
    await on.add(queue, { id: 'good' });
    await on.add(queue, { id: 'bad' });
    await on.redis.hSet(on.keys(queue).job('bad'), 'opts', '{not json');
    expect(ids(await store.listJobs(queue, 'waiting'))).toEqual(['good']);
    expect(warnings.lines).toHaveLength(1);
  });
});

describe('delayed jobs', () => {
  const at = (ms: number): object => ({ state: 'delayed', delayUntil: new Date(ms) });

  it('have a lowest instant, or none', async () => {
    const queue = on.queue();
    expect(await on.store.getNextDelayedTimestamp(queue)).toBeNull();
    await on.add(queue, at(300));
    await on.add(queue, at(200));
    expect(await on.store.getNextDelayedTimestamp(queue)).toBe(200);
  });

  it('are promoted up to and including the given instant, in the order of theirs', async () => {
    const queue = on.queue();
    await on.add(queue, { id: 'waits' });
    await on.add(queue, { id: 'b', ...at(20) });
    await on.add(queue, { id: 'a', ...at(10) });
    await on.add(queue, { id: 'later', ...at(21) });
    expect(await on.store.promoteDelayedJobs(queue, 20)).toBe(2);
    expect(ids(await on.store.listJobs(queue, 'waiting'))).toEqual(['waits', 'a', 'b']);
    expect(await on.store.countJobs(queue, 'delayed')).toBe(1);
    expect(await on.job(queue, 'a')).toMatchObject({ state: 'waiting', delayUntil: null });
  });

  it('enter the waiting set of their group', async () => {
    const queue = on.queue();
    await on.add(queue, { groupId: 'g', ...at(10) });
    await on.store.promoteDelayedJobs(queue, 20);
    expect(await on.store.getWaitingGroupCount(queue, 'g')).toBe(1);
  });

  it('are all promoted by promoteJobs, however many', async () => {
    const queue = on.queue();
    const jobs = Array.from({ length: 1201 }, (_, i) =>
      newJob(queue, { id: `j${i}`, ...at(Date.now() + 1_000_000 + i) }),
    );
    await on.store.saveBulk(queue, jobs);
    expect(await on.store.promoteJobs(queue)).toBe(1201);
    const order = await on.redis.lRange(on.keys(queue).waiting, 0, -1);
    expect(order).toEqual(jobs.map(({ id }) => id));
  });

  it('that are only an index entry are dropped and make no hash', async () => {
    const queue = on.queue();
    await on.redis.zAdd(on.keys(queue).delayed, { score: 1, value: 'ghost' });
    await on.store.promoteDelayedJobs(queue, 5);
    expect(await on.redis.exists(on.keys(queue).job('ghost'))).toBe(0);
    expect(await on.store.countJobs(queue, 'waiting')).toBe(0);
    expect(await on.store.countJobs(queue, 'delayed')).toBe(0);
  });

  it('that are no longer delayed stay as they are', async () => {
    const queue = on.queue();
    const id = await on.add(queue, { state: 'completed', completedAt: new Date(5) });
    await on.redis.zAdd(on.keys(queue).delayed, { score: 1, value: id });
    await on.store.promoteDelayedJobs(queue, 5);
    expect(await on.job(queue, id)).toMatchObject({ state: 'completed' });
    expect(await on.store.countJobs(queue, 'waiting')).toBe(0);
  });
});

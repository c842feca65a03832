import { describe, expect, it } from 'vitest';

import { conveyor, elapse } from '../../support/conveyor.js';
import { completion } from '../../support/job.js';

const on = conveyor();
const LEASE = 30;

/** What core's stalled sweep writes for a job that has attempts left. */
const sweep = { state: 'waiting', attemptsMade: 1, lockedBy: null, lockUntil: null } as const;

describe('extendLock', () => {
  it('moves the end of the lease and of the lock', async () => {
    const queue = on.queue();
    const id = await on.add(queue);
    await on.store.fetchNextJob(queue, 'w', 1000);
    expect(await on.store.extendLock(queue, id, 60_000)).toBe(true);
    const { lockUntil } = await on.job(queue, id);
    expect(Math.abs(Number(lockUntil) - Date.now() - 60_000)).toBeLessThan(10_000);
    expect(await on.redis.pTTL(on.keys(queue).lock(id))).toBeGreaterThan(50_000);
  });

  it('is false for a job that waits or does not exist', async () => {
    const queue = on.queue();
    const id = await on.add(queue);
    expect(await on.store.extendLock(queue, id, 1000)).toBe(false);
    expect(await on.store.extendLock(queue, 'none', 1000)).toBe(false);
    expect(await on.redis.exists(on.keys(queue).job('none'))).toBe(0);
  });

  it('is true for an active job this store did not lease', async () => {
    const queue = on.queue();
    const id = await on.add(queue, { state: 'active', lockedBy: 'theirs' });
    expect(await on.store.extendLock(queue, id, 1000)).toBe(true);
  });

  it('is false when the job was leased to another worker meanwhile', async () => {
    const queue = on.queue();
    const other = await on.open();
    const id = await on.add(queue);
    await on.store.fetchNextJob(queue, 'w1', LEASE);
    await on.redis.hSet(on.keys(queue).job(id), 'state', 'waiting');
    await on.redis.sRem(on.keys(queue).active, id);
    await on.redis.rPush(on.keys(queue).waiting, id);
    const second = await other.fetchNextJob(queue, 'w2', 60_000);
    expect(await on.store.extendLock(queue, id, 90_000)).toBe(false);
    expect((await on.job(queue, id)).lockUntil).toEqual(second?.lockUntil);
  });
});

describe('releaseLock', () => {
  it('clears the lease and frees the slot of the group', async () => {
    const queue = on.queue();
    const id = await on.add(queue, { groupId: 'g' });
    await on.store.fetchNextJob(queue, 'w', 60_000);
    expect(await on.store.releaseLock(queue, id)).toBeUndefined();
    expect(await on.job(queue, id)).toMatchObject({ lockedBy: null, lockUntil: null });
    expect(await on.store.getActiveCount(queue)).toBe(0);
    expect(await on.store.getGroupActiveCount(queue, 'g')).toBe(0);
    expect(await on.redis.exists(on.keys(queue).lock(id))).toBe(0);
  });

  it('resolves for an unknown job', async () => {
    expect(await on.store.releaseLock(on.queue(), 'none')).toBeUndefined();
  });

  it('leaves the lease of another worker alone', async () => {
    const queue = on.queue();
    const other = await on.open();
    const id = await on.add(queue);
    await on.store.fetchNextJob(queue, 'w1', LEASE);
    await elapse(LEASE * 2);
    await other.updateJob(queue, id, sweep);
    await other.fetchNextJob(queue, 'w2', 60_000);
    await on.store.releaseLock(queue, id);
    expect(await on.job(queue, id)).toMatchObject({ lockedBy: 'w2' });
    expect(await on.redis.get(on.keys(queue).lock(id))).toBe('w2');
  });
});

describe('a lease that was lost', () => {
  it('rejects the completion and leaves the job with its new worker', async () => {
    const queue = on.queue();
    const other = await on.open();
    const id = await on.add(queue);
    await on.store.fetchNextJob(queue, 'w1', LEASE);
    await elapse(LEASE * 2);
    await other.updateJob(queue, id, sweep);
    await other.fetchNextJob(queue, 'w2', 60_000);
    await expect(on.store.updateJob(queue, id, completion())).rejects.toMatchObject({
      code: 'ERR_FERRODIS_LEASE_LOST',
      outcome: 'none',
      retryable: false,
    });
    expect(await on.job(queue, id)).toMatchObject({ state: 'active', lockedBy: 'w2' });
    await other.updateJob(queue, id, completion('second'));
    expect(await on.job(queue, id)).toMatchObject({ state: 'completed', returnvalue: 'second' });
  });

  it('does not hinder the same store once it leased the job again', async () => {
    const queue = on.queue();
    const id = await on.add(queue);
    await on.store.fetchNextJob(queue, 'w1', LEASE);
    await elapse(LEASE * 2);
    const [stalled] = await on.store.getStalledJobs(queue, 0);
    await on.store.updateJob(queue, stalled.id, sweep);
    await on.store.fetchNextJob(queue, 'w1', 60_000);
    await on.store.updateJob(queue, id, completion('again'));
    expect(await on.job(queue, id)).toMatchObject({ state: 'completed', returnvalue: 'again' });
  });
});

describe('getStalledJobs', () => {
  it('lists active jobs whose lease ran out, and no others', async () => {
    const queue = on.queue();
    const late = await on.add(queue);
    await on.add(queue);
    await on.store.fetchNextJob(queue, 'w', LEASE);
    await on.store.fetchNextJob(queue, 'w', 60_000);
    await elapse(LEASE * 2);
    const jobs = await on.store.getStalledJobs(queue, 0);
    expect(jobs.map(({ id }) => id)).toEqual([late]);
  });

  it('is empty when nothing is active', async () => {
    expect(await on.store.getStalledJobs(on.queue(), 0)).toEqual([]);
  });

  it('keeps released jobs out', async () => {
    const queue = on.queue();
    const id = await on.add(queue);
    await on.store.fetchNextJob(queue, 'w', LEASE);
    await on.store.releaseLock(queue, id);
    expect(await on.store.getStalledJobs(queue, 0)).toEqual([]);
  });

  it('changes nothing', async () => {
    const queue = on.queue();
    const id = await on.add(queue);
    await on.store.fetchNextJob(queue, 'w', LEASE);
    await elapse(LEASE * 2);
    const before = await on.hash(queue, id);
    await on.store.getStalledJobs(queue, 0);
    expect(await on.hash(queue, id)).toEqual(before);
    expect(await on.store.getActiveCount(queue)).toBe(1);
  });

  it('leaves out a job that cannot be decoded', async () => {
    const queue = on.queue();
    await on.add(queue, { id: 'bad' });
    await on.add(queue, { id: 'good' });
    await on.store.fetchNextJob(queue, 'w', LEASE);
    await on.store.fetchNextJob(queue, 'w', LEASE);
    await on.redis.hSet(on.keys(queue).job('bad'), 'createdAt', 'never');
    await elapse(LEASE * 2);
    const jobs = await on.store.getStalledJobs(queue, 0);
    expect(jobs.map(({ id }) => id)).toEqual(['good']);
  });
});

describe('two sweepers that saw the same stalled job', () => {
  it('put it back once: the second does not take it from its new worker', async () => {
    const queue = on.queue();
    const [one, two] = [await on.open(), await on.open()];
    const id = await on.add(queue);
    await on.store.fetchNextJob(queue, 'w1', LEASE);
    await elapse(LEASE * 2);
    await Promise.all([one.getStalledJobs(queue, 0), two.getStalledJobs(queue, 0)]);
    await one.updateJob(queue, id, sweep);
    expect(await one.fetchNextJob(queue, 'w2', 60_000)).toMatchObject({ id });
    await two.updateJob(queue, id, sweep);
    expect(await on.job(queue, id)).toMatchObject({ state: 'active', lockedBy: 'w2' });
    expect(await on.store.countJobs(queue, 'waiting')).toBe(0);
  });

  it('does not undo a completion that came in between', async () => {
    const queue = on.queue();
    const sweeper = await on.open();
    const id = await on.add(queue);
    await on.store.fetchNextJob(queue, 'w1', LEASE);
    await elapse(LEASE * 2);
    await sweeper.getStalledJobs(queue, 0);
    await on.store.updateJob(queue, id, completion());
    await sweeper.updateJob(queue, id, sweep);
    expect(await on.job(queue, id)).toMatchObject({ state: 'completed' });
  });

  it('does not take a job whose lease was renewed in between', async () => {
    const queue = on.queue();
    const sweeper = await on.open();
    const id = await on.add(queue);
    await on.store.fetchNextJob(queue, 'w1', LEASE);
    await elapse(LEASE * 2);
    await sweeper.getStalledJobs(queue, 0);
    await on.store.extendLock(queue, id, 60_000);
    await sweeper.updateJob(queue, id, sweep);
    expect(await on.job(queue, id)).toMatchObject({ state: 'active', lockedBy: 'w1' });
  });
});

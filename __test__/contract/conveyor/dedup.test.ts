import { describe, expect, it } from 'vitest';

import { completion, failure, newJob } from '../../support/job.js';
import { conveyor, elapse } from '../../support/conveyor.js';

const on = conveyor();

describe('a deduplication key', () => {
  it('gives the second save the id of the first job and writes nothing', async () => {
    const queue = on.queue();
    const first = await on.add(queue, { deduplicationKey: 'k' });
    expect(await on.add(queue, { deduplicationKey: 'k', data: 'other' })).toBe(first);
    expect(await on.store.countJobs(queue, 'waiting')).toBe(1);
  });

  it('does not reach into another queue', async () => {
    const [one, two] = [on.queue(), on.queue()];
    const first = await on.add(one, { deduplicationKey: 'k' });
    expect(await on.add(two, { deduplicationKey: 'k' })).not.toBe(first);
  });

  it('lets exactly one of many concurrent savers win', async () => {
    const queue = on.queue();
    const other = await on.open();
    const saves = Array.from({ length: 50 }, (_, i) =>
      (i % 2 === 0 ? on.store : other).saveJob(queue, newJob(queue, { deduplicationKey: 'k' })),
    );
    expect(new Set(await Promise.all(saves)).size).toBe(1);
    expect(await on.store.countJobs(queue, 'waiting')).toBe(1);
  });

  it('is ignored when empty', async () => {
    const queue = on.queue();
    const first = await on.add(queue, { deduplicationKey: '' });
    expect(await on.add(queue, { deduplicationKey: '' })).not.toBe(first);
  });

  it.each([
    ['completed', completion()],
    ['failed', failure()],
  ])('is free again once its job is %s', async (_state, update) => {
    const queue = on.queue();
    const first = await on.add(queue, { deduplicationKey: 'k' });
    await on.store.fetchNextJob(queue, 'w', 10_000);
    await on.store.updateJob(queue, first, update);
    expect(await on.redis.exists(on.keys(queue).dedup('k'))).toBe(0);
    expect(await on.add(queue, { deduplicationKey: 'k' })).not.toBe(first);
  });

  it('is free again once its job is removed', async () => {
    const queue = on.queue();
    const first = await on.add(queue, { deduplicationKey: 'k' });
    await on.store.removeJob(queue, first);
    expect(await on.add(queue, { deduplicationKey: 'k' })).not.toBe(first);
  });

  it('is free again once its ttl has run out, though its job still waits', async () => {
    const queue = on.queue();
    const opts = { deduplication: { ttl: 40 } };
    const first = await on.add(queue, { deduplicationKey: 'k', opts });
    await elapse(60);
    expect(await on.add(queue, { deduplicationKey: 'k', opts })).not.toBe(first);
    expect(await on.store.countJobs(queue, 'waiting')).toBe(2);
  });

  it('survives the end of an older job whose ttl had run out', async () => {
    const queue = on.queue();
    const opts = { deduplication: { ttl: 40 } };
    const first = await on.add(queue, { deduplicationKey: 'k', opts });
    await elapse(60);
    const second = await on.add(queue, { deduplicationKey: 'k' });
    await on.store.fetchNextJob(queue, 'w', 10_000);
    await on.store.updateJob(queue, first, completion());
    expect(await on.redis.get(on.keys(queue).dedup('k'))).toBe(second);
    await on.store.removeJob(queue, first);
    expect(await on.redis.get(on.keys(queue).dedup('k'))).toBe(second);
  });

  it('counts the age of the job against the ttl', async () => {
    const queue = on.queue();
    const opts = { deduplication: { ttl: 100_000 } };
    await on.add(queue, { deduplicationKey: 'k', opts, createdAt: new Date(Date.now() - 40_000) });
    const left = await on.redis.pTTL(on.keys(queue).dedup('k'));
    expect(left).toBeGreaterThan(50_000);
    expect(left).toBeLessThanOrEqual(60_000);
  });

  it('is not reserved by a job older than its ttl, which is saved all the same', async () => {
    const queue = on.queue();
    const opts = { deduplication: { ttl: 10 } };
    const id = await on.add(queue, { deduplicationKey: 'k', opts, createdAt: new Date(1) });
    expect(await on.redis.exists(on.keys(queue).dedup('k'))).toBe(0);
    expect(await on.store.getJob(queue, id)).not.toBeNull();
  });

  it('is permanent with a ttl of zero', async () => {
    const queue = on.queue();
    await on.add(queue, { deduplicationKey: 'k', opts: { deduplication: { ttl: 0 } } });
    expect(await on.redis.pTTL(on.keys(queue).dedup('k'))).toBe(-1);
  });

  it('takes a fractional ttl', async () => {
    const queue = on.queue();
    await on.add(queue, { deduplicationKey: 'k', opts: { deduplication: { ttl: 60_000.5 } } });
    expect(await on.redis.pTTL(on.keys(queue).dedup('k'))).toBeGreaterThan(50_000);
  });

  it('is taken over from a pointer to a job that is gone', async () => {
    const queue = on.queue();
    await on.redis.set(on.keys(queue).dedup('k'), 'gone');
    const id = await on.add(queue, { deduplicationKey: 'k' });
    expect(await on.redis.get(on.keys(queue).dedup('k'))).toBe(id);
  });
});

describe('findByDeduplicationKey', () => {
  it('finds the job that holds the key', async () => {
    const queue = on.queue();
    const id = await on.add(queue, { deduplicationKey: 'k' });
    expect(await on.store.findByDeduplicationKey(queue, 'k')).toMatchObject({
      id,
      deduplicationKey: 'k',
    });
  });

  it('is null for a free key', async () => {
    expect(await on.store.findByDeduplicationKey(on.queue(), 'k')).toBeNull();
  });

  it('deletes a pointer to a job that is gone', async () => {
    const queue = on.queue();
    await on.redis.set(on.keys(queue).dedup('k'), 'gone');
    expect(await on.store.findByDeduplicationKey(queue, 'k')).toBeNull();
    expect(await on.redis.exists(on.keys(queue).dedup('k'))).toBe(0);
  });

  it('keeps a pointer to a finished job and finds nothing', async () => {
    const queue = on.queue();
    const id = await on.add(queue, {
      state: 'completed',
      completedAt: new Date(),
      deduplicationKey: 'k',
    });
    await on.redis.set(on.keys(queue).dedup('k'), id);
    expect(await on.store.findByDeduplicationKey(queue, 'k')).toBeNull();
    expect(await on.redis.get(on.keys(queue).dedup('k'))).toBe(id);
  });
});

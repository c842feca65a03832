import type { RedisStore } from 'ferrodis/conveyor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { conveyor, elapse } from '../support/conveyor.js';
import { dump } from '../support/dump.js';
import { completion, failure, type Job, newJob } from '../support/job.js';
import { OriginalStore } from '../support/original-conveyor.js';
import { subscriber } from '../support/subscriber.js';

const on = conveyor();
let original: OriginalStore;

beforeAll(async () => {
  original = new OriginalStore({ url: on.server.url });
  await original.connect();
});

afterAll(() => original.disconnect());

type AnyStore = RedisStore | OriginalStore;

describe('written by one, read by the other', () => {
  const rich = (queue: string): Partial<Job> => ({
    id: 'i',
    data: { a: [1, null, 'ü'], b: { c: 1.5 } },
    opts: { attempts: 3, deduplication: { ttl: 60_000 } },
    deduplicationKey: 'k',
    groupId: 'g',
    parentId: 'p',
    parentQueueName: queue,
    childrenIds: ['x'],
    logs: ['l'],
    createdAt: new Date(Date.now() - 10),
  });

  it('leaves the same keys and bytes after every step of the life of a job', async () => {
    const [ours, theirs] = [on.queue(), on.queue()];
    const createdAt = new Date(Date.now() - 10);
    const named = (found: object, queue: string): unknown => JSON.parse(JSON.stringify(found).replaceAll(queue, 'Q'));
    const sides: Array<[AnyStore, string]> = [
      [on.store, ours],
      [original, theirs],
    ];
    const compare = async (step: string): Promise<void> => {
      const [one, two] = await Promise.all(
        sides.map(async ([, queue]) => named(await dump(on.redis, on.keys(queue).tag), queue)),
      );
      expect(one, step).toEqual(two);
    };
    const both = async (step: (store: AnyStore, queue: string) => Promise<unknown>): Promise<void> => {
      for (const [store, queue] of sides) await step(store, queue);
      await compare(step.toString());
    };
    const until = new Date(Date.now() + 60_000);
    await both((store, queue) => store.saveJob(queue, newJob(queue, { ...rich(queue), createdAt }) as never));
    await both((store, queue) => store.updateJob(queue, 'i', { progress: 12.5, logs: [] }));
    await both((store, queue) => store.updateJob(queue, 'i', { state: 'delayed', delayUntil: until }));
    await both((store, queue) => store.updateJob(queue, 'i', { delayUntil: new Date(until.getTime() + 5) }));
    await both((store, queue) => store.updateJob(queue, 'i', { state: 'waiting', delayUntil: null }));
    await both((store, queue) => store.updateJob(queue, 'i', { ...failure(), failedAt: until }));
    // A retried job reserves its key again in ferrodis only, so it goes on without one.
    await both((store, queue) => store.updateJob(queue, 'i', { deduplicationKey: null }));
    await both((store, queue) => store.retryJobs(queue, 'failed'));
    await both((store, queue) => store.updateJob(queue, 'i', { ...completion([1]), completedAt: until }));
    await both((store, queue) => store.removeJob(queue, 'i'));
  });

  it.each([
    ['the original', 'ours', () => original, () => on.store],
    ['ours', 'the original', () => on.store, () => original],
  ] as Array<[string, string, () => AnyStore, () => AnyStore]>)(
    '%s saves, %s reads every field',
    async (_writer, _reader, writer, reader) => {
      const queue = on.queue();
      const job = { ...newJob(queue, rich(queue)), id: 'i' };
      await writer().saveJob(queue, job as never);
      expect(await reader().getJob(queue, 'i')).toEqual(job);
      expect(await reader().findByDeduplicationKey(queue, 'k')).toMatchObject({ id: 'i' });
      expect(await reader().saveJob(queue, newJob(queue, { deduplicationKey: 'k' }) as never)).toBe('i');
    },
  );

  it.each([
    ['the original', 'ours', () => original, () => on.store],
    ['ours', 'the original', () => on.store, () => original],
  ] as Array<[string, string, () => AnyStore, () => AnyStore]>)(
    '%s saves, %s leases and completes',
    async (_saver, _worker, saver, worker) => {
      const queue = on.queue();
      const id = await saver().saveJob(queue, newJob(queue, { groupId: 'g' }) as never);
      expect(await worker().fetchNextJob(queue, 'w', 10_000)).toMatchObject({ id, lockedBy: 'w' });
      expect(await saver().getActiveCount(queue)).toBe(1);
      await worker().updateJob(queue, id, completion({ ok: 1 }));
      expect(await saver().getJob(queue, id)).toMatchObject({
        state: 'completed',
        returnvalue: { ok: 1 },
        lockedBy: null,
      });
      expect(await saver().getJobCounts(queue)).toMatchObject({ active: 0, completed: 1 });
    },
  );

  it('ours goes on with a job the original leased', async () => {
    const queue = on.queue();
    const id = await original.saveJob(queue, newJob(queue));
    await original.fetchNextJob(queue, 'theirs', 20);
    expect(await on.store.extendLock(queue, id, 20)).toBe(true);
    await elapse(40);
    const [stalled] = await on.store.getStalledJobs(queue, 0);
    expect(stalled).toMatchObject({ id, lockedBy: 'theirs' });
    await on.store.updateJob(queue, id, completion());
    expect(await original.getJob(queue, id)).toMatchObject({ state: 'completed' });
  });

  it('fields of later versions vanish at an update by the original and trouble nobody', async () => {
    const queue = on.queue();
    const id = await on.add(queue);
    await on.redis.hSet(on.keys(queue).job(id), 'later', '1');
    await on.store.updateJob(queue, id, { progress: 1 });
    expect(await on.hash(queue, id)).toMatchObject({ later: '1', progress: '1' });
    await original.updateJob(queue, id, { progress: 2 });
    expect(await on.hash(queue, id)).not.toHaveProperty('later');
    expect(await on.job(queue, id)).toMatchObject({ progress: 2 });
  });

  it('the original promotes, wakes parents and lists children that ours saved', async () => {
    const queue = on.queue();
    await on.add(queue, { id: 'd', state: 'delayed', delayUntil: new Date(5) });
    expect(await original.promoteDelayedJobs(queue, 5)).toBe(1);
    await on.add(queue, { id: 'p', state: 'waiting-children', pendingChildrenCount: 1 });
    await on.add(queue, { id: 'c', parentId: 'p', parentQueueName: queue });
    expect((await original.getChildrenJobs(queue, 'p')).map(({ id }) => id)).toEqual(['c']);
    expect(await original.notifyChildCompleted(queue, 'p')).toBe('waiting');
    expect((await on.store.listJobs(queue, 'waiting')).map(({ id }) => id)).toEqual(['d', 'c', 'p']);
  });

  it('events of the original reach subscribers of ours, and those of ours its channel', async () => {
    const queue = on.queue();
    const received = new Promise((resolve) => on.store.subscribe(queue, resolve));
    const event = { type: 'job:progress', queueName: queue, jobId: 'i', data: 1, timestamp: new Date(9) } as const;
    await original.publish(event);
    expect(await received).toEqual(event);
    const channel = await subscriber(on.redis, 'conveyor:events');
    await Promise.all([original.publish(event), channel.until(1)]);
    await Promise.all([on.store.publish(event), channel.until(2)]);
    const [theirs, ours] = channel.payloads.map((text) => text.replace(/"originId":"[^"]+"/, ''));
    expect(ours).toBe(theirs);
    channel.close();
  });

  it('the original keeps working on a queue with priorities, which it ignores', async () => {
    const queue = on.queue();
    await on.add(queue, { id: 'late', opts: { priority: 9 } });
    await on.add(queue, { id: 'soon', opts: { priority: 1 } });
    await on.add(queue, { id: 'middle', opts: { priority: 5 } });
    expect(await original.fetchNextJob(queue, 'w', 10_000)).toMatchObject({ id: 'late' });
    expect(await on.store.fetchNextJob(queue, 'w', 10_000)).toMatchObject({ id: 'soon' });
    await original.removeJob(queue, 'middle');
    expect(await on.store.fetchNextJob(queue, 'w', 10_000)).toBeNull();
  });
});

describe('both work on one queue at the same time', () => {
  /** Leases and completes until the queue stays empty; returns what it ran. */
  async function work(store: AnyStore, queue: string, worker: string, left: () => number): Promise<string[]> {
    const ran: string[] = [];
    while (left() > 0) {
      const job = await store.fetchNextJob(queue, worker, 30_000);
      if (job === null) {
        await elapse(1);
        continue;
      }
      ran.push(job.id);
      await store.updateJob(queue, job.id, { progress: 50 });
      await store.updateJob(queue, job.id, completion(worker));
      done += 1;
    }
    return ran;
  }
  let done = 0;

  it('loses nothing and runs every job once', async () => {
    const queue = on.queue();
    const total = 600;
    done = 0;
    const left = (): number => total - done;
    const save = async (store: AnyStore): Promise<void> => {
      for (let i = 0; i < total / 6; i += 1)
        await store.saveJob(queue, newJob(queue, { groupId: `g${i % 3}` }) as never);
      await store.saveBulk(queue, Array.from({ length: total / 3 }, () => newJob(queue)) as never);
    };
    const other = await on.open();
    const [ran] = await Promise.all([
      Promise.all([
        work(on.store, queue, 'ours-1', left),
        work(other, queue, 'ours-2', left),
        work(original, queue, 'theirs-1', left),
        work(original, queue, 'theirs-2', left),
      ]),
      save(on.store),
      save(original),
    ]);
    const ids = ran.flat();
    expect(ids).toHaveLength(total);
    expect(new Set(ids).size).toBe(total);
    expect(ran.every((each) => each.length > 0)).toBe(true);
    expect(await on.store.getJobCounts(queue)).toEqual({
      waiting: 0,
      'waiting-children': 0,
      delayed: 0,
      active: 0,
      completed: total,
      failed: 0,
    });
  });

  it('keeps one live job for a deduplication key', async () => {
    const queue = on.queue();
    const saves = Array.from({ length: 40 }, (_, i) =>
      (i % 2 === 0 ? on.store : original).saveJob(queue, newJob(queue, { deduplicationKey: 'k' }) as never),
    );
    const ids = new Set(await Promise.all(saves));
    expect(ids.size).toBe(1);
    expect(await on.store.countJobs(queue, 'waiting')).toBe(1);
  });
});

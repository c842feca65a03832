import { describe, expect, it } from 'vitest';

import { conveyor } from '../../support/conveyor.js';
import { subscriber } from '../../support/subscriber.js';
import { completion, JOB_STATES, newJob } from '../../support/job.js';

const on = conveyor();
const none = Object.fromEntries(JOB_STATES.map((state) => [state, 0]));

/** What listQueues says about one queue. */
async function info(queue: string) {
  return (await on.store.listQueues()).find(({ name }) => name === queue);
}

describe('listQueues', () => {
  it('gives counts, pause, latest activity and scheduled jobs', async () => {
    const queue = on.queue();
    await on.add(queue, { createdAt: new Date(100) });
    await on.add(queue, { createdAt: new Date(100), opts: { repeat: { every: 5 } } });
    await on.add(queue, {
      state: 'completed',
      createdAt: new Date(900),
      processedAt: new Date(950),
      completedAt: new Date(500),
    });
    expect(await info(queue)).toEqual({
      name: queue,
      counts: { ...none, waiting: 2, completed: 1 },
      isPaused: false,
      latestActivity: new Date(500),
      scheduledCount: 1,
    });
  });

  it.each([
    [{ state: 'failed', failedAt: new Date(7), processedAt: new Date(9) }, 7],
    [{ state: 'active', processedAt: new Date(9), createdAt: new Date(50) }, 9],
    [{ state: 'delayed', delayUntil: new Date(99), createdAt: new Date(50) }, 50],
    [{ state: 'waiting-children', createdAt: new Date(50) }, 50],
  ] as const)('takes the activity of a job from its latest phase: %j', async (fields, expected) => {
    const queue = on.queue();
    await on.add(queue, fields);
    expect((await info(queue))?.latestActivity).toEqual(new Date(expected));
  });

  it('says that a queue is paused only when all of it is', async () => {
    const [all, one] = [on.queue(), on.queue()];
    for (const queue of [all, one]) await on.add(queue);
    await on.store.pauseJobName(all, '__all__');
    await on.store.pauseJobName(one, 'mail');
    expect((await info(all))?.isPaused).toBe(true);
    expect((await info(one))?.isPaused).toBe(false);
  });

  it('lists an empty registered queue without activity', async () => {
    const queue = on.queue();
    const id = await on.add(queue);
    await on.store.removeJob(queue, id);
    expect(await info(queue)).toEqual({
      name: queue,
      counts: none,
      isPaused: false,
      latestActivity: null,
      scheduledCount: 0,
    });
  });

  it('leaves out queues nobody registered', async () => {
    const queue = on.queue();
    await on.store.pauseJobName(queue, 'x');
    expect(await info(queue)).toBeUndefined();
  });

  it.each(['*', 'z[1]', 'a?', 'a}b'])('reads a queue named %s by itself', async (queue) => {
    await on.add(queue, { createdAt: new Date(5) });
    expect(await info(queue)).toMatchObject({
      counts: { ...none, waiting: 1 },
      latestActivity: new Date(5),
    });
    await on.store.obliterate(queue);
  });

  it('survives a job that cannot be decoded', async () => {
    const queue = on.queue();
    await on.add(queue, { id: 'bad' });
    await on.redis.hSet(on.keys(queue).job('bad'), { createdAt: 'x', opts: '{' });
    expect(await info(queue)).toMatchObject({ counts: { ...none, waiting: 1 } });
  });

  it('reads a queue of thousands of jobs', async () => {
    const queue = on.queue();
    const jobs = Array.from({ length: 2500 }, (_, i) =>
      newJob(queue, { createdAt: new Date(i), opts: i % 2 === 0 ? { repeat: { every: 1 } } : {} }),
    );
    await on.store.saveBulk(queue, jobs);
    expect(await info(queue)).toMatchObject({
      counts: { ...none, waiting: 2500 },
      latestActivity: new Date(2499),
      scheduledCount: 1250,
    });
  });
});

describe('findJobById', () => {
  it('finds a job in whichever queue has it', async () => {
    const queue = on.queue();
    await on.add(on.queue());
    const id = await on.add(queue);
    expect(await on.store.findJobById(id)).toMatchObject({ id, queueName: queue });
  });

  it('is null for an unknown id', async () => {
    expect(await on.store.findJobById('none')).toBeNull();
  });

  it('is null when no queue is registered', async () => {
    const store = await on.open({ keyPrefix: 'unused' });
    expect(await store.findJobById('none')).toBeNull();
  });
});

describe('cancelJob', () => {
  it('marks an active job, leaves it active and announces it', async () => {
    const queue = on.queue();
    const id = await on.add(queue);
    await on.store.fetchNextJob(queue, 'w', 10_000);
    const channel = await subscriber(on.redis, 'conveyor:events');
    expect(await on.store.cancelJob(queue, id)).toBe(true);
    const [payload] = await channel.until(1);
    channel.close();
    const event = JSON.parse(payload) as { timestamp: number };
    const { state, cancelledAt } = await on.job(queue, id);
    expect(state).toBe('active');
    expect(event).toMatchObject({ type: 'job:cancelled', queueName: queue, jobId: id });
    expect(cancelledAt).toEqual(new Date(event.timestamp));
  });

  it('tells subscribers of the same store', async () => {
    const queue = on.queue();
    const id = await on.add(queue);
    await on.store.fetchNextJob(queue, 'w', 10_000);
    const events: unknown[] = [];
    on.store.subscribe(queue, (event) => events.push(event));
    await on.store.cancelJob(queue, id);
    expect(events).toEqual([expect.objectContaining({ type: 'job:cancelled', queueName: queue, jobId: id })]);
  });

  it.each(['waiting', 'completed', 'failed'] as const)('is false for a %s job and changes nothing', async (state) => {
    const queue = on.queue();
    const id = await on.add(queue, { state });
    const before = await on.hash(queue, id);
    expect(await on.store.cancelJob(queue, id)).toBe(false);
    expect(await on.hash(queue, id)).toEqual(before);
  });

  it('is false for an unknown job', async () => {
    expect(await on.store.cancelJob(on.queue(), 'none')).toBe(false);
  });

  it('never undoes a completion that happens at the same time', async () => {
    const queue = on.queue();
    for (let i = 0; i < 30; i += 1) {
      const id = await on.add(queue);
      await on.store.fetchNextJob(queue, 'w', 10_000);
      await Promise.all([on.store.cancelJob(queue, id), on.store.updateJob(queue, id, completion())]);
      expect((await on.job(queue, id)).state).toBe('completed');
    }
    expect(await on.store.getJobCounts(queue)).toMatchObject({ active: 0, completed: 30 });
  });
});

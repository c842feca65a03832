import { RedisStore } from 'ferrodis/conveyor';
import { describe, expect, it } from 'vitest';

import { conveyor } from '../../support/conveyor.js';
import { completion, failure } from '../../support/job.js';

const on = conveyor();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const now = Date.now();
const window = { from: new Date(now - 2 * HOUR), to: new Date(now + 2 * HOUR) };
const disabled = 'Metrics are not enabled. Set metrics.enabled: true in store options.';

/** Runs one job of this name and ends it `took` ms after it began. */
async function run(store: RedisStore, queue: string, name: string, took: number, failed = false): Promise<void> {
  const id = await on.add(queue, { name });
  await store.fetchNextJob(queue, 'w', 10_000, { jobName: name });
  const processedAt = (await on.job(queue, id)).processedAt as Date;
  const end = new Date(processedAt.getTime() + took);
  await store.updateJob(queue, id, failed ? { ...failure(), failedAt: end } : { ...completion(), completedAt: end });
}

describe('metrics', () => {
  it('count, per name and over all names, what ended in a minute', async () => {
    const store = await on.open({ metrics: { enabled: true } });
    const queue = on.queue();
    await run(store, queue, 'mail', 10);
    await run(store, queue, 'mail', 30);
    await run(store, queue, 'scan', 5, true);
    const buckets = await store.getMetrics(queue, { granularity: 'minute', ...window });
    const sum = (jobName: string, field: 'completedCount' | 'failedCount' | 'totalProcessMs') =>
      buckets.filter((bucket) => bucket.jobName === jobName).reduce((total, bucket) => total + bucket[field], 0);
    expect(sum('mail', 'completedCount')).toBe(2);
    expect(sum('mail', 'totalProcessMs')).toBe(40);
    expect(sum('scan', 'failedCount')).toBe(1);
    expect(sum('__all__', 'completedCount')).toBe(2);
    expect(sum('__all__', 'failedCount')).toBe(1);
    for (const bucket of buckets) {
      expect(bucket).toMatchObject({ queueName: queue, granularity: 'minute' });
      expect(bucket.periodStart.getTime() % MINUTE).toBe(0);
    }
  });

  it('keep the shortest and the longest time', async () => {
    const store = await on.open({ metrics: { enabled: true } });
    const queue = on.queue();
    await run(store, queue, 'mail', 30);
    await run(store, queue, 'mail', 10);
    const buckets = await store.getMetrics(queue, { granularity: 'minute', ...window });
    const mail = buckets.filter(({ jobName }) => jobName === 'mail');
    expect(Math.min(...mail.map((bucket) => Number(bucket.minProcessMs)))).toBe(10);
    expect(Math.max(...mail.map((bucket) => Number(bucket.maxProcessMs)))).toBe(30);
  });

  it('come in ascending order and only from the asked window', async () => {
    const store = await on.open({ metrics: { enabled: true } });
    const queue = on.queue();
    await run(store, queue, 'mail', 10);
    const past = { from: new Date(now - 3 * HOUR), to: new Date(now - 2 * HOUR) };
    expect(await store.getMetrics(queue, { granularity: 'minute', ...past })).toEqual([]);
    const buckets = await store.getMetrics(queue, { granularity: 'minute', ...window });
    const starts = buckets.map(({ periodStart }) => periodStart.getTime());
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
  });

  it('fill hours that do not grow with every aggregation', async () => {
    const store = await on.open({ metrics: { enabled: true } });
    const queue = on.queue();
    await run(store, queue, 'mail', 10);
    for (let i = 0; i < 3; i += 1) await store.aggregateMetrics();
    const hours = await store.getMetrics(queue, { granularity: 'hour', ...window });
    const mail = hours.filter(({ jobName }) => jobName === 'mail');
    expect(mail).toHaveLength(1);
    expect(mail[0]).toMatchObject({ completedCount: 1, totalProcessMs: 10 });
    expect(mail[0].periodStart.getTime() % HOUR).toBe(0);
  });

  it('lose what is older than the retention', async () => {
    const store = await on.open({ metrics: { enabled: true, retentionMinutes: 1 } });
    const queue = on.queue();
    await run(store, queue, 'mail', 10);
    const keys = await on.redis.keys(`{conveyor:${queue}}:x:m:minute:*`);
    const ancient = Math.floor((now - 5 * HOUR) / MINUTE) * MINUTE;
    for (const key of keys) await on.redis.rename(key, key.replace(/\d+$/, String(ancient)));
    expect(keys).not.toEqual([]);
    await store.aggregateMetrics();
    const all = { from: new Date(now - 9 * HOUR), to: new Date(now + HOUR) };
    expect(await store.getMetrics(queue, { granularity: 'minute', ...all })).toEqual([]);
  });

  it('record nothing when they are off', async () => {
    const queue = on.queue();
    await run(on.store, queue, 'mail', 10);
    expect(await on.redis.keys(`{conveyor:${queue}}:x:m:*`)).toEqual([]);
  });

  it.each([
    ['getMetrics', (store: RedisStore) => store.getMetrics('q', { granularity: 'hour', ...window })],
    ['aggregateMetrics', (store: RedisStore) => store.aggregateMetrics()],
  ])('%s says that they are off, even before connect', async (_name, call) => {
    const attempt = async (): Promise<unknown> => call(new RedisStore());
    await expect(attempt()).rejects.toMatchObject({
      name: 'MetricsDisabledError',
      message: disabled,
    });
  });
});

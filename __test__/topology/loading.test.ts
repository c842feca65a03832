import { expect, it } from 'vitest';

import { conveyor } from '../support/conveyor.js';
import { newJob } from '../support/job.js';

/** Microseconds per key: together with the keys below longer than anybody waits, but the test ends it. */
const on = conveyor({ config: { 'key-load-delay': '5000', 'loading-process-events-interval-bytes': '1024' } });

/** How many commands the server has refused because it was loading. */
async function refusals(): Promise<number> {
  return Number(/errorstat_LOADING:count=(\d+)/.exec(await on.redis.info('errorstats'))?.[1] ?? 0);
}

it('a server that is loading its data is waited for', async () => {
  const queue = on.queue();
  await on.store.saveJob(queue, newJob(queue, { id: 'before' }));
  const fill = on.redis.multi();
  for (let i = 0; i < 10_000; i += 1) fill.set(`filler:${i}`, 'x'.repeat(100));
  await fill.exec();
  await on.redis.sendCommand(['SAVE']);
  await on.server.kill();
  const ready = on.server.launch();
  const answer = (): Promise<string> => on.redis.ping().catch((error: Error) => error.message);
  await expect.poll(answer, { interval: 20 }).toMatch(/^LOADING/);
  const saved = on.store.saveJob(queue, newJob(queue, { id: 'during' }));
  const before = await refusals();
  await expect.poll(refusals, { interval: 20 }).toBeGreaterThan(before);
  await on.redis.configSet('key-load-delay', '0');
  expect(await saved).toBe('during');
  expect(await on.store.countJobs(queue, 'waiting')).toBe(2);
  await ready;
});

import { RedisStore } from 'ferrodis/conveyor';
import { beforeEach, describe, expect, it } from 'vitest';

import { conveyor } from '../support/conveyor.js';
import { completion, type Job, newJob } from '../support/job.js';

const on = conveyor();

/** What `reliability.md` 1.6 grants: the keys of the prefix, its channel, and nothing administrative. */
const RULES = [
  'on',
  '>secret',
  'resetkeys',
  '~conveyor:*',
  '~{conveyor:*',
  'resetchannels',
  '&conveyor:events',
  '-@all',
  '+@read',
  '+@write',
  '+@connection',
  '+@transaction',
  '+eval',
  '+evalsha',
  '+script|load',
  '+script|exists',
  '+publish',
  '+subscribe',
  '+unsubscribe',
  '+time',
  '-@dangerous',
  '-@admin',
];

beforeEach(async () => {
  await on.redis.sendCommand(['ACL', 'SETUSER', 'app', 'reset', ...RULES]);
  await on.redis.sendCommand(['ACL', 'LOG', 'RESET']);
});

const asApp = (): string => on.server.url.replace('redis://', 'redis://app:secret@');

/** Every method of the store once, with something to do for each. */
async function everything(store: RedisStore): Promise<void> {
  const queue = on.queue();
  const fields: Partial<Job> = { deduplicationKey: 'k', groupId: 'g', opts: { priority: 1 } };
  await store.saveJob(queue, newJob(queue, { id: 'a', ...fields }));
  await store.saveBulk(queue, [newJob(queue, { id: 'b' }), newJob(queue, { id: 'c' })]);
  await store.saveFlow([
    { queueName: queue, job: newJob(queue, { id: 'child', parentId: 'p', parentQueueName: queue }) },
    { queueName: queue, job: newJob(queue, { id: 'p', state: 'waiting-children', pendingChildrenCount: 2 }) },
  ]);
  await store.findByDeduplicationKey(queue, 'k');
  const limits = { rateLimit: { max: 9, duration: 1000 }, groupConcurrency: 1, excludeGroups: ['x'] };
  const leased = (await store.fetchNextJob(queue, 'w', 10_000, limits)) as Job;
  await store.extendLock(queue, leased.id, 10_000);
  await store.cancelJob(queue, leased.id);
  await store.updateJob(queue, leased.id, completion());
  await store.releaseLock(queue, leased.id);
  await store.notifyChildCompleted(queue, 'p');
  await store.getChildrenJobs(queue, 'p');
  await store.failParentOnChildFailure(queue, 'p', 'x');
  await store.updateJob(queue, 'b', { state: 'delayed', delayUntil: new Date(5) });
  await store.getNextDelayedTimestamp(queue);
  await store.promoteDelayedJobs(queue, 1);
  await store.promoteJobs(queue);
  await store.retryJobs(queue, 'completed');
  await store.pauseJobName(queue, 'x');
  await store.getPausedJobNames(queue);
  await store.resumeJobName(queue, 'x');
  await store.getActiveCount(queue);
  await store.getGroupActiveCount(queue, 'g');
  await store.getWaitingGroupCount(queue, 'g');
  await store.getJobCounts(queue);
  await store.countJobs(queue, 'waiting');
  await store.listJobs(queue, 'waiting');
  await store.listJobs(queue, 'delayed');
  await store.getStalledJobs(queue, 0);
  await store.listQueues();
  await store.findJobById('a');
  await store.searchByPayload(queue, 'x');
  await store.searchByName('task');
  await store.listFlowParents();
  await store.searchJobs({});
  await store.publish({ type: 'job:waiting', queueName: queue, timestamp: new Date() });
  const now = Date.now();
  await store.getMetrics(queue, { granularity: 'hour', from: new Date(now - 1000), to: new Date(now) });
  await store.aggregateMetrics();
  await store.removeJob(queue, 'a');
  await store.clean(queue, 'failed', 0);
  await store.drain(queue);
  await store.obliterate(queue, { force: true });
}

describe('a user with no more rights than it needs', () => {
  it('can do everything, and the server has nothing to log', async () => {
    const store = new RedisStore({ url: asApp(), metrics: { enabled: true } });
    await store.connect();
    await everything(store);
    await store.disconnect();
    expect(await on.redis.sendCommand(['ACL', 'LOG'])).toEqual([]);
  });

  it('is told what was refused when a right is taken away', async () => {
    const store = new RedisStore({ url: asApp() });
    await store.connect();
    await on.redis.sendCommand(['ACL', 'SETUSER', 'app', '-evalsha', '-eval']);
    await expect(store.saveJob('q', newJob('q'))).rejects.toMatchObject({
      code: 'ERR_FERRODIS_AUTH',
      replyCode: 'NOPERM',
      outcome: 'none',
    });
    await store.disconnect();
  });
});

import { describe, expect, it } from 'vitest';

import { conveyor } from '../../support/conveyor.js';
import { childTuple } from '../../support/conveyor-keys.js';
import { dump, type Dumped } from '../../support/dump.js';
import { completion, failure, newJob } from '../../support/job.js';
import { subscriber } from '../../support/subscriber.js';

const on = conveyor();
const dumped = (queue: string): Promise<Record<string, Dumped>> => dump(on.redis, on.keys(queue).tag);

/** The hash of a fresh plain job. */
function plain(queue: string, id: string, createdAt: Date): Record<string, string> {
  return {
    id,
    queueName: queue,
    name: 'task',
    state: 'waiting',
    attemptsMade: '0',
    progress: '0',
    pendingChildrenCount: '0',
    discarded: '0',
    createdAt: String(createdAt.getTime()),
    data: '{"n":1}',
    opts: '{}',
    logs: '[]',
    stacktrace: '[]',
    attemptLogs: '[]',
    childrenIds: '[]',
  };
}

describe('a save writes', () => {
  const createdAt = new Date(1_700_000_000_123);

  it('a waiting job: hash and list entry, and the registry', async () => {
    const queue = on.queue();
    await on.add(queue, { id: 'i', createdAt });
    expect(await dumped(queue)).toEqual({ 'job:i': plain(queue, 'i', createdAt), waiting: ['i'] });
    expect(await on.redis.type('conveyor:queues')).toBe('set');
  });

  it.each([
    ['waiting', { waiting: ['i'], 'group:g:waiting': [['i', createdAt.getTime()]] }],
    ['waiting-children', { 'waiting-children': ['i'] }],
    ['active', { active: ['i'], 'group:g:active': ['i'] }],
    ['delayed', { delayed: [['i', 3]] }],
    ['completed', { completed: [['i', 4]] }],
    ['failed', { failed: [['i', 5]] }],
  ] as const)('a %s job of a group into exactly its indexes', async (state, indexes) => {
    const queue = on.queue();
    await on.add(queue, {
      id: 'i',
      state,
      createdAt,
      groupId: 'g',
      delayUntil: new Date(3),
      completedAt: new Date(4),
      failedAt: new Date(5),
    });
    expect(await dumped(queue)).toEqual({
      'job:i': {
        ...plain(queue, 'i', createdAt),
        state,
        groupId: 'g',
        delayUntil: '3',
        completedAt: '4',
        failedAt: '5',
      },
      ...indexes,
    });
  });

  it('every field in its encoding', async () => {
    const queue = on.queue();
    await on.add(queue, {
      id: 'i',
      createdAt,
      data: { b: 1, a: 'é\ud800', c: undefined },
      attemptsMade: 3,
      progress: 33.3,
      pendingChildrenCount: 2,
      returnvalue: [null, 0],
      failedReason: '',
      opts: { delay: '5m', attempts: 2 },
      deduplicationKey: '',
      logs: ['ü'],
      stacktrace: ['s\n'],
      processedAt: new Date(1),
      cancelledAt: new Date(2),
      lockUntil: new Date(3),
      lockedBy: 'w',
      parentId: 'p',
      groupId: '',
      discarded: true,
      childrenIds: ['c'],
    });
    expect(await on.hash(queue, 'i')).toEqual({
      ...plain(queue, 'i', createdAt),
      data: '{"b":1,"a":"é\\ud800"}',
      attemptsMade: '3',
      progress: '33.3',
      pendingChildrenCount: '2',
      returnvalue: '[null,0]',
      failedReason: '',
      opts: '{"delay":"5m","attempts":2}',
      deduplicationKey: '',
      logs: '["ü"]',
      stacktrace: '["s\\n"]',
      processedAt: '1',
      cancelledAt: '2',
      lockUntil: '3',
      lockedBy: 'w',
      parentId: 'p',
      groupId: '',
      discarded: '1',
      childrenIds: '["c"]',
    });
  });

  it('a deduplication pointer: the bare id, with or without an end', async () => {
    const queue = on.queue();
    await on.add(queue, { id: 'i', deduplicationKey: 'k' });
    await on.add(queue, {
      id: 'j',
      deduplicationKey: 'l',
      opts: { deduplication: { ttl: 60_000 } },
    });
    expect(await dumped(queue)).toMatchObject({ 'dedup:k': 'i', 'dedup:l': 'j' });
    expect(await on.redis.pTTL(on.keys(queue).dedup('k'))).toBe(-1);
    expect(await on.redis.pTTL(on.keys(queue).dedup('l'))).toBeGreaterThan(50_000);
  });

  it('a child into the set of its parent, in the queue of the parent', async () => {
    const [children, parents] = [on.queue(), on.queue()];
    await on.add(children, { id: 'c', parentId: 'p', parentQueueName: parents });
    expect(await dumped(parents)).toEqual({ 'flow:p:children': [childTuple(children, 'c')] });
  });

  it('a bulk and a flow as single saves', async () => {
    const [bulk, flow] = [on.queue(), on.queue()];
    const fields = { id: 'i', createdAt, groupId: 'g', deduplicationKey: 'k' };
    await on.store.saveBulk(bulk, [newJob(bulk, fields)]);
    await on.store.saveFlow([{ queueName: flow, job: newJob(flow, fields) }]);
    const expected = (queue: string): Record<string, Dumped> => ({
      'job:i': { ...plain(queue, 'i', createdAt), groupId: 'g', deduplicationKey: 'k' },
      waiting: ['i'],
      'group:g:waiting': [['i', createdAt.getTime()]],
      'dedup:k': 'i',
    });
    expect(await dumped(bulk)).toEqual(expected(bulk));
    expect(await dumped(flow)).toEqual(expected(flow));
  });
});

describe('a lease writes', () => {
  it('hash, active sets, lock and nothing else', async () => {
    const queue = on.queue();
    const createdAt = new Date();
    await on.add(queue, { id: 'i', createdAt, groupId: 'g' });
    const job = await on.store.fetchNextJob(queue, 'worker-1', 60_000);
    expect(await dumped(queue)).toEqual({
      'job:i': {
        ...plain(queue, 'i', createdAt),
        state: 'active',
        groupId: 'g',
        lockedBy: 'worker-1',
        processedAt: String(job?.processedAt?.getTime()),
        lockUntil: String(job?.lockUntil?.getTime()),
      },
      active: ['i'],
      'group:g:active': ['i'],
      'lock:i': 'worker-1',
    });
    const ttl = await on.redis.pTTL(on.keys(queue).lock('i'));
    expect(ttl).toBeGreaterThan(50_000);
    expect(ttl).toBeLessThanOrEqual(60_000);
  });

  it('with a rate limit one entry named after instant and job', async () => {
    const queue = on.queue();
    await on.add(queue, { id: 'i' });
    const job = await on.store.fetchNextJob(queue, 'w', 1000, {
      rateLimit: { max: 1, duration: 60_000 },
    });
    const ms = Number(job?.processedAt);
    expect((await dumped(queue)).rl).toEqual([[`${ms}:i`, ms]]);
  });

  it('on renewal only lockUntil and the life of the lock', async () => {
    const queue = on.queue();
    await on.add(queue, { id: 'i' });
    await on.store.fetchNextJob(queue, 'w', 30_000);
    const before = await dumped(queue);
    await on.store.extendLock(queue, 'i', 60_000);
    const { lockUntil } = await on.hash(queue, 'i');
    expect(await dumped(queue)).toEqual({
      ...before,
      'job:i': { ...(before['job:i'] as object), lockUntil },
    });
    expect(lockUntil).toMatch(/^\d{13}$/);
  });

  it('nothing where it is released', async () => {
    const queue = on.queue();
    const createdAt = new Date();
    await on.add(queue, { id: 'i', createdAt, groupId: 'g' });
    const job = await on.store.fetchNextJob(queue, 'w', 1000);
    await on.store.releaseLock(queue, 'i');
    expect(await dumped(queue)).toEqual({
      'job:i': {
        ...plain(queue, 'i', createdAt),
        state: 'active',
        groupId: 'g',
        processedAt: String(job?.processedAt?.getTime()),
      },
    });
  });
});

describe('an end writes', () => {
  it.each([
    ['completed', { ...completion({ ok: 1 }), completedAt: new Date(9) }],
    ['failed', { ...failure('why'), failedAt: new Date(9) }],
  ] as const)('a %s job: hash and sorted set, no lock, no pointer', async (state, update) => {
    const queue = on.queue();
    const createdAt = new Date();
    await on.add(queue, { id: 'i', createdAt, groupId: 'g', deduplicationKey: 'k' });
    const job = await on.store.fetchNextJob(queue, 'w', 60_000);
    await on.store.updateJob(queue, 'i', update);
    const outcome =
      state === 'completed' ? { completedAt: '9', returnvalue: '{"ok":1}' } : { failedAt: '9', failedReason: 'why' };
    expect(await dumped(queue)).toEqual({
      'job:i': {
        ...plain(queue, 'i', createdAt),
        state,
        groupId: 'g',
        deduplicationKey: 'k',
        processedAt: String(job?.processedAt?.getTime()),
        ...outcome,
      },
      [state]: [['i', 9]],
    });
  });

  it('nothing at all of a removed job', async () => {
    const queue = on.queue();
    await on.add(queue, { id: 'i', groupId: 'g', deduplicationKey: 'k' });
    await on.store.fetchNextJob(queue, 'w', 60_000);
    await on.store.removeJob(queue, 'i');
    expect(await dumped(queue)).toEqual({});
  });
});

describe('moving writes', () => {
  it('a promoted job at the tail, without delayUntil, in the set of its group', async () => {
    const queue = on.queue();
    const createdAt = new Date();
    await on.add(queue, { id: 'first', createdAt });
    const delayed = { id: 'i', createdAt, groupId: 'g' };
    await on.add(queue, { ...delayed, state: 'delayed', delayUntil: new Date(5) });
    const before = Date.now();
    await on.store.promoteDelayedJobs(queue, 5);
    const after = await dumped(queue);
    expect(after).toEqual({
      'job:first': plain(queue, 'first', createdAt),
      'job:i': { ...plain(queue, 'i', createdAt), groupId: 'g' },
      waiting: ['first', 'i'],
      'group:g:waiting': [['i', expect.any(Number)]],
    });
    const [[, score]] = after['group:g:waiting'] as Array<[string, number]>;
    expect(Math.abs(score - before)).toBeLessThan(10_000);
  });

  it('a pause as a set of names', async () => {
    const queue = on.queue();
    await on.store.pauseJobName(queue, 'mail');
    await on.store.pauseJobName(queue, '__all__');
    expect(await dumped(queue)).toEqual({ paused: ['__all__', 'mail'] });
  });

  it('a started parent at the tail with no children pending', async () => {
    const queue = on.queue();
    const createdAt = new Date();
    const fields = { id: 'p', createdAt, state: 'waiting-children', pendingChildrenCount: 1 } as const;
    await on.add(queue, fields);
    await on.store.notifyChildCompleted(queue, 'p');
    expect(await dumped(queue)).toEqual({
      'job:p': plain(queue, 'p', createdAt),
      waiting: ['p'],
    });
  });
});

describe('an event on the wire', () => {
  it('has its keys in order, the instant as a number and the id of the store', async () => {
    const channel = await subscriber(on.redis, 'conveyor:events');
    await on.store.publish({
      type: 'job:progress',
      queueName: 'q',
      jobId: 'i',
      data: { b: 'é', a: 5 },
      timestamp: new Date(1),
    });
    const [payload] = await channel.until(1);
    expect(payload).toMatch(
      /^\{"type":"job:progress","queueName":"q","jobId":"i","data":\{"b":"é","a":5\},"timestamp":1,"originId":"[0-9a-f-]{36}"\}$/,
    );
    channel.close();
  });

  it('leaves out what is undefined and keeps what is null', async () => {
    const channel = await subscriber(on.redis, 'conveyor:events');
    await on.store.publish({ type: 'queue:paused', queueName: 'q', timestamp: new Date(1) });
    await on.store.publish({ type: 'job:waiting', queueName: 'q', data: null, timestamp: new Date(1) });
    const [first, second] = await channel.until(2);
    expect(first).toMatch(/^\{"type":"queue:paused","queueName":"q","timestamp":1,"originId":"/);
    expect(second).toMatch(/^\{"type":"job:waiting","queueName":"q","data":null,"timestamp":1,"originId":"/);
    channel.close();
  });

  it('of a cancellation looks as a published one', async () => {
    const queue = on.queue();
    await on.add(queue, { id: 'i' });
    await on.store.fetchNextJob(queue, 'w', 10_000);
    const channel = await subscriber(on.redis, 'conveyor:events');
    await on.store.cancelJob(queue, 'i');
    const [payload] = await channel.until(1);
    const { cancelledAt } = await on.hash(queue, 'i');
    expect(payload.replace(/"originId":"[0-9a-f-]{36}"/, '"originId":"…"')).toBe(
      `{"type":"job:cancelled","queueName":"${queue}","jobId":"i","timestamp":${cancelledAt},"originId":"…"}`,
    );
    channel.close();
  });
});

describe('side keys', () => {
  it('lie under the tag, apart from jobs, and those of calls expire', async () => {
    const queue = on.queue();
    await on.add(queue, { opts: { priority: 1 }, groupId: 'g' });
    await on.store.fetchNextJob(queue, 'w', 1000, { groupConcurrency: 1 });
    const { tag } = on.keys(queue);
    const names = (await on.redis.keys(`${tag}:x:*`)).map((key) => key.slice(tag.length + 1));
    expect(names).not.toEqual([]);
    for (const name of names.filter((each) => each.startsWith('x:claims:'))) {
      expect(await on.redis.pTTL(`${tag}:${name}`)).toBeGreaterThan(0);
    }
    const foreign = (await on.redis.keys('*')).filter(
      (key) => !key.startsWith('{conveyor:') && !key.startsWith('conveyor:'),
    );
    expect(foreign).toEqual([]);
  });
});

import { RedisAgentRunService } from 'ferrodis/pikku';
import { describe, expect, it } from 'vitest';

import { ioredis, original, oursBeside, siblings } from '../../support/pikku/siblings.js';

const on = siblings();

function open(prefix: string, url: string = on.url): RedisAgentRunService {
  return on.keep(new RedisAgentRunService(url, prefix));
}

interface Thread {
  id: string;
  resourceId: string;
  recency: number;
  agent?: string;
  runs?: string[];
}

/** Writes threads, as an agent storage would; nothing in the original does. */
async function fill(prefix: string, threads: Thread[]): Promise<void> {
  for (const { id, resourceId, recency, agent, runs = [] } of threads) {
    const at = String(1_700_000_000_000 + recency);
    await on.redis.zAdd(`${prefix}:threads`, { value: id, score: recency });
    await on.redis.hSet(`${prefix}:thread:${id}`, { id, resourceId, title: '', createdAt: at, updatedAt: at });
    if (agent !== undefined) await on.redis.sAdd(`${prefix}:agent-threads:${agent}`, id);
    for (const [score, run] of runs.entries()) {
      await on.redis.zAdd(`${prefix}:thread-runs:${id}`, { value: run, score });
      await on.redis.hSet(`${prefix}:run:${run}`, {
        runId: run,
        agentName: agent ?? '',
        threadId: id,
        resourceId,
        status: 'done',
        usageModel: 'm',
        missingRpcs: '["a"]',
        usageInputTokens: '7',
        createdAt: at,
        updatedAt: at,
      });
    }
  }
}

const THREADS: Thread[] = [
  { id: 'a', resourceId: 'ada', recency: 1, agent: 'helper', runs: ['r1', 'r2'] },
  { id: 'b', resourceId: 'ada:project', recency: 3, agent: 'helper' },
  { id: 'c', resourceId: 'adam', recency: 2, agent: 'other:one' },
  { id: 'd', resourceId: 'bob', recency: 0 },
];

describe('threads', () => {
  it('are listed with the last used first, filtered before they are cut into pages', async () => {
    const prefix = on.prefix();
    await fill(prefix, THREADS);
    await on.redis.zAdd(`${prefix}:threads`, { value: 'missing', score: 9 });
    await on.redis.sAdd(`${prefix}:agent-threads:helper`, ['missing', 'unknown to the index']);
    const service = open(prefix);
    const ids = async (...args: Parameters<typeof service.listThreads>) =>
      (await service.listThreads(...args)).map(({ id }) => id);
    await expect(ids()).resolves.toEqual(['b', 'c', 'a', 'd']);
    await expect(ids({ limit: 2 })).resolves.toEqual(['b', 'c']);
    await expect(ids({ limit: 2, offset: 3 })).resolves.toEqual(['d']);
    await expect(ids({ limit: 0 })).resolves.toEqual([]);
    await expect(ids({ agentName: 'helper' })).resolves.toEqual(['b', 'a']);
    await expect(ids({ agentName: 'nobody' })).resolves.toEqual([]);
    await expect(ids({ resourceId: 'ada' })).resolves.toEqual(['a']);
    await expect(ids({ owners: ['ada'] })).resolves.toEqual(['b', 'a']);
    await expect(ids({ owners: ['bob', 'adam'], limit: 1 })).resolves.toEqual(['c']);
    await expect(ids({ owners: ['nobody'] })).resolves.toEqual([]);
  });

  it('of nobody are none, without asking the server', async () => {
    const service = open(on.prefix(), on.proxy.url);
    expect(await on.proxy.count(() => service.listThreads({ owners: [] }))).toBe(0);
    await expect(service.listThreads({ owners: [] })).resolves.toEqual([]);
  });

  it('are read as the original reads them', async () => {
    const prefix = on.prefix();
    await fill(prefix, THREADS);
    await on.redis.hSet(`${prefix}:thread:b`, { title: 'Plan', metadata: '{"x":[1]}' });
    await on.redis.zAdd(`${prefix}:messages:a`, [
      { value: '{"role":"user","createdAt":2000}', score: 2 },
      { value: '{"role":"agent","createdAt":"1970-01-01T00:00:01.000Z"}', score: 1 },
    ]);
    await on.redis.zAdd(`${prefix}:thread-runs:a`, { value: 'gone', score: 5 });
    const { Redis } = await ioredis();
    const client = new Redis(on.url);
    const { RedisAgentRunService: Original } = await original('0.12.18');
    const theirs = new Original(client, prefix) as RedisAgentRunService;
    const ours = open(prefix);
    expect(await ours.listThreads()).toStrictEqual(await theirs.listThreads());
    expect(await ours.listThreads({ agentName: 'helper', owners: ['ada'] })).toStrictEqual(
      await theirs.listThreads({ agentName: 'helper', owners: ['ada'] }),
    );
    for (const id of ['a', 'b', 'none']) {
      expect(await ours.getThread(id)).toStrictEqual(await theirs.getThread(id));
      expect(await ours.getThreadMessages(id)).toStrictEqual(await theirs.getThreadMessages(id));
      expect(await ours.getThreadRuns(id)).toStrictEqual(await theirs.getThreadRuns(id));
    }
    expect((await ours.getThreadRuns('a')).map(({ runId }) => runId)).toEqual(['r2', 'r1']);
    expect(await ours.getDistinctAgentNames()).toEqual(['helper', 'other:one']);
    expect(await theirs.getDistinctAgentNames()).toEqual(['helper', 'other:one']);
    client.disconnect();
  });

  it('are deleted with all that is theirs, and leave the same rows as with the original', async () => {
    const [one, two] = [on.prefix(), on.prefix()];
    for (const prefix of [one, two]) {
      await fill(prefix, THREADS);
      await on.redis.zAdd(`${prefix}:messages:a`, { value: '{}', score: 1 });
    }
    const { Redis } = await ioredis();
    const client = new Redis(on.url);
    const { RedisAgentRunService: Original } = await original('0.12.18');
    await expect((new Original(client, one) as RedisAgentRunService).deleteThread('a')).resolves.toBe(true);
    client.disconnect();
    const ours = open(two);
    await expect(ours.deleteThread('a')).resolves.toBe(true);
    await expect(ours.deleteThread('a')).resolves.toBe(false);
    expect(await on.dump(two)).toEqual(await on.dump(one));
    await expect(ours.getThread('a')).resolves.toBeNull();
  });

  it('take few round trips, however many there are', async () => {
    const prefix = on.prefix();
    await fill(prefix, THREADS);
    const service = open(prefix, on.proxy.url);
    await service.deleteThread('warm up');
    expect(await on.proxy.count(() => service.listThreads())).toBe(3);
    expect(await on.proxy.count(() => service.listThreads({ agentName: 'helper' }))).toBe(4);
    expect(await on.proxy.count(() => service.getThread('a'))).toBe(1);
    expect(await on.proxy.count(() => service.getThreadMessages('a'))).toBe(1);
    expect(await on.proxy.count(() => service.getThreadRuns('a'))).toBe(2);
    expect(await on.proxy.count(() => service.deleteThread('a'))).toBe(1);
  });

  it('belong to their owners also beside a core that has no such rule', async () => {
    const prefix = on.prefix();
    await fill(prefix, THREADS);
    const { RedisAgentRunService: Ours } = await oursBeside('0.12.3');
    const threads = await on.keep(new Ours(on.url, prefix)).listThreads({ owners: ['ada'] });
    expect(threads.map(({ id }) => id)).toEqual(['b', 'a']);
  });
});

describe('a prefix', () => {
  it('is taken literally', async () => {
    await fill('a[b]*', [{ id: 'x', resourceId: 'r', recency: 1, agent: 'one' }]);
    await fill('ab1', [{ id: 'y', resourceId: 'r', recency: 1, agent: 'two' }]);
    await expect(open('a[b]*').getDistinctAgentNames()).resolves.toEqual(['one']);
  });
});

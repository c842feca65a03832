import { type Checkpoint, RedisAdapter } from 'ferrodis/go-go-scope';
import { beforeAll, describe, expect, it } from 'vitest';

import { ground } from '../../support/ground.js';
import * as original from '../../support/original-go-go-scope.js';

const on = ground();
let adapter: RedisAdapter;

beforeAll(() => {
  adapter = new RedisAdapter(on.redis, { keyPrefix: 'p:' });
});

function checkpoint(taskId: string, sequence: number): Checkpoint {
  return { id: `${taskId}-1-${sequence}`, taskId, sequence, timestamp: 1, progress: 0, data: { sequence } };
}

/** An adapter of its own, with checkpoints of task `t` under these sequences. */
async function saved(...sequences: number[]): Promise<{ adapter: RedisAdapter; prefix: string; index: string }> {
  const prefix = on.prefix();
  const own = new RedisAdapter(on.redis, { keyPrefix: prefix });
  for (const sequence of sequences) await own.save(checkpoint('t', sequence));
  return { adapter: own, prefix, index: `${prefix}checkpoint:t` };
}

const sequences = (list: Checkpoint[]): number[] => list.map(({ sequence }) => sequence);

describe('a lock that ends and is taken while its old holder looks', () => {
  const steal = (lock: string) => async (): Promise<void> => {
    await on.redis.set(lock, 'thief', 'PX', 60_000);
  };

  it('with the original is released by the old holder', async () => {
    await on.redis.set('stolen', 'me', 'PX', 60_000);
    await original.release(on.redis, 'stolen', 'me', steal('stolen'));
    expect(await on.redis.exists('stolen')).toBe(0);
  });

  it('with the original is prolonged by the old holder', async () => {
    await on.redis.set('stolen', 'me', 'PX', 60_000);
    expect(await original.extend(on.redis, 'stolen', 'me', 5000, steal('stolen'))).toBe(true);
    expect(await on.redis.pttl('stolen')).toBeLessThanOrEqual(5000);
  });

  it('with the original counts as prolonged though it has gone', async () => {
    await on.redis.set('gone', 'me', 'PX', 60_000);
    expect(await original.extend(on.redis, 'gone', 'me', 5000, () => on.redis.del('gone'))).toBe(true);
    expect(await on.redis.exists('gone')).toBe(0);
  });

  it('here counts as prolonged only if it is there', async () => {
    const other = await on.client();
    for (let round = 0; round < 100; round++) {
      const handle = (await adapter.acquire('going', 60_000))!;
      const [extended, removed] = await Promise.all([handle.extend(60_000), other.del('p:lock:going')]);
      expect(removed).toBe(1);
      // Removed before it: not extended. After it: extended, and gone for all that.
      expect([true, false]).toContain(extended);
      expect(await handle.extend(60_000)).toBe(false);
    }
  });

  it('here is left alone, under any interleaving of 200 rounds', async () => {
    const thief = await on.client();
    for (let round = 0; round < 200; round++) {
      const handle = (await adapter.acquire('raced', 60_000))!;
      const [, , taken] = await Promise.all([
        handle.release(),
        thief.set('p:lock:raced', 'thief', 'PX', 60_000),
        handle.extend(1000),
      ]);
      const left = await on.redis.get('p:lock:raced');
      expect([null, 'thief']).toContain(left);
      if (left === 'thief') expect(await on.redis.pttl('p:lock:raced')).toBeGreaterThan(5000);
      expect(typeof taken).toBe('boolean');
      await on.redis.del('p:lock:raced');
    }
  });
});

describe('locks beside a process of the original', () => {
  it('each respects the locks of the other', async () => {
    await on.redis.set('p:lock:theirs', 'original', 'PX', 60_000, 'NX');
    expect(await adapter.acquire('theirs', 60_000)).toBeNull();
    await original.release(on.redis, 'p:lock:theirs', 'original');
    const handle = await adapter.acquire('theirs', 60_000, 'ours');
    expect(await on.redis.set('p:lock:theirs', 'original', 'PX', 60_000, 'NX')).toBeNull();
    expect(await original.extend(on.redis, 'p:lock:theirs', 'ours', 90_000)).toBe(true);
    expect(await handle!.isValid()).toBe(true);
  });
});

describe('a thousand failures at once', () => {
  it('with the original are lost', async () => {
    await Promise.all(Array.from({ length: 50 }, () => original.recordFailure(on.redis, 'lossy', 99)));
    expect(JSON.parse((await on.redis.get('lossy'))!).failureCount).toBeLessThan(50);
  });

  it.each([
    ['nothing', ''],
    ['a text of somebody else', '{"failureCount":0,"state":"closed"}'],
  ])('are all counted here, from %s on, by two clients', async (_what, text) => {
    await on.redis.set('p:circuit:exact', text);
    const other = new RedisAdapter(await on.client(), { keyPrefix: 'p:' });
    const counts = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => (i % 2 ? adapter : other).recordFailure('exact', 600)),
    );
    expect(new Set(counts).size).toBe(1000);
    expect(JSON.parse((await on.redis.get('p:circuit:exact'))!)).toMatchObject({ state: 'open', failureCount: 1000 });
  });
});

it('circuits are understood by a process of the original, and the other way round', async () => {
  await adapter.recordFailure('shared', 3);
  expect(await original.recordFailure(on.redis, 'p:circuit:shared', 3)).toBe(2);
  expect(await adapter.recordFailure('shared', 3)).toBe(3);
  expect(await adapter.getState('shared')).toMatchObject({ state: 'open', failureCount: 3 });
});

describe('a success that comes while a failure is counted', () => {
  it('with the original is forgotten', async () => {
    await on.redis.set('healed', '{"state":"open","failureCount":7}');
    const success = JSON.stringify({ state: 'closed', failureCount: 0, lastSuccessTime: 1 });
    await original.recordFailure(on.redis, 'healed', 99, () => on.redis.setex('healed', 3600, success));
    expect(JSON.parse((await on.redis.get('healed'))!)).toMatchObject({ state: 'open', failureCount: 8 });
  });

  it('here comes before or after it', async () => {
    const other = new RedisAdapter(await on.client(), { keyPrefix: 'p:' });
    for (let round = 0; round < 100; round++) {
      await adapter.setState('healed', { state: 'open', failureCount: 7 });
      await Promise.all([adapter.recordFailure('healed', 99), other.recordSuccess('healed')]);
      const { state, failureCount } = (await adapter.getState('healed'))!;
      expect(['closed 0', 'closed 1']).toContain(`${state} ${failureCount}`);
    }
  });
});

describe('a save that comes in between', () => {
  it('with the original leaves data that no index names', async () => {
    const { prefix, index } = await saved(1);
    const late = checkpoint('t', 2);
    await original.deleteAllCheckpoints(on.redis, index, () => original.saveCheckpoint(on.redis, prefix, late));
    expect(await on.redis.keys(`${prefix}*`)).toEqual([`${index}:2`]);
  });

  it('and a crash in the middle of one, too', async () => {
    const prefix = on.prefix();
    const crash = async (): Promise<never> => {
      throw new Error('crash');
    };
    await original.saveCheckpoint(on.redis, prefix, checkpoint('t', 1), crash).catch(() => undefined);
    expect(await on.redis.keys(`${prefix}*`)).toEqual([`${prefix}checkpoint:t:1`]);
  });

  it('here every data key has its place in the index, whatever runs beside it', async () => {
    const { adapter: own, prefix, index } = await saved(1, 2, 3);
    const other = new RedisAdapter(await on.client(), { keyPrefix: prefix });
    for (let round = 0; round < 50; round++) {
      await Promise.all([
        other.save(checkpoint('t', round)),
        own.cleanup('t', 2),
        other.save(checkpoint('t', round + 100)),
        own.deleteAll('t'),
      ]);
      const members = await on.redis.zrange(index, 0, -1);
      const keys = (await on.redis.keys(`${index}:*`)).sort();
      expect(keys).toEqual(members.sort());
    }
  });
});

it('checkpoints are continued by either', async () => {
  const { adapter: own, prefix } = await saved(1);
  await original.saveCheckpoint(on.redis, prefix, checkpoint('t', 2));
  expect((await own.loadLatest('t'))?.sequence).toBe(2);
  expect(sequences(await own.list('t'))).toEqual([1, 2]);
  await own.cleanup('t', 1);
  expect(await on.redis.keys(`${prefix}*`)).toHaveLength(2);
});

it('where scripts are forbidden, everything goes the way of the original', async () => {
  await on.redis.call('ACL', 'SETUSER', 'plain', 'on', '>pw', '~*', '&*', '+@all', '-@scripting');
  const prefix = on.prefix();
  const own = new RedisAdapter(await on.client({ username: 'plain', password: 'pw' }), { keyPrefix: prefix });
  for (const sequence of [1, 2, 3]) await own.save(checkpoint('t', sequence));
  expect((await own.loadLatest('t'))?.sequence).toBe(3);
  await own.cleanup('t', 1);
  expect(sequences(await own.list('t'))).toEqual([3]);
  await own.deleteAll('t');
  expect(await own.recordFailure('c', 1)).toBe(1);
  const lock = (await own.acquire('l', 60_000))!;
  expect(await lock.extend(60_000)).toBe(true);
  await lock.release();
  expect(await on.redis.keys(`${prefix}*`)).toEqual([`${prefix}circuit:c`]);
});

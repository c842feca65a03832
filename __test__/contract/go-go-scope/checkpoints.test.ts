import { type Checkpoint, RedisAdapter } from 'ferrodis/go-go-scope';
import { describe, expect, it } from 'vitest';

import { goGoScope } from '../../support/go-go-scope.js';

const on = goGoScope();
const adapter = (keyPrefix = 'app:') => new RedisAdapter(on.redis, { keyPrefix });

function checkpoint(sequence: number, taskId = 'task', data: unknown = { at: sequence }): Checkpoint {
  return { id: `${taskId}-1780000000000-${sequence}`, taskId, sequence, timestamp: 1, progress: 0, data };
}

async function saveAll(...sequences: number[]): Promise<RedisAdapter> {
  const store = adapter();
  for (const sequence of sequences) await store.save(checkpoint(sequence));
  return store;
}

const sequences = async (store: RedisAdapter) => (await store.list('task')).map(({ sequence }) => sequence);

describe('save', () => {
  it('stores the object as it is and lists its key', async () => {
    expect(await adapter().saveCheckpoint(checkpoint(2))).toBeUndefined();
    expect(await on.redis.get('app:checkpoint:task:2')).toBe(JSON.stringify(checkpoint(2)));
    expect(await on.redis.zrange('app:checkpoint:task', 0, -1, 'WITHSCORES')).toEqual(['app:checkpoint:task:2', '2']);
    expect(await on.redis.ttl('app:checkpoint:task:2')).toBe(-1);
  });

  it('replaces the same sequence', async () => {
    const store = await saveAll(1);
    await store.save(checkpoint(1, 'task', 'new'));
    expect(await store.list('task')).toEqual([checkpoint(1, 'task', 'new')]);
  });

  it.each([Number.NaN, undefined])('rejects a sequence of %s and stores nothing', async (sequence) => {
    const error = { name: 'ReplyError', message: 'ERR value is not a valid float' };
    await expect(adapter().save(checkpoint(sequence as number))).rejects.toMatchObject(error);
    expect(await on.redis.dbsize()).toBe(0);
  });

  it('keeps fractions and texts that are numbers', async () => {
    const store = await saveAll(10, 1.5, '3' as unknown as number);
    expect(await sequences(store)).toEqual([1.5, '3', 10]);
  });

  it('does not overwrite the index of a task that is called like a checkpoint', async () => {
    const store = adapter();
    await store.save(checkpoint(5, 'a:1'));
    const error = { name: 'ReplyError', message: expect.stringContaining('WRONGTYPE') };
    await expect(store.save(checkpoint(1, 'a'))).rejects.toMatchObject(error);
    expect(await store.list('a:1')).toHaveLength(1);
    expect(await store.list('a')).toEqual([]);
    await store.save(checkpoint(1, 'b'));
    await expect(store.save(checkpoint(5, 'b:1'))).rejects.toMatchObject(error);
  });
});

describe('load', () => {
  it('takes the key, as the original does', async () => {
    const store = await saveAll(1);
    expect(await store.load('app:checkpoint:task:1')).toEqual(checkpoint(1));
    expect(await store.loadCheckpoint('app:checkpoint:task:2')).toBeUndefined();
  });

  it('takes an id that the host made', async () => {
    const store = await saveAll(1, 2);
    await store.save(checkpoint(3, 'a-b-7-c'));
    expect(await store.load('task-1780000000000-2')).toEqual(checkpoint(2));
    expect(await store.load('a-b-7-c-1780000000000-3')).toEqual(checkpoint(3, 'a-b-7-c'));
    expect(await store.load('task-1-2')).toBeUndefined();
    expect(await store.load('task')).toBeUndefined();
  });

  it.each(['', '{'])('finds nothing in "%s"', async (text) => {
    await on.redis.set('k', text);
    expect(await adapter().load('k')).toBeUndefined();
  });
});

describe('loadLatest', () => {
  it('finds the highest sequence', async () => {
    const store = await saveAll(2, 10, 9);
    expect(await store.loadLatest('task')).toEqual(checkpoint(10));
    expect(await store.loadLatestCheckpoint('nobody')).toBeUndefined();
  });

  it('does not look at older ones when the newest is gone', async () => {
    const store = await saveAll(1, 2);
    await on.redis.del('app:checkpoint:task:2');
    expect(await store.loadLatest('task')).toBeUndefined();
  });
});

describe('list', () => {
  it('is in the order of the sequences and leaves out what is gone or no JSON', async () => {
    const store = await saveAll(10, 2, 9, 3, 4);
    await on.redis.del('app:checkpoint:task:9');
    await on.redis.mset('app:checkpoint:task:3', '', 'app:checkpoint:task:4', '{');
    expect(await sequences(store)).toEqual([2, 10]);
    expect(await store.listCheckpoints('nobody')).toEqual([]);
  });

  it('reads more than one request holds', async () => {
    const store = adapter();
    await Promise.all(Array.from({ length: 1_200 }, (_, i) => store.save(checkpoint(i))));
    expect(await sequences(store)).toEqual(Array.from({ length: 1_200 }, (_, i) => i));
  });
});

describe('cleanup', () => {
  it.each<[unknown, number[]]>([
    [2, [2, 3]],
    [3, [1, 2, 3]],
    [9, [1, 2, 3]],
    [0, []],
    [-1, []],
    [1.5, [2, 3]],
    ['2', [2, 3]],
    [undefined, [1, 2, 3]],
    [Number.NaN, [1, 2, 3]],
    [Number.POSITIVE_INFINITY, [1, 2, 3]],
  ])('keeping %s of three leaves %j', async (keep, left) => {
    const store = await saveAll(1, 2, 3);
    expect(await store.cleanup('task', keep as number)).toBeUndefined();
    expect(await sequences(store)).toEqual(left);
    expect(await on.redis.dbsize()).toBe(left.length === 0 ? 0 : left.length + 1);
  });

  it('deletes more than one script does', async () => {
    const store = adapter();
    await Promise.all(Array.from({ length: 1_300 }, (_, i) => store.save(checkpoint(i))));
    await store.cleanupCheckpoints('task', 2);
    expect(await sequences(store)).toEqual([1_298, 1_299]);
    expect(await on.redis.dbsize()).toBe(3);
  });
});

describe('deleteAll', () => {
  it('leaves nothing of the task, and others alone', async () => {
    const store = await saveAll(1, 2);
    await store.save(checkpoint(1, 'other'));
    expect(await store.deleteAll('task')).toBeUndefined();
    expect((await on.redis.keys('*')).toSorted()).toEqual(['app:checkpoint:other', 'app:checkpoint:other:1']);
    await store.deleteAllCheckpoints('nobody');
  });
});

describe('a client with a key prefix of its own', () => {
  it('has it before keys and not in members', async () => {
    const prefixed = on.redis.duplicate({ keyPrefix: 'mine:' });
    const store = new RedisAdapter(prefixed, { keyPrefix: 'app:' });
    for (const sequence of [1, 2, 3]) await store.save(checkpoint(sequence));
    expect(await on.redis.zrange('mine:app:checkpoint:task', 0, 0)).toEqual(['app:checkpoint:task:1']);
    expect(await store.loadLatest('task')).toEqual(checkpoint(3));
    expect(await store.load('app:checkpoint:task:1')).toEqual(checkpoint(1));
    await store.cleanup('task', 2);
    expect(await on.redis.exists('mine:app:checkpoint:task:1')).toBe(0);
    expect(await sequences(store)).toEqual([2, 3]);
    await store.deleteAll('task');
    expect(await on.redis.dbsize()).toBe(0);
    prefixed.disconnect();
  });
});

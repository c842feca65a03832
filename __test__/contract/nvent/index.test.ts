import { describe, expect, it, vi } from 'vitest';

import { nvent } from '../../support/nvent.js';

const on = nvent();

/** Entry `e` of an index of its own, with these fields in its hash. */
async function entry(key: string, fields: Record<string, string>, score = 1): Promise<void> {
  await on.redis.zAdd(key, { score, value: 'e' });
  if (Object.keys(fields).length > 0) await on.redis.hSet(`${key}:meta:e`, fields);
}

describe('add', () => {
  it('ranks the member and writes its metadata with a version', async () => {
    await on.store.index.add('add', 'e', 5.5, { name: 'n', stats: { total: 1 } });
    expect(await on.redis.zScore('add', 'e')).toBe(5.5);
    expect(await on.meta('add', 'e')).toEqual({ version: '0', name: 'n', 'stats.total': '1' });
  });

  it('merges into what is there, and starts the version again', async () => {
    await on.store.index.add('merge', 'e', 1, { a: 1, b: 2 });
    await on.store.index.update('merge', 'e', { c: 3 });
    await on.store.index.add('merge', 'e', 2, { b: 5 });
    expect(await on.store.index.get('merge', 'e')).toEqual({
      id: 'e',
      score: 2,
      metadata: { version: 0, a: 1, b: 5, c: 3 },
    });
    await on.store.index.add('merge', 'e', 3, { version: 7 });
    await on.store.index.add('merge', 'e', 4);
    expect(await on.store.index.get('merge', 'e')).toMatchObject({ score: 4, metadata: { version: 7 } });
  });

  it('writes more fields than fit one crossing, or one step of the script', async () => {
    const wide = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`f${i}`, i]));
    await on.store.index.add('wide', 'e', 1, wide);
    expect(await on.store.index.get('wide', 'e')).toEqual({ id: 'e', score: 1, metadata: { version: 0, ...wide } });
    await on.store.index.update('wide', 'e', Object.fromEntries(Object.keys(wide).map((name) => [name, null])));
    expect(await on.meta('wide', 'e')).toEqual({ version: '1' });
  });

  it.each([
    [Number.NaN, 'ERR value is not a valid float'],
    ['x', 'ERR value is not a valid float'],
    [undefined, 'ERR value is not a valid float'],
  ])('refuses the score %s and writes nothing', async (score, message) => {
    await expect(on.store.index.add('refused', 'e', score as never, { a: 1 })).rejects.toThrow(message);
    expect(await on.redis.exists(['refused', 'refused:meta:e'])).toBe(0);
  });

  it('refuses keys of other types and writes nothing', async () => {
    await on.redis.set('typed', 'x');
    await expect(on.store.index.add('typed', 'e', 1, { a: 1 })).rejects.toThrow('WRONGTYPE');
    await on.redis.set('half:meta:e', 'x');
    await expect(on.store.index.add('half', 'e', 1, { a: 1 })).rejects.toThrow('WRONGTYPE');
    expect(await on.redis.exists(['typed:meta:e', 'half'])).toBe(0);
  });
});

describe('get', () => {
  it('tells a member without a hash from none', async () => {
    await entry('get', {});
    await on.redis.hSet('get:meta:orphan', 'a', '1');
    expect(Object.keys((await on.store.index.get('get', 'e')) ?? {})).toEqual(['id', 'score']);
    expect(await on.store.index.get('get', 'orphan')).toBeNull();
  });

  it('takes keys and ids that are no strings', async () => {
    await on.store.index.add(12 as never, 7 as never, 1, { a: 1 });
    expect(await on.meta('12', '7')).toEqual({ version: '0', a: '1' });
    await on.store.index.add('nothing', undefined as never, 1, { a: 1 });
    expect(await on.redis.zRange('nothing', 0, -1)).toEqual(['']);
    expect(await on.meta('nothing', 'undefined')).toEqual({ version: '0', a: '1' });
  });
});

describe('read', () => {
  it('answers a page, the highest score first, with a metadata property in every entry', async () => {
    for (const [i, id] of ['a', 'b', 'c', 'd'].entries())
      await on.store.index.add('page', id, Math.floor(i / 2), { i });
    await on.redis.del('page:meta:d');
    const page = await on.store.index.read('page');
    expect(page.map(({ id }) => id)).toEqual(['d', 'c', 'b', 'a']);
    expect(page[0]).toStrictEqual({ id: 'd', score: 1, metadata: undefined });
    const ids = async (options: object): Promise<string[]> =>
      (await on.store.index.read('page', options)).map(({ id }) => id);
    expect(await ids({ offset: 1, limit: 2 })).toEqual(['c', 'b']);
    expect(await ids({ limit: -1 })).toEqual(['d', 'c', 'b']);
    expect(await ids({ offset: -2, limit: 2 })).toEqual(['b', 'a']);
    expect(await ids({ offset: 4 })).toEqual([]);
    expect(await ids({ filter: {} })).toHaveLength(4);
    await expect(ids({ limit: 1.5 })).rejects.toThrow('ERR value is not an integer or out of range');
    expect(await on.store.index.read('missing')).toEqual([]);
  });

  it('answers fifty without a limit, and as many as it is asked for', async () => {
    const fill = on.redis.multi();
    for (let i = 0; i < 1200; i += 1) fill.zAdd('many', { score: i, value: `e${i}` }).hSet(`many:meta:e${i}`, { i });
    await fill.exec();
    expect(await on.store.index.read('many')).toHaveLength(50);
    const all = await on.store.index.read('many', { limit: 10_000 });
    expect(all.map(({ metadata }) => metadata?.['i'])).toEqual(Array.from({ length: 1200 }, (_, i) => 1199 - i));
  });

  it('reads scores of lists as whole numbers, unless it is strict', async () => {
    const scores = [1.9, -0.5, 1e21, 1e-7, Number.POSITIVE_INFINITY];
    for (const [i, score] of scores.entries()) await on.redis.zAdd('scores', { score, value: `e${i}` });
    const strict = on.open({ strict: true });
    const byId = async (store: typeof strict): Promise<number[]> => {
      const entries = await store.index.read('scores');
      return entries.sort((a, b) => a.id.localeCompare(b.id)).map(({ score }) => score);
    };
    expect(await byId(on.store)).toEqual([1, -0, 1, expect.any(Number), Number.NaN]);
    expect(await byId(strict)).toEqual([1.9, -0.5, 1e21, 1e-7, Number.POSITIVE_INFINITY]);
    expect(await on.store.index.get('scores', 'e0')).toEqual({ id: 'e0', score: 1.9 });
    expect(await on.store.index.get('scores', 'e4')).toEqual({ id: 'e4', score: Number.NaN });
    expect(await strict.index.get('scores', 'e4')).toEqual({ id: 'e4', score: Number.POSITIVE_INFINITY });
  });
});

describe('update', () => {
  it('merges deeply, replaces lists, and counts the version up', async () => {
    await entry('deep', { version: '3', 'a.b': '1', 'a.c': '2', list: '[1,2]' });
    expect(await on.store.index.update('deep', 'e', { a: { c: 5, d: [null, { x: 1 }] }, list: [3], version: 9 })).toBe(
      true,
    );
    expect(await on.store.index.get('deep', 'e')).toEqual({
      id: 'e',
      score: 1,
      metadata: { version: 4, a: { b: 1, c: 5, d: [{ x: 1 }] }, list: [3] },
    });
    expect(await on.store.index.update('deep', 'e', {})).toBe(true);
    expect(await on.meta('deep', 'e')).toMatchObject({ version: '5' });
  });

  it.each(['', '007', '1.5', 'abc', '-0', ' 5', '9007199254740993', '1e3', '+5'])(
    'answers false and writes nothing where the version is %j',
    async (version) => {
      await on.redis.del('odd:meta:e');
      await on.redis.hSet('odd:meta:e', { version, kept: '1' });
      expect(await on.store.index.update('odd', 'e', { kept: 2, fresh: 1, other: null })).toBe(false);
      expect(await on.meta('odd', 'e')).toEqual({ version, kept: '1' });
    },
  );

  it('works on any entry with a version, member or not, and on nothing else', async () => {
    await on.redis.hSet('orphan:meta:e', { version: '-5' });
    expect(await on.store.index.update('orphan', 'e', { a: 1 })).toBe(true);
    expect(await on.meta('orphan', 'e')).toEqual({ version: '-4', a: '1' });
    expect(await on.store.index.update('orphan', 'none', { a: 1 })).toBe(false);
    expect(await on.redis.exists('orphan:meta:none')).toBe(0);
    await on.redis.set('text:meta:e', 'x');
    await expect(on.store.index.update('text', 'e', { a: 1 })).rejects.toThrow('WRONGTYPE');
  });

  it('refuses keys with dots before anything is sent', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    await entry('dots', { version: '0' });
    await expect(on.store.index.update('dots', 'e', { ok: 1, deep: { 'a.b': 1 } })).rejects.toThrow(
      'Invalid index update: dot notation keys not supported. Key "a.b" at path "deep.a.b" contains dots.',
    );
    expect(await on.meta('dots', 'e')).toEqual({ version: '0' });
  });
});

describe('updateWithRetry', () => {
  it('loses none of many parallel updates', async () => {
    await entry('parallel', { version: '0' });
    const stores = [on.store, on.open(), on.open({ connection: { clientName: 'third' } })];
    const updates = Array.from({ length: 32 }, (_, i) =>
      (stores[i % 3] ?? on.store).index.updateWithRetry('parallel', 'e', { marks: { [`m${i}`]: i } }),
    );
    await Promise.all(updates);
    const found = await on.store.index.get('parallel', 'e');
    expect(found?.metadata).toMatchObject({ version: 32 });
    expect(Object.keys(found?.metadata?.['marks'] ?? {})).toHaveLength(32);
  });

  it('waits for an entry that is about to be added', async () => {
    const update = on.store.index.updateWithRetry('soon', 'e', { a: 1 }, 10);
    await on.store.index.add('soon', 'e', 1, { b: 1 });
    expect(await update).toBeUndefined();
    expect(await on.meta('soon', 'e')).toEqual({ version: '1', a: '1', b: '1' });
  });

  it.each([
    [undefined, 'Failed to update index after 3 retries'],
    [1, 'Failed to update index after 1 retries'],
    [0, 'Failed to update index after 0 retries'],
    [-1, 'Failed to update index after -1 retries'],
    [null, 'Failed to update index after null retries'],
  ])('gives up after %s', async (retries, message) => {
    await expect(on.store.index.updateWithRetry('never', 'e', { a: 1 }, retries as never)).rejects.toThrow(message);
  });
});

describe('increment', () => {
  it('counts at any depth, with the version, and makes the hash', async () => {
    expect(await on.store.index.increment('count', 'e', 'stats.total', 5)).toBe(5);
    expect(await on.store.index.increment('count', 'e', 'stats.total')).toBe(6);
    expect(await on.store.index.increment('count', 'e', 'version', 10)).toBe(12);
    expect(await on.meta('count', 'e')).toEqual({ 'stats.total': '6', version: '13' });
    expect(await on.redis.exists('count')).toBe(0);
  });

  it('refuses what is no whole number and writes nothing', async () => {
    await entry('whole', { version: '1', text: 'x' });
    await expect(on.store.index.increment('whole', 'e', 'text')).rejects.toThrow('ERR hash value is not an integer');
    await expect(on.store.index.increment('whole', 'e', 'n', 1.5)).rejects.toThrow(
      'ERR value is not an integer or out of range',
    );
    expect(await on.meta('whole', 'e')).toEqual({ version: '1', text: 'x' });
  });
});

describe('delete', () => {
  it('removes member and hash, and tells whether there was a member', async () => {
    await on.store.index.add('delete', 'e', 1, { a: 1 });
    await on.redis.hSet('delete:meta:orphan', 'a', '1');
    expect(await on.store.index.delete('delete', 'e')).toBe(true);
    expect(await on.store.index.delete('delete', 'e')).toBe(false);
    expect(await on.store.index.delete('delete', 'orphan')).toBe(false);
    expect(await on.redis.keys('delete*')).toEqual([]);
  });
});

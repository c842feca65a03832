/** Where the store leaves the original on purpose, each with what the original does. Numbers are those of the contract. */
import type { StoreAdapter } from 'ferrodis/nvent/native';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { loadOriginal, nvent } from '../support/nvent.js';
import type { RawClient } from '../support/server.js';

const on = nvent();
let original: StoreAdapter;
let theirData: RawClient;
const prototype = Object.prototype as Record<string, unknown>;

beforeAll(async () => {
  const Original = await loadOriginal();
  original = new Original({ connection: { host: '127.0.0.1', port: on.server.port, db: 1 } });
  theirData = await on.server.client(`${on.server.url}/1`);
});

afterAll(async () => {
  await original.close();
  theirData.destroy();
});

beforeEach(async () => {
  await on.redis.flushAll();
});

/** The same call on both stores, one after the other. */
async function both(call: (store: StoreAdapter) => Promise<unknown>): Promise<{ ours: unknown; theirs: unknown }> {
  const settled = (store: StoreAdapter): Promise<unknown> => call(store).catch((error: Error) => error.message);
  return { ours: await settled(on.store), theirs: await settled(original) };
}

/** The hash of entry `e` of index `i`, as each of them left it. */
async function hashes(): Promise<{ ours: object; theirs: object }> {
  return { ours: await on.meta('i', 'e'), theirs: { ...(await theirData.hGetAll('i:meta:e')) } };
}

/** Puts the same hash and member into both databases. */
async function seed(fields: Record<string, string>): Promise<void> {
  for (const redis of [on.redis, theirData]) {
    await redis.zAdd('i', { score: 1, value: 'e' });
    await redis.hSet('i:meta:e', fields);
  }
}

describe('names that reach for a prototype (1)', () => {
  it('are properties like any other when a hash is read', async () => {
    await seed({ 'constructor.prototype.polluted': '1' });
    const { ours } = await both((store) => store.index.get('i', 'e'));
    const entry = ours as { metadata: { constructor: unknown } };
    delete prototype['polluted'];
    await on.store.index.get('i', 'e');
    expect(prototype['polluted']).toBeUndefined();
    expect(entry.metadata.constructor).toEqual({ prototype: { polluted: 1 } });
  });

  it('are dropped where the original drops them, without its side effect', async () => {
    await both((store) => store.index.add('i', 'e', 1, { '__proto__.polluted': 1, kept: 1 }));
    const theirsPolluted = prototype['polluted'];
    delete prototype['polluted'];
    expect(theirsPolluted).toBe(1);
    await on.store.index.add('i', 'e', 1, { '__proto__.polluted': 1, 'toString.polluted': 1, kept: 1 });
    expect(prototype['polluted']).toBeUndefined();
    expect(Reflect.get(Object.prototype.toString, 'polluted')).toBeUndefined();
    expect(await on.meta('i', 'e')).toMatchObject({ version: '0', kept: '1' });
  });
});

describe('parallel updates (2)', () => {
  it('are all done, where the original gives some of them up', async () => {
    await seed({ version: '0' });
    const updates = (store: StoreAdapter): Promise<Array<PromiseSettledResult<void>>> =>
      Promise.allSettled(
        Array.from({ length: 32 }, (_, i) => store.index.updateWithRetry('i', 'e', { [`field${i}`]: i })),
      );
    const refused = (results: Array<PromiseSettledResult<void>>): number =>
      results.filter(({ status }) => status === 'rejected').length;
    expect(refused(await updates(on.store))).toBe(0);
    expect(refused(await updates(original))).toBeGreaterThan(0);
    const { ours } = await hashes();
    expect(Object.keys(ours)).toHaveLength(33);
    expect(ours).toMatchObject({ version: '32' });
  });
});

describe('null (3)', () => {
  it('removes what is below the name too', async () => {
    await seed({ version: '1', 'o.p': '1', 'o.q.r': '2', other: '3' });
    await both((store) => store.index.update('i', 'e', { o: null }));
    const { ours, theirs } = await hashes();
    expect(ours).toEqual({ version: '2', other: '3' });
    expect(theirs).toEqual({ version: '2', 'o.p': '1', 'o.q.r': '2', other: '3' });
  });

  it('removes nothing whose name only begins alike', async () => {
    await seed({ version: '1', o: '1', ox: '2', 'ox.p': '3', '.o': '4' });
    await both((store) => store.index.update('i', 'e', { o: null }));
    const { ours, theirs } = await hashes();
    expect(ours).toEqual({ version: '2', ox: '2', 'ox.p': '3', '.o': '4' });
    expect(theirs).toEqual(ours);
  });
});

describe('a value and something below it (4)', () => {
  it('are both read, whatever the order of the hash', async () => {
    await seed({ order: '1000', 'order.placed': '2000', 'deep.a.b': '1', 'deep.a.b.c': '2', zero: '0', 'zero.x': '1' });
    const { ours, theirs } = await both((store) => store.index.get('i', 'e'));
    const metadata = {
      order: 1000,
      'order.placed': 2000,
      deep: { a: { b: 1, 'b.c': 2 } },
      zero: 0,
      'zero.x': 1,
    };
    expect(ours).toEqual({ id: 'e', score: 1, metadata });
    expect(theirs).toBe("Cannot create property 'placed' on number '1000'");
    await on.redis.del('i:meta:e');
    await on.redis.hSet('i:meta:e', { 'order.placed': '2000', order: '1000' });
    expect(await on.store.index.get('i', 'e')).toMatchObject({ metadata: { order: 1000, 'order.placed': 2000 } });
  });

  it('do not hide the other entries of a page', async () => {
    await seed({ order: '1', 'order.placed': '2' });
    for (const store of [on.store, original]) await store.index.add('i', 'other', 2, { a: 1 });
    const { ours, theirs } = await both((store) => store.index.read('i'));
    expect(ours).toHaveLength(2);
    expect(theirs).toMatch(/Cannot create property/);
  });
});

describe('a Date (7)', () => {
  it('is stored as its ISO text, and not at all when it is invalid', async () => {
    const dates = { at: new Date(0), nested: { at: new Date(1) }, never: new Date(Number.NaN) };
    await both((store) => store.index.add('i', 'e', 1, dates));
    const { ours, theirs } = await hashes();
    expect(ours).toEqual({ version: '0', at: '1970-01-01T00:00:00.000Z', 'nested.at': '1970-01-01T00:00:00.001Z' });
    expect(theirs).toEqual({ version: '0' });
  });
});

describe('a call that fails (10)', () => {
  it.each([
    ['metadata that has no text', { 'n.l': [1n] }],
    ['metadata that leaves nothing to store', { version: null }],
    ['a dotted name below a value', { a: 5, 'a.b': 1 }],
  ])('leaves no member behind: %s', async (_name, metadata) => {
    const { ours, theirs } = await both((store) => store.index.add('i', 'e', 1, metadata));
    expect(ours).toBe(theirs);
    expect(await on.redis.zCard('i')).toBe(0);
    expect(await theirData.zCard('i')).toBe(1);
  });

  it('counts nothing when the version cannot be counted up', async () => {
    await seed({ version: 'abc', hits: '5' });
    const { ours, theirs } = await both((store) => store.index.increment('i', 'e', 'hits', 2));
    expect(ours).toBe('ERR hash value is not an integer');
    expect(theirs).toBe(ours);
    const left = await hashes();
    expect(left.ours).toEqual({ version: 'abc', hits: '5' });
    expect(left.theirs).toEqual({ version: 'abc', hits: '7' });
    await on.store.index.increment('i', 'e', 'fresh', 2).catch(() => undefined);
    expect(await on.meta('i', 'e')).not.toHaveProperty('fresh');
  });
});

describe('many keys (14)', () => {
  it('are cleared in chunks, each counted once', async () => {
    const fill = on.redis.multi();
    for (let i = 0; i < 5000; i += 1) fill.set(`c:${i}`, '1');
    await fill.set('d', '1').exec();
    expect(await on.store.kv.clear('c:*')).toBe(5000);
    expect(await on.redis.keys('*')).toEqual(['d']);
  });
});

describe('a database out of range (16)', () => {
  it('is an error, where the original writes into database 0', async () => {
    const options = { connection: { host: '127.0.0.1', port: on.server.port, db: 99 } };
    const Original = await loadOriginal();
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const astray = new Original(options);
    await astray.kv.set('astray', '1');
    await astray.close();
    expect(await on.redis.get('astray')).toBe('1');
    await expect(on.open(options).kv.set('astray', '2')).rejects.toThrow('ERR DB index is out of range');
    expect(await on.redis.get('astray')).toBe('1');
  });
});

describe('the console (17)', () => {
  it('is left alone unless a logger is given', async () => {
    const spies = (['log', 'warn', 'error', 'info'] as const).map((name) => {
      const spy = vi.spyOn(console, name);
      spy.mockClear();
      return spy;
    });
    const lines: unknown[][] = [];
    const logger = { log: (...line: unknown[]) => lines.push(line), error: () => undefined };
    await on.open().kv.get('a');
    await on.open({ logger, connection: { password: undefined, db: 0 } }).kv.get('a');
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
    expect(lines).toEqual([
      [
        '[adapter-store-redis] Initializing with connection:',
        { host: '127.0.0.1', port: on.server.port, hasPassword: false, db: 0 },
      ],
    ]);
  });
});

describe('a store that was closed', () => {
  it('stays closed, where the original connects again a moment later', async () => {
    const store = on.open();
    await store.kv.set('a', '1');
    await Promise.all([store.close(), store.close()]);
    await expect(store.kv.get('a')).rejects.toThrow('Connection is closed.');
  });
});

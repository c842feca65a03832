import { RedisAdapter, RedisCacheAdapter, RedisIdempotencyAdapter } from 'ferrodis/go-go-scope';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { goGoScope } from '../../support/go-go-scope.js';
import { expectLife } from '../../support/life.js';

const on = goGoScope();

afterEach(() => {
  vi.restoreAllMocks();
});

/** The two caches and the idempotency store write alike: what each calls `key`. */
const stores = [
  ['RedisAdapter', 'app:cache:', () => new RedisAdapter(on.redis, { keyPrefix: 'app:' })],
  ['RedisCacheAdapter', 'app:', () => new RedisCacheAdapter(on.redis, { keyPrefix: 'app:' })],
  ['RedisIdempotencyAdapter', 'app:', () => new RedisIdempotencyAdapter(on.redis, { keyPrefix: 'app:' })],
] as const;
const caches = stores.slice(0, 2) as unknown as ReadonlyArray<[string, string, () => RedisCacheAdapter]>;

describe.each(stores)('set of %s', (_name, prefix, open) => {
  it.each<[unknown, string]>([
    [{ a: [1, null, 'é'] }, '{"a":[1,null,"é"]}'],
    [null, 'null'],
    [false, 'false'],
    [0, '0'],
    ['', '""'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [undefined, ''],
    [() => 1, ''],
  ])('stores %s as %s', async (value, text) => {
    expect(await open().set('k', value)).toBeUndefined();
    expect(await on.redis.get(`${prefix}k`)).toBe(text);
    expect(await on.redis.ttl(`${prefix}k`)).toBe(-1);
  });

  it.each<[unknown, number]>([
    [1, 1],
    [0.5, 1],
    [1_500, 2],
    ['2000', 2],
    [86_400_000, 86_400],
  ])('with a life of %s ms lasts %i s', async (ttl, seconds) => {
    await open().set('k', 1, 60_000);
    await expectLife(on.redis, `${prefix}k`, seconds * 1000, () => open().set('k', 1, ttl as number));
  });

  it.each<unknown>([undefined, null, 0, Number.NaN])('with a life of %s ms lasts for ever', async (ttl) => {
    await open().set('k', 1, 60_000);
    await open().set('k', 1, ttl as number);
    expect(await on.redis.ttl(`${prefix}k`)).toBe(-1);
  });

  it.each<[number, RegExp]>([
    [-1, /^ERR invalid expire time in '?setex\b/],
    [-1_500, /^ERR invalid expire time in '?setex\b/],
    [Number.POSITIVE_INFINITY, /^ERR value is not an integer or out of range$/],
  ])('with a life of %s is rejected by the server', async (ttl, message) => {
    await expect(open().set('k', 1, ttl)).rejects.toMatchObject({
      name: 'ReplyError',
      message: expect.stringMatching(message),
    });
  });

  it('rejects what has no JSON, and sends nothing', async () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    await expect(open().set('k', cycle)).rejects.toThrow(TypeError);
    await expect(open().set('k', 1n)).rejects.toThrow(TypeError);
    expect(await on.redis.dbsize()).toBe(0);
  });

  it('replaces what was there, of whatever type', async () => {
    await on.redis.hset(`${prefix}k`, 'a', '1');
    await open().set('k', 1);
    expect(await on.redis.get(`${prefix}k`)).toBe('1');
  });
});

describe.each(caches)('get of %s', (_name, prefix, open) => {
  it.each<[string | null, unknown]>([
    [null, null],
    ['', null],
    ['{', null],
    ['null', null],
    ['false', false],
    ['0', 0],
    ['""', ''],
    ['{"a":1}', { a: 1 }],
  ])('reads %s as %s', async (text, value) => {
    if (text !== null) await on.redis.set(`${prefix}k`, text);
    expect(await open().get('k')).toEqual(value);
  });

  it('rejects where something else is stored, and has says that it is there', async () => {
    await on.redis.hset(`${prefix}k`, 'a', '1');
    const message = 'WRONGTYPE Operation against a key holding the wrong kind of value';
    await expect(open().get('k')).rejects.toMatchObject({ name: 'ReplyError', message });
    expect(await open().has('k')).toBe(true);
  });

  it('has and delete', async () => {
    const cache = open();
    await cache.set('k', undefined);
    expect([await cache.get('k'), await cache.has('k')]).toEqual([null, true]);
    expect(await cache.delete('k')).toBeUndefined();
    expect([await cache.delete('k'), await cache.has('k')]).toEqual([undefined, false]);
  });
});

describe.each(caches)('keys and clear of %s', (_name, prefix, open) => {
  it('know their own keys alone', async () => {
    const cache = open();
    for (const key of ['a', 'b:1', 'b:2', '*']) await cache.set(key, 1);
    await on.redis.mset('other', '1', 'app', '1', 'xapp:cache:a', '1');
    expect((await cache.keys()).toSorted()).toEqual(['*', 'a', 'b:1', 'b:2']);
    expect((await cache.keys('')).toSorted()).toEqual(['*', 'a', 'b:1', 'b:2']);
    expect((await cache.keys('b:*')).toSorted()).toEqual(['b:1', 'b:2']);
    expect(await cache.keys('b:[1]')).toEqual(['b:1']);
    expect(await cache.clear()).toBeUndefined();
    expect((await on.redis.keys('*')).toSorted()).toEqual(['app', 'other', 'xapp:cache:a']);
    expect(await on.redis.exists(`${prefix}a`)).toBe(0);
  });
});

describe('RedisCacheAdapter', () => {
  it('takes glob characters of its prefix as themselves', async () => {
    const cache = new RedisCacheAdapter(on.redis, { keyPrefix: 'a*[x]:' });
    await cache.set('k', 1);
    await on.redis.set('abx:k', '1');
    expect(await cache.keys()).toEqual(['k']);
    await cache.clear();
    expect(await on.redis.keys('*')).toEqual(['abx:k']);
  });

  it('shares the keys of RedisAdapter when neither has a prefix', async () => {
    await new RedisAdapter(on.redis).set('k', 'v');
    expect(await new RedisCacheAdapter(on.redis).get('k')).toBe('v');
  });

  it('counts keys in stats', async () => {
    const cache = new RedisCacheAdapter(on.redis);
    await cache.set('a', 1);
    await cache.set('b', 1);
    expect(await cache.stats()).toEqual({ hits: 0, misses: 0, size: 2, hitRatio: 0 });
  });

  it('clears 150,000 keys without KEYS, and leaves others', async () => {
    await on.redis.eval("for i = 1, 150000 do redis.call('SET', 'cache:' .. i, '1') end", 0);
    await on.redis.set('other', '1');
    await on.redis.config('RESETSTAT');
    const cache = new RedisCacheAdapter(on.redis);
    expect((await cache.stats()).size).toBe(150_000);
    await cache.clear();
    expect(await on.redis.dbsize()).toBe(1);
    expect(await on.redis.info('commandstats')).not.toMatch(/cmdstat_keys:|cmdstat_del:/);
  }, 60_000);

  it('adds the key prefix of the client, which the original forgets in keys and clear', async () => {
    const prefixed = on.redis.duplicate({ keyPrefix: 'mine:' });
    const cache = new RedisCacheAdapter(prefixed);
    await cache.set('k', 1);
    await on.redis.set('cache:theirs', '1');
    expect(await on.redis.get('mine:cache:k')).toBe('1');
    expect(await cache.keys()).toEqual(['k']);
    await cache.clear();
    expect(await on.redis.keys('*')).toEqual(['cache:theirs']);
    prefixed.disconnect();
  });
});

describe('RedisIdempotencyAdapter', () => {
  const open = (): RedisIdempotencyAdapter => new RedisIdempotencyAdapter(on.redis);

  it.each([[null], [''], ['{']])('finds nothing in %s', async (text) => {
    if (text !== null) await on.redis.set('idempotency:k', text);
    expect(await open().get('k')).toBeNull();
  });

  it('says when a value lapses', async () => {
    await open().set('k', [null, 7], 60_000);
    const before = Date.now();
    const entry = await open().get('k');
    expect(entry?.value).toEqual([null, 7]);
    expect(entry?.expiresAt).toBeGreaterThan(before + 50_000);
    expect(entry?.expiresAt).toBeLessThanOrEqual(Date.now() + 60_000);
  });

  it('has the property also for a value that stays', async () => {
    await open().set('k', null);
    expect(await open().get('k')).toStrictEqual({ value: null, expiresAt: undefined });
  });

  it('deletes', async () => {
    await open().set('k', 1);
    expect(await open().delete('k')).toBeUndefined();
    expect(await open().get('k')).toBeNull();
  });

  it('rejects where something else is stored', async () => {
    await on.redis.hset('idempotency:k', 'a', '1');
    await expect(open().get('k')).rejects.toMatchObject({ name: 'ReplyError' });
  });
});

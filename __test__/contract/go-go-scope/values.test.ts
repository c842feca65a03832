import { RedisAdapter, RedisCacheAdapter, RedisIdempotencyAdapter } from 'ferrodis/go-go-scope';
import { describe, expect, it } from 'vitest';

import { ground } from '../../support/ground.js';
import { expectLife } from '../../support/life.js';
import * as original from '../../support/original-go-go-scope.js';

const on = ground();

describe('the adapters', () => {
  it('have the own properties and the defaults of the originals', () => {
    const adapter = new RedisAdapter(on.redis);
    const aliases = ['save', 'load', 'loadLatest', 'list', 'cleanup', 'deleteAll'];
    expect(Object.keys(adapter).sort()).toEqual(['redis', 'keyPrefix', ...aliases].sort());
    expect(adapter).toMatchObject({ redis: on.redis, keyPrefix: '' });
    expect(Object.keys(new RedisCacheAdapter(on.redis))).toEqual(['redis', 'keyPrefix']);
    expect(new RedisCacheAdapter(on.redis).keyPrefix).toBe('cache:');
    expect(new RedisIdempotencyAdapter(on.redis).keyPrefix).toBe('idempotency:');
    expect(new RedisCacheAdapter(on.redis, { keyPrefix: '' }).keyPrefix).toBe('');
  });

  it('share cache entries without options', async () => {
    await new RedisAdapter(on.redis).set('shared', 1);
    expect(await new RedisCacheAdapter(on.redis).get('shared')).toBe(1);
    await new RedisAdapter(on.redis, { keyPrefix: 'app:' }).set('k', 1);
    await new RedisCacheAdapter(on.redis, { keyPrefix: 'app:' }).set('k', 2);
    expect(await on.redis.mget('app:cache:k', 'app:k')).toEqual(['1', '2']);
  });
});

describe.each([
  ['RedisAdapter', 'cache:', (prefix: string) => new RedisAdapter(on.redis, { keyPrefix: prefix })],
  ['RedisCacheAdapter', '', (prefix: string) => new RedisCacheAdapter(on.redis, { keyPrefix: prefix })],
])('the cache of %s', (_name, family, make) => {
  it('round-trips what JSON can say', async () => {
    const prefix = on.prefix();
    const cache = make(prefix);
    for (const value of [{ a: ['ç', 1] }, false, 0, '', null]) {
      expect(await cache.set('k', value)).toBeUndefined();
      expect(await on.redis.get(`${prefix}${family}k`)).toBe(JSON.stringify(value));
      expect(await cache.get('k')).toEqual(value);
    }
    await on.redis.set(`${prefix}${family}bad`, '{');
    expect(await cache.get('bad')).toBeNull();
    expect(await cache.get('missing')).toBeNull();
  });

  it('stores undefined as an empty text, and nothing that JSON refuses', async () => {
    const prefix = on.prefix();
    const cache = make(prefix);
    await cache.set('u', undefined);
    expect(await on.redis.get(`${prefix}${family}u`)).toBe('');
    expect(await cache.get('u')).toBeNull();
    expect(await cache.has('u')).toBe(true);
    await expect(cache.set('big', 1n)).rejects.toThrow(TypeError);
    expect(await cache.has('big')).toBe(false);
  });

  it.each([
    [1, 1],
    [1500, 2],
    [0.5, 1],
    ['2000', 2],
  ])('rounds a life of %s ms up to %s s', async (ttl, seconds) => {
    const prefix = on.prefix();
    await expectLife(on.redis, `${prefix}${family}k`, seconds * 1000, () => make(prefix).set('k', 1, ttl as number));
  });

  it.each([undefined, null, 0, Number.NaN])('keeps for ever with a life of %s', async (ttl) => {
    const prefix = on.prefix();
    await make(prefix).set('k', 1, ttl as number);
    expect(await on.redis.ttl(`${prefix}${family}k`)).toBe(-1);
  });

  it.each([
    [-1, /^ERR invalid expire time in '?setex\b/],
    [-1500, /^ERR invalid expire time in '?setex\b/],
    [Number.POSITIVE_INFINITY, /^ERR value is not an integer or out of range$/],
  ])('refuses a life of %s', async (ttl, message) => {
    await expect(make(on.prefix()).set('k', 1, ttl)).rejects.toMatchObject({
      name: 'ReplyError',
      message: expect.stringMatching(message),
    });
  });

  it('deletes, and rejects only what reads another type', async () => {
    const prefix = on.prefix();
    const cache = make(prefix);
    await on.redis.lpush(`${prefix}${family}l`, '1');
    await expect(cache.get('l')).rejects.toMatchObject({ message: /^WRONGTYPE/ });
    expect(await cache.has('l')).toBe(true);
    expect(await cache.delete('l')).toBeUndefined();
    expect(await cache.has('l')).toBe(false);
  });

  it('lists and clears its own keys, whatever the prefix looks like', async () => {
    for (const prefix of ['plain:', 'a*b:', '[x]:', 'q?\\:']) {
      const cache = make(prefix);
      await Promise.all(['one', 'two', 'three'].map((key) => cache.set(key, key)));
      await on.redis.mset('aXb:foreign', '1', `${prefix}other`, '1');
      await on.redis.mset(`aXb:${family}foreign`, '1', `x:${family}foreign`, '1');
      const own = family === '' ? ['one', 'other', 'three', 'two'] : ['one', 'three', 'two'];
      expect((await cache.keys()).sort()).toEqual(own);
      expect((await cache.keys('')).sort()).toEqual(own);
      expect((await cache.keys('t*')).sort()).toEqual(['three', 'two']);
      if (cache instanceof RedisCacheAdapter) {
        expect(await cache.stats()).toEqual({ hits: 0, misses: 0, size: own.length, hitRatio: 0 });
      }
      expect(await cache.clear()).toBeUndefined();
      expect(await cache.keys()).toEqual([]);
      expect(await on.redis.exists('aXb:foreign', `aXb:${family}foreign`, `x:${family}foreign`)).toBe(3);
      if (family !== '') expect(await on.redis.exists(`${prefix}other`)).toBe(1);
    }
  });
});

describe('behind a key prefix of the client', () => {
  it('everything is found again', async () => {
    const client = await on.client({ keyPrefix: 'io:' });
    const adapter = new RedisAdapter(client, { keyPrefix: 'p:' });
    await adapter.set('k', 1);
    await adapter.acquire('l', 60_000, 'me');
    await adapter.recordFailure('c', 5);
    await adapter.save({ id: 'x', taskId: 't', sequence: 1, timestamp: 1, progress: 0, data: 'd' });
    expect((await on.redis.keys('io:*')).sort()).toEqual([
      'io:p:cache:k',
      'io:p:checkpoint:t',
      'io:p:checkpoint:t:1',
      'io:p:circuit:c',
      'io:p:lock:l',
    ]);
    expect(await on.redis.zrange('io:p:checkpoint:t', 0, -1)).toEqual(['p:checkpoint:t:1']);
    expect(await adapter.keys()).toEqual(['k']);
    expect(await adapter.loadLatest('t')).toMatchObject({ id: 'x' });
    expect(await adapter.list('t')).toHaveLength(1);
    expect(await adapter.load('p:checkpoint:t:1')).toMatchObject({ id: 'x' });
    await adapter.deleteAll('t');
    await adapter.clear();
    expect((await on.redis.keys('io:*')).sort()).toEqual(['io:p:circuit:c', 'io:p:lock:l']);
  });
});

describe('150,000 keys', () => {
  it('end the original with a RangeError, and are cleared here without KEYS', async () => {
    const fill = "for i = 1, 150000 do redis.call('SET', ARGV[1] .. i, 'x') end";
    await on.redis.eval(fill, 0, 'huge:');
    await on.redis.set('hugely', 'foreign');
    await expect(original.clear(on.redis, 'huge:')).rejects.toThrow(RangeError);
    const cache = new RedisCacheAdapter(on.redis, { keyPrefix: 'huge:' });
    expect((await cache.stats()).size).toBe(150_000);
    expect(new Set(await cache.keys()).size).toBe(150_000);
    await on.redis.config('RESETSTAT');
    await cache.clear();
    expect(await on.redis.info('commandstats')).not.toMatch(/cmdstat_keys/);
    expect((await cache.stats()).size).toBe(0);
    expect(await on.redis.get('hugely')).toBe('foreign');
  }, 60_000);
});

describe('idempotency', () => {
  it('gives back the value and when it ends', async () => {
    const records = new RedisIdempotencyAdapter(on.redis);
    expect(await records.get('missing')).toBeNull();
    await records.set('k', [null, { a: 1 }], 60_000);
    expect(await on.redis.get('idempotency:k')).toBe('[null,{"a":1}]');
    const found = await records.get('k');
    expect(found?.value).toEqual([null, { a: 1 }]);
    expect(found?.expiresAt).toBeGreaterThan(Date.now() + 40_000);
    await records.set('k', 1);
    const forEver = await records.get('k');
    expect(forEver).toHaveProperty('expiresAt', undefined);
    await records.delete('k');
    expect(await records.get('k')).toBeNull();
  });

  it.each(['', '{'])('is null for "%s"', async (text) => {
    await on.redis.set('idempotency:bad', text);
    expect(await new RedisIdempotencyAdapter(on.redis).get('bad')).toBeNull();
  });

  it('a value that ends in between: the original gives it the expiry of none, or of another', async () => {
    await on.redis.set('idempotency:r', '1', 'PX', 60_000);
    const found = await original.getIdempotent(on.redis, 'idempotency:r', () => on.redis.set('idempotency:r', '2'));
    expect(found).toEqual({ value: 1, expiresAt: undefined });
  });

  it('here value and expiry belong together', async () => {
    const records = new RedisIdempotencyAdapter(on.redis);
    const writer = await on.client();
    const writes: Promise<unknown>[] = [];
    for (let round = 0; round < 200; round++) {
      writes.push(writer.set('idempotency:r', '"lives"', 'PX', 60_000), writer.set('idempotency:r', '"stays"'));
      const found = await records.get('r');
      expect(found?.expiresAt === undefined).toBe(found?.value !== 'lives');
    }
    // The client ends with the file, and what it has not heard by then would be rejected.
    await Promise.all(writes);
  });
});

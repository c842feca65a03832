import { beforeAll, describe, expect, it } from 'vitest';

import { ayepi, ground, ONCE } from '../../support/ayepi.js';

const on = ground();
let store: ReturnType<typeof ayepi.redisStore>;

beforeAll(() => {
  store = ayepi.redisStore(on.redis, { prefix: 's:', ...ONCE });
});

describe('get', () => {
  it('is undefined for a missing key, and empty for an empty value', async () => {
    expect(await store.get('missing')).toBeUndefined();
    await on.redis.set('s:empty', '');
    expect(await store.get('empty')).toBe('');
  });

  it.each(['plain', 'çà et là', '😀 and \u0000', 'x'.repeat(100_000)])('gives back what was set', async (text) => {
    await store.set('text', text);
    expect(await store.get('text')).toBe(text);
    expect(await on.redis.get('s:text')).toBe(text);
  });

  it('reads bytes that are no text as ioredis does', async () => {
    await on.redis.set('s:bytes', Buffer.from([0x61, 0xff, 0x62]));
    expect(await store.get('bytes')).toBe(await on.redis.get('s:bytes'));
  });

  it('rejects for a key of another type', async () => {
    await on.redis.lpush('s:list', '1');
    const error: Error = await store.get('list').catch((why) => why);
    expect(error.name).toBe('ReplyError');
    expect(error.message).toBe('WRONGTYPE Operation against a key holding the wrong kind of value');
  });
});

describe('set', () => {
  it('resolves with undefined and takes an earlier expiry away', async () => {
    expect(await store.set('k', 'v', 60_000)).toBeUndefined();
    expect(await on.redis.pttl('s:k')).toBeGreaterThan(50_000);
    await store.set('k', 'w');
    expect(await on.redis.pttl('s:k')).toBe(-1);
  });

  it.each([
    [5, '5'],
    [undefined, ''],
    [null, ''],
    [{}, '[object Object]'],
  ])('writes %s as ioredis does', async (value, text) => {
    await store.set('odd', value as never);
    expect(await on.redis.get('s:odd')).toBe(text);
  });
});

describe('delete', () => {
  it('resolves with undefined, also for a missing key', async () => {
    await store.set('k', 'v');
    expect(await store.delete('k')).toBeUndefined();
    expect(await store.delete('k')).toBeUndefined();
    expect(await on.redis.exists('s:k')).toBe(0);
  });
});

describe('setIfNotExists', () => {
  it('is true for the first and false for the others', async () => {
    const claims = await Promise.all(Array.from({ length: 20 }, () => store.setIfNotExists('claim', '1', 60_000)));
    expect(claims.filter(Boolean)).toHaveLength(1);
    expect(await on.redis.pttl('s:claim')).toBeGreaterThan(50_000);
    expect(await store.setIfNotExists('for ever', '1')).toBe(true);
    expect(await on.redis.pttl('s:for ever')).toBe(-1);
  });

  it('is false where a key of another type is', async () => {
    await on.redis.lpush('s:other', '1');
    expect(await store.setIfNotExists('other', '1')).toBe(false);
  });
});

describe('increment', () => {
  it('starts at 0, and without a TTL leaves the expiry as it is', async () => {
    expect(await store.increment('n', 3)).toBe(3);
    await on.redis.pexpire('s:n', 50_000);
    expect(await store.increment('n', -5)).toBe(-2);
    expect(await on.redis.pttl('s:n')).toBeGreaterThan(40_000);
  });

  it('with a TTL begins its life anew each time', async () => {
    await store.increment('lived', 1, 30_000);
    expect(await store.increment('lived', 1, 60_000)).toBe(2);
    expect(await on.redis.pttl('s:lived')).toBeGreaterThan(50_000);
  });

  it('loses precision beyond 2^53 as ioredis does', async () => {
    await on.redis.set('s:large', '9007199254740992');
    expect(await store.increment('large', 1)).toBe(9007199254740992);
    expect(await on.redis.get('s:large')).toBe('9007199254740993');
  });

  it.each([
    ['a fraction', () => store.increment('f', 1.5), 'ERR value is not an integer or out of range'],
    ['a fraction, with a TTL', () => store.increment('f', 1.5, 1000), 'ERR value is not an integer or out of range'],
    [
      'something that is no number',
      async () => {
        await on.redis.set('s:text', 'abc');
        await store.increment('text', 1, 1000);
      },
      'ERR value is not an integer or out of range',
    ],
    [
      'too much',
      async () => {
        await on.redis.set('s:full', '9223372036854775807');
        await store.increment('full', 1, 1000);
      },
      'ERR increment or decrement would overflow',
    ],
    [
      'a list',
      async () => {
        await on.redis.lpush('s:l', '1');
        await store.increment('l', 1, 1000);
      },
      'WRONGTYPE Operation against a key holding the wrong kind of value',
    ],
  ])('rejects for %s', async (_what, work, message) => {
    await expect(work()).rejects.toMatchObject({ name: 'ReplyError', message });
  });
});

describe('a TTL that is none', () => {
  const NO_INTEGER = 'ERR value is not an integer or out of range';

  it.each([0, -1])('%s is refused by set, and makes increment remove the counter', async (ttl) => {
    const invalid = { name: 'ReplyError', message: expect.stringMatching(/^ERR invalid expire time in '?set\b/) };
    await expect(store.set('t', 'v', ttl)).rejects.toMatchObject(invalid);
    await expect(store.setIfNotExists('t', 'v', ttl)).rejects.toMatchObject(invalid);
    await on.redis.set('s:counted', '4');
    expect(await store.increment('counted', 1, ttl)).toBe(5);
    expect(await on.redis.exists('s:counted')).toBe(0);
  });

  it.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, null])('%s is refused, and nothing is counted', async (ttl) => {
    const refused = { name: 'ReplyError', message: NO_INTEGER };
    await expect(store.set('t', 'v', ttl as number)).rejects.toMatchObject(refused);
    await expect(store.setIfNotExists('t', 'v', ttl as number)).rejects.toMatchObject(refused);
    await expect(store.increment('uncounted', 1, ttl as number)).rejects.toMatchObject(refused);
    expect(await on.redis.exists('s:t', 's:uncounted')).toBe(0);
  });
});

it('puts the key prefix of the client before its own', async () => {
  const prefixed = ayepi.redisStore(await on.client({ keyPrefix: 'io:' }), { prefix: 'p:' });
  await prefixed.set('k', 'v');
  expect(await on.redis.get('io:p:k')).toBe('v');
  expect(await prefixed.get('k')).toBe('v');
  expect(await prefixed.increment('n', 1, 1000)).toBe(1);
  expect(await on.redis.get('io:p:n')).toBe('1');
});

it('follows the client into the database that it selects', async () => {
  const client = await on.client();
  const moving = ayepi.redisStore(client, { prefix: 'p:' });
  await moving.set('where', 'zero');
  await client.select(3);
  expect(await moving.get('where')).toBeUndefined();
  await moving.set('where', 'three');
  expect(await client.get('p:where')).toBe('three');
  expect(await on.redis.get('p:where')).toBe('zero');
});

it('rejects as ioredis does once the client has ended', async () => {
  const client = await on.client();
  const ended = ayepi.redisStore(client, ONCE);
  await ended.get('k');
  await client.quit();
  await expect(ended.get('k')).rejects.toThrow('Connection is closed.');
});

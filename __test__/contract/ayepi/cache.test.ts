import { describe, expect, it } from 'vitest';

import { ayepi, ground, ONCE } from '../../support/ayepi.js';

const on = ground();
const HOUR = 3_600_000;

function entry(key: string, more: object = {}) {
  const storedAt = Date.now();
  return {
    key,
    method: 'GET',
    path: '/x',
    body: 'çà',
    status: 200,
    headers: [['a', 'b']] as [string, string][],
    storedAt,
    expires: storedAt + 1000,
    staleUntil: storedAt + HOUR,
    bytes: 2,
    ...more,
  };
}

function cacheAt(prefix: string, options: object = {}) {
  return ayepi.redisCache(on.redis, { prefix, ...ONCE, ...options });
}

describe('an entry', () => {
  it('is the JSON of what was given, and lives until it is stale', async () => {
    const prefix = on.prefix();
    const given = entry('["GET","/x",[],null,null]', { extra: 1, none: undefined });
    const cache = cacheAt(prefix, { now: () => given.staleUntil - 60_000 });
    expect(await cache.set(given.key, given)).toBeUndefined();
    expect(await on.redis.get(prefix + given.key)).toBe(JSON.stringify(given));
    expect(await on.redis.pttl(prefix + given.key)).toBeLessThanOrEqual(60_000);
    expect(await cache.get(given.key)).toEqual(JSON.parse(JSON.stringify(given)));
  });

  it.each([
    [100.5, 'ERR value is not an integer or out of range'],
    [Number.NaN, 'ERR value is not an integer or out of range'],
    [Number.POSITIVE_INFINITY, 'ERR value is not an integer or out of range'],
  ])('with %s ms left is refused', async (left, message) => {
    const cache = cacheAt(on.prefix(), { now: () => 0 });
    await expect(cache.set('k', entry('k', { staleUntil: left }))).rejects.toMatchObject({
      name: 'ReplyError',
      message,
    });
  });

  it('that is stale already lives for 1 ms', async () => {
    const prefix = on.prefix();
    await on.redis.config('RESETSTAT');
    await cacheAt(prefix, { now: () => 10 }).set('k', entry('k', { staleUntil: 5 }));
    expect(await on.redis.info('commandstats')).toMatch(/cmdstat_set:calls=1,.*failed_calls=0/);
  });

  it('is missing when nil or empty; broken JSON rejects, and stays', async () => {
    const prefix = on.prefix();
    const cache = cacheAt(prefix);
    expect(await cache.get('none')).toBeUndefined();
    await on.redis.mset(`${prefix}empty`, '', `${prefix}null`, 'null', `${prefix}bad`, '{');
    expect(await cache.get('empty')).toBeUndefined();
    expect(await cache.get('null')).toBeNull();
    await expect(cache.get('bad')).rejects.toThrow(SyntaxError);
    expect(await on.redis.exists(`${prefix}bad`)).toBe(1);
  });

  it('is deleted with an answer', async () => {
    const cache = cacheAt(on.prefix());
    await cache.set('k', entry('k'));
    expect(await cache.delete('k')).toBe(true);
    expect(await cache.delete('k')).toBe(false);
  });
});

describe('clear', () => {
  it('removes everything under the prefix, of whatever type, and nothing else', async () => {
    const prefix = on.prefix();
    await on.redis.set(`${prefix}a`, '1');
    await on.redis.lpush(`${prefix}b`, '1');
    await on.redis.set(`x${prefix}`, 'foreign');
    expect(await cacheAt(prefix).clear()).toBeUndefined();
    expect(await on.redis.keys(`*${prefix}*`)).toEqual([`x${prefix}`]);
  });

  it.each(['a*:', '[p]:', 'q?:', 'back\\slash:'])('takes the prefix %s for what it is', async (prefix) => {
    const cache = cacheAt(prefix);
    await cache.set('k', entry('k'));
    await on.redis.mset('aXX:1', 'foreign', 'p:1', 'foreign', 'qX:1', 'foreign', 'backslash:1', 'foreign');
    await cache.clear();
    expect(await on.redis.exists(`${prefix}k`)).toBe(0);
    expect(await on.redis.exists('aXX:1', 'p:1', 'qX:1', 'backslash:1')).toBe(4);
  });

  it('finds its keys behind a key prefix of the client, and so does invalidate', async () => {
    const client = await on.client({ keyPrefix: 'io:' });
    const prefix = on.prefix();
    const cache = ayepi.redisCache(client, { prefix });
    await cache.set('a', entry('a'));
    await cache.set('b', entry('b'));
    expect(await on.redis.exists(`io:${prefix}a`)).toBe(1);
    expect(await cache.invalidate((meta) => meta.key === 'a')).toBe(1);
    expect(await on.redis.keys(`io:${prefix}*`)).toEqual([`io:${prefix}b`]);
    await cache.clear();
    expect(await on.redis.keys(`io:${prefix}*`)).toEqual([]);
  });

  it('manages 150,000 keys', async () => {
    const prefix = on.prefix();
    await on.redis.eval("for i = 1, 150000 do redis.call('SET', ARGV[1] .. i, 'x') end", 0, prefix);
    await on.redis.set('bystander', '1');
    await cacheAt(prefix).clear();
    expect(await on.redis.eval("return #redis.call('KEYS', ARGV[1] .. '*')", 0, prefix)).toBe(0);
    expect(await on.redis.exists('bystander')).toBe(1);
  }, 60_000);
});

describe('invalidate', () => {
  it('shows seven fields of each entry, and removes and counts what is picked', async () => {
    const prefix = on.prefix();
    const cache = cacheAt(prefix);
    await cache.set('other name', entry('k1', { extra: 'hidden' }));
    await cache.set('k2', entry('k2', { path: '/y' }));
    await on.redis.set(`${prefix}empty`, '');
    const seen: object[] = [];
    const count = await cache.invalidate((meta) => {
      seen.push(meta);
      return meta.path === '/x';
    });
    expect(count).toBe(1);
    // A scan may find a key twice.
    expect(new Set(seen.map((meta) => JSON.stringify(meta))).size).toBe(2);
    expect(Object.keys(seen[0]!)).toEqual(['key', 'method', 'path', 'storedAt', 'expires', 'staleUntil', 'bytes']);
    expect(await on.redis.exists(`${prefix}other name`)).toBe(0);
    expect(await on.redis.exists(`${prefix}k2`)).toBe(1);
  });

  it('takes any truthy answer, so a promise too', async () => {
    const cache = cacheAt(on.prefix());
    await cache.set('k', entry('k'));
    expect(await cache.invalidate((async () => false) as never)).toBe(1);
  });

  it('works on many pages', async () => {
    const prefix = on.prefix();
    const cache = cacheAt(prefix);
    await Promise.all(Array.from({ length: 3000 }, (_, i) => cache.set(`k${i}`, entry(`k${i}`, { bytes: i }))));
    expect(await cache.invalidate(({ bytes }) => bytes % 3 === 0)).toBe(1000);
    expect(await cache.invalidate(({ bytes }) => bytes % 3 === 0)).toBe(0);
    expect(await cache.invalidate(() => true)).toBe(2000);
  });

  it.each([
    ['one value is no JSON', async (key: string) => on.redis.set(key, '{'), SyntaxError],
    ['one key is of another type', async (key: string) => on.redis.lpush(key, '1'), /WRONGTYPE/],
  ])('rejects, and removes nothing, when %s', async (_why, spoil, error) => {
    const prefix = on.prefix();
    const cache = cacheAt(prefix);
    await cache.set('good', entry('good'));
    await spoil(`${prefix}bad`);
    await expect(cache.invalidate(() => true)).rejects.toThrow(error as RegExp);
    expect(await on.redis.exists(`${prefix}good`)).toBe(1);
  });
});

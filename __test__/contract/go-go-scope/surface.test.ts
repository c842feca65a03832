import { createClient } from 'redis6';
import * as exported from 'ferrodis/go-go-scope';
import * as root from 'ferrodis';
import { RedisAdapter, RedisCacheAdapter, RedisIdempotencyAdapter } from 'ferrodis/go-go-scope';
import { Redis as Redis6 } from 'ioredis6';
import { describe, expect, it } from 'vitest';

import { goGoScope } from '../../support/go-go-scope.js';
import { until } from '../../support/ground.js';
import { expectLife } from '../../support/life.js';

const on = goGoScope();

describe('the module', () => {
  it('exports the three classes, which the root exports too', () => {
    const names = ['RedisAdapter', 'RedisCacheAdapter', 'RedisIdempotencyAdapter'];
    expect(Object.keys(exported).toSorted()).toEqual(names);
    expect(names.map((name) => (root as Record<string, unknown>)[name])).toEqual(Object.values(exported));
  });
});

describe('an adapter', () => {
  it('has the own properties of the original', () => {
    const adapter = new RedisAdapter(on.redis);
    const bound = ['save', 'load', 'loadLatest', 'list', 'cleanup', 'deleteAll'];
    expect(Object.keys(adapter)).toEqual(['redis', 'keyPrefix', ...bound]);
    expect(Object.keys(new RedisCacheAdapter(on.redis))).toEqual(['redis', 'keyPrefix']);
    expect(Object.keys(new RedisIdempotencyAdapter(on.redis))).toEqual(['redis', 'keyPrefix']);
    expect(adapter).not.toHaveProperty('stats');
    expect(adapter).not.toHaveProperty('subscribe');
    expect(new RedisIdempotencyAdapter(on.redis)).not.toHaveProperty('clear');
  });

  it.each([
    [undefined, '', 'cache:', 'idempotency:'],
    [{}, '', 'cache:', 'idempotency:'],
    [{ keyPrefix: 'x:' }, 'x:', 'x:', 'x:'],
    [{ keyPrefix: '' }, '', '', ''],
  ])('with %j has the prefixes "%s", "%s" and "%s"', (options, ...prefixes) => {
    const classes = [RedisAdapter, RedisCacheAdapter, RedisIdempotencyAdapter];
    expect(classes.map((Class) => new Class(on.redis, options).keyPrefix)).toEqual(prefixes);
    expect(new RedisAdapter(on.redis, options).redis).toBe(on.redis);
  });

  it('binds the short names, to the methods of a subclass too', async () => {
    class Loud extends RedisAdapter {
      override async loadLatestCheckpoint<T>(): Promise<T> {
        return 'mine' as T;
      }
    }
    const { loadLatest, list } = new Loud(on.redis);
    expect(await loadLatest('task')).toBe('mine');
    expect(await list('task')).toEqual([]);
  });

  it('rejects rather than throws', async () => {
    const broken = new RedisAdapter(null as unknown as object);
    for (const call of [broken.get('k'), broken.acquire('k', 1), broken.list('t'), broken.recordFailure('c', 1)]) {
      await expect(call).rejects.toThrow(TypeError);
    }
  });
});

describe('the life of the client', () => {
  it('connect() connects one that waits, and is nothing otherwise', async () => {
    const redis = on.redis.duplicate({ lazyConnect: true });
    const adapter = new RedisAdapter(redis);
    expect(adapter.isConnected()).toBe(false);
    await adapter.connect();
    expect(adapter.isConnected()).toBe(true);
    await adapter.connect();
    redis.disconnect();
  });

  it('a first command connects one that waits', async () => {
    const redis = on.redis.duplicate({ lazyConnect: true });
    const adapter = new RedisAdapter(redis);
    const ready = new Promise((resolve) => redis.once('ready', resolve));
    expect(await adapter.get('k')).toBeNull();
    await ready;
    expect(adapter.isConnected()).toBe(true);
    redis.disconnect();
  });

  it.each([
    ['ioredis 5', () => on.redis.duplicate()],
    ['ioredis 6', () => new Redis6(on.server.url)],
  ])('disconnect() ends the client of %s, and calls reject from then on', async (_name, open) => {
    const client = open();
    const adapter = new RedisAdapter(client);
    await adapter.set('k', 1);
    const handle = await adapter.acquire('job', 60_000);
    await adapter.disconnect();
    await expect(adapter.acquire('other', 60_000)).rejects.toThrow(/^Connection is closed\.$/);
    await expect(handle?.release()).rejects.toThrow(/^Connection is closed\.$/);
    // Until its socket is closed the client says OK to one more QUIT.
    await until(() => client.status === 'end');
    await expect(adapter.disconnect()).rejects.toThrow('Connection is closed.');
    expect(adapter.isConnected()).toBe(false);
  });

  it('a node-redis client serves as well', async () => {
    const client = createClient({ url: on.server.url });
    const adapter = new RedisAdapter(client);
    expect(adapter.isConnected()).toBe(false);
    await adapter.connect();
    expect(adapter.isConnected()).toBe(true);
    await expectLife(on.redis, 'cache:k', 60_000, () => adapter.set('k', { a: 1 }, 60_000));
    expect(await on.redis.get('cache:k')).toBe('{"a":1}');
    await adapter.disconnect();
  });
});

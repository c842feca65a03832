import * as bare from 'ferrodis/ayepi';
import { describe, expect, it } from 'vitest';

import { ayepi, ground, required } from '../../support/ayepi.js';

const on = ground();

describe.each([
  ['import', ayepi],
  ['require', required],
])('by %s', (_how, { redisBroker, redisCache, redisPubSub, redisStore }) => {
  it('there are four factories that take a client and perhaps options', () => {
    for (const factory of [redisBroker, redisPubSub, redisStore, redisCache]) expect(factory.length).toBe(1);
    expect(redisStore.name).toBe('redisStore');
  });

  it('they give plain objects with the methods of the originals, in their order', async () => {
    const client = await on.client();
    expect(Object.keys(redisBroker(client))).toEqual(['publish', 'subscribe']);
    expect(Object.keys(redisPubSub(client))).toEqual(['publish', 'subscribe']);
    expect(Object.keys(redisStore(client))).toEqual(['get', 'set', 'delete', 'setIfNotExists', 'increment']);
    expect(Object.keys(redisCache(client))).toEqual(['get', 'set', 'delete', 'clear', 'invalidate']);
    client.disconnect();
  });

  it('methods work detached', async () => {
    const { get, set } = redisStore(on.redis, { prefix: on.prefix() });
    await set('k', 'v');
    expect(await get('k')).toBe('v');
  });

  it('takes null for "the default", and keeps an empty prefix', async () => {
    await redisCache(on.redis, { prefix: null as never }).set('k', { staleUntil: Date.now() + 60_000 } as never);
    expect(await on.redis.exists('ayepi:cache:k')).toBe(1);
    await redisCache(on.redis, { prefix: '' }).set('bare', { staleUntil: Date.now() + 60_000 } as never);
    expect(await on.redis.exists('bare')).toBe(1);
  });
});

describe('without @ayepi/core', () => {
  it('store and cache say at construction what is missing', () => {
    for (const factory of [bare.redisStore, bare.redisCache]) {
      expect(() => factory(on.redis)).toThrow(expect.objectContaining({ code: 'ERR_FERRODIS_UNSUPPORTED' }));
      expect(() => factory(on.redis)).toThrow(/@ayepi\/core/);
    }
  });

  it('a broker works', async () => {
    const broker = bare.redisBroker(on.redis, { channel: on.prefix() });
    const received = new Promise<string>((resolve) => broker.subscribe(resolve));
    const again = setInterval(() => void broker.publish('m'), 20);
    expect(await received).toBe('m');
    clearInterval(again);
  });
});

it('what is no client fails where the original fails', async () => {
  expect(() => ayepi.redisBroker(undefined as never)).toThrow(TypeError);
  const store = ayepi.redisStore(undefined as never, { retry: { attempts: 1 } });
  await expect(store.get('k')).rejects.toThrow(TypeError);
});

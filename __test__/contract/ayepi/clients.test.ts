import type { Redis } from 'ioredis5';
import { describe, expect, it } from 'vitest';

import { ayepi, ground, until } from '../../support/ayepi.js';
import { accepted, alone, CARRIED, CLIENTS, connections, mock } from '../../support/clients.js';

const on = ground();
const { redisBroker, redisCache, redisStore } = ayepi;

/** What store, cache and broker are for, on any client. */
async function use(client: Redis, prefix: string): Promise<void> {
  const store = redisStore(client, { prefix });
  await store.set('k', 'ç 😀', 60_000);
  expect(await store.get('k')).toBe('ç 😀');
  expect(await store.setIfNotExists('claim', '1', 60_000)).toBe(true);
  expect(await store.setIfNotExists('claim', '2', 60_000)).toBe(false);
  expect(await store.increment('n', 2, 60_000)).toBe(2);
  expect(await store.increment('n', -1)).toBe(1);
  await store.delete('k');
  expect(await store.get('k')).toBeUndefined();

  const cache = redisCache(client, { prefix: `${prefix}c:` });
  const entry = { key: 'k', staleUntil: Date.now() + 60_000 } as never;
  await cache.set('a', entry);
  await cache.set('b', entry);
  expect(await cache.get('a')).toEqual(entry);
  expect(await cache.delete('a')).toBe(true);
  expect(await cache.invalidate(({ key }) => key === 'k')).toBe(1);
  await cache.set('c', entry);
  await cache.clear();
  expect(await cache.get('c')).toBeUndefined();

  const received: string[] = [];
  const broker = redisBroker(client, { channel: `${prefix}channel`, onError: () => undefined });
  broker.subscribe((message) => received.push(message));
  await until(async () => {
    await broker.publish('m');
    return received.length > 0;
  });
  expect(received[0]).toBe('m');
}

describe.each(CARRIED)('%s', (_name, open) => {
  it('has one native side and one listener, however many stores, caches and brokers there are', async () => {
    await alone(on);
    const { client, end } = await open(on);
    const counts = (): number[] => ['end', 'error', 'message'].map((event) => client.listenerCount(event));
    const [ends, ...others] = counts();
    for (let i = 0; i < 50; i++) {
      await redisStore(client, { prefix: `${i}` }).get('k');
      await redisCache(client).get('k');
      redisBroker(client, { channel: `${i % 5}` }).subscribe(() => undefined);
    }
    await redisBroker(client).publish('m');
    expect(counts()).toEqual([ends! + 1, ...others]);
    // The client, what carries calls, and what listens.
    await until(async () => (await connections(on)) === 3);
    await end();
    await alone(on);
  });
});

describe.each(CLIENTS)('%s', (_name, open) => {
  it('carries store, cache and broker', async () => {
    const { client, end } = await open(on);
    const prefix = on.prefix();
    await use(client, prefix);
    expect(await on.redis.get(`${prefix}n`)).toBe('1');
    expect(await on.redis.pttl(`${prefix}claim`)).toBeGreaterThan(50_000);
    await end();
  });
});

it('REDIS_NATIVE=0 drives the client itself', async () => {
  process.env['REDIS_NATIVE'] = '0';
  try {
    const before = await accepted(on);
    await use(await on.client(), on.prefix());
    // The client, and the duplicate that the broker listens on.
    expect(await accepted(on)).toBe(before + 2);
  } finally {
    delete process.env['REDIS_NATIVE'];
  }
});

it('ioredis-mock carries everything, and no connection is opened', async () => {
  const before = await accepted(on);
  await use(mock(on), on.prefix());
  expect(await accepted(on)).toBe(before);
});

import { Redis } from 'ioredis5';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { ayepi, ground } from '../../support/ayepi.js';
import { BurstProxy } from '../../support/burst-proxy.js';

const on = ground();
let proxy: BurstProxy;
let client: Redis;
let store: ReturnType<typeof ayepi.redisStore>;
let cache: ReturnType<typeof ayepi.redisCache>;
let broker: ReturnType<typeof ayepi.redisBroker>;

const entry = { key: 'k', staleUntil: Date.now() + 60_000 } as never;
const calls: Array<[string, number, () => Promise<unknown>]> = [
  ['store.get', 1, () => store.get('k')],
  ['store.set', 1, () => store.set('k', 'v', 1000)],
  ['store.delete', 1, () => store.delete('k')],
  ['store.setIfNotExists', 1, () => store.setIfNotExists('k', 'v', 1000)],
  ['store.increment', 1, () => store.increment('n', 1)],
  ['store.increment with a TTL', 1, () => store.increment('n', 1, 1000)],
  ['cache.get', 1, () => cache.get('k')],
  ['cache.set', 1, () => cache.set('k', entry)],
  ['cache.delete', 1, () => cache.delete('k')],
  ['cache.invalidate of a page', 3, () => cache.set('k', entry).then(() => cache.invalidate(() => true))],
  ['cache.clear of a page', 2, () => cache.clear()],
  ['broker.publish', 1, () => broker.publish('m')],
];

beforeAll(async () => {
  proxy = await BurstProxy.start(on.server.port);
  client = new Redis(proxy.url);
  store = ayepi.redisStore(client, { prefix: 's:' });
  cache = ayepi.redisCache(client);
  broker = ayepi.redisBroker(client);
  // The server sees every script once, so that no count holds the loading of one.
  for (const [, , call] of calls) await call();
});

afterAll(async () => {
  client.disconnect();
  await proxy.close();
});

describe('round trips', () => {
  it.each(calls)('%s takes at most %i', async (name, most, call) => {
    const besides = name === 'cache.invalidate of a page' ? 1 : 0;
    expect(await proxy.count(call)).toBeLessThanOrEqual(most + besides);
  });
});

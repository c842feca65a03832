import { Cluster as Cluster5 } from 'ioredis5';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { ayepi, ONCE } from '../support/ayepi.js';
import { Cluster } from '../support/cluster.js';

let at: Cluster;
let client: Cluster5;

beforeAll(async () => {
  at = await Cluster.start();
  client = new Cluster5(at.options.cluster);
}, 60_000);

afterAll(async () => {
  client.disconnect();
  await at.stop();
});

it('a store claims and counts on the nodes of its keys, and keeps no record of calls', async () => {
  const store = ayepi.redisStore(client, ONCE);
  const names = Array.from({ length: 40 }, (_, i) => `${i}`);
  const claim = (name: string): Promise<boolean> => Promise.resolve(store.setIfNotExists(`c${name}`, '1', 60_000));
  expect(await Promise.all(names.map(claim))).toEqual(names.map(() => true));
  expect(await Promise.all(names.map(claim))).toEqual(names.map(() => false));
  const sums = await Promise.all(names.map((name) => store.increment!(`n${name}`, Number(name), 60_000)));
  expect(sums).toEqual(names.map(Number));
  expect(await client.pttl('n7')).toBeGreaterThan(50_000);
  const keys = await Promise.all(client.nodes('master').map((node) => node.keys('*ferrodis:calls:*')));
  expect(keys.flat()).toEqual([]);
});

it('a cache is invalidated and cleared on every node', async () => {
  const cache = ayepi.redisCache(client, ONCE);
  for (let i = 0; i < 40; i++) {
    await cache.set(`${i}`, { key: `${i % 4}`, staleUntil: Date.now() + 60_000 } as never);
  }
  expect(await cache.invalidate(({ key }) => key === '3')).toBe(10);
  expect([await cache.get('3'), (await cache.get('4'))?.key]).toEqual([undefined, '0']);
  await cache.clear();
  expect(await cache.invalidate(() => true)).toBe(0);
});

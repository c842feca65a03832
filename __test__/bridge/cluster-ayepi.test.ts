import { randomUUID } from 'node:crypto';

import { Cluster as Cluster5 } from 'ioredis5';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { ayepi, ONCE, until } from '../support/ayepi.js';
import { Cluster, type Node } from '../support/cluster.js';
import { Proxy } from '../support/proxy.js';

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

it('a store claims and counts on the nodes of its keys, with a record of calls in the slot of each', async () => {
  const store = ayepi.redisStore(client, ONCE);
  const names = Array.from({ length: 40 }, (_, i) => `${i}`);
  const claim = (name: string): Promise<boolean> => Promise.resolve(store.setIfNotExists(`c${name}`, '1', 60_000));
  expect(await Promise.all(names.map(claim))).toEqual(names.map(() => true));
  expect(await Promise.all(names.map(claim))).toEqual(names.map(() => false));
  const sums = await Promise.all(names.map((name) => store.increment!(`n${name}`, Number(name), 60_000)));
  expect(sums).toEqual(names.map(Number));
  expect(await client.pttl('n7')).toBeGreaterThan(50_000);
});

it.each([
  ['no prefix', ''],
  ['a prefix', 'app:'],
  ['a prefix that chooses the slot', '{app}:'],
  ['a prefix with half a hash tag', 'app{:'],
])('%s: a claim and a count whose replies were lost are answered as the first time', async (_, prefix) => {
  const proxies = new Map<Node, Proxy>();
  const natMap: Record<string, { host: string; port: number }> = {};
  for (const node of at.nodes) {
    const proxy = await Proxy.start({ port: node.server.port });
    proxies.set(node, proxy);
    natMap[`127.0.0.1:${node.server.port}`] = { host: '127.0.0.1', port: proxy.port };
  }
  const far = new Cluster5(at.options.cluster, { natMap });
  const store = ayepi.redisStore(far, { prefix, ...ONCE });
  const [claim, count] = [`{${randomUUID()}}claim`, `{${randomUUID()}}count`];
  // The nodes must know the scripts: to be told that one does not is a reply, too.
  await store.setIfNotExists(`${claim}warm`, '1', 1000);
  await store.increment!(`${count}warm`, 1, 1000);
  const concerned = await Promise.all([claim, count].map((key) => at.owner(prefix + key)));
  const affected = new Set(concerned.map((node) => proxies.get(node)!));
  for (const proxy of affected) proxy.blackhole('down');
  const replies = Promise.all([store.setIfNotExists(claim, '1', 60_000), store.increment!(count, 2, 60_000)]);
  await until(async () => (await Promise.all([claim, count].map((key) => client.exists(prefix + key)))).every(Boolean));
  for (const proxy of affected) {
    proxy.heal();
    proxy.cut();
  }
  expect(await replies).toEqual([true, 2]);
  expect(await client.get(prefix + count)).toBe('2');
  far.disconnect();
  await Promise.all(Array.from(proxies.values(), (proxy) => proxy.stop()));
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

/** Runs on every runtime: store, cache and broker on an ioredis client, and the end of the program with the client's. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { redisBroker, redisCache, redisStore } from 'ferrodis/ayepi';
import { startRedis } from 'ferrodis/testing';
import { Redis } from 'ioredis5';

const redis = await startRedis();
const client = new Redis(redis.url);

const store = redisStore(client, { prefix: 's:' });
await store.set('k', 'naïve ✓', 60_000);
assert.equal(await store.get('k'), 'naïve ✓');
assert.deepEqual(await Promise.all([store.setIfNotExists('c', '1'), store.setIfNotExists('c', '2')]), [true, false]);
const sums = await Promise.all(Array.from({ length: 200 }, () => store.increment('n', 1, 60_000)));
assert.equal(Math.max(...sums), 200);
assert.equal(await client.get('s:n'), '200');
await assert.rejects(store.increment('k', 1), { name: 'ReplyError', message: /not an integer/ });

const cache = redisCache(client);
const entry = {
  key: 'k',
  method: 'GET',
  path: '/',
  storedAt: 1,
  expires: 2,
  staleUntil: Date.now() + 60_000,
  bytes: 1,
};
await cache.set('k', { ...entry, body: 'b', status: 200, headers: [] });
assert.equal(await cache.invalidate(({ path }) => path === '/'), 1);
await cache.clear();

/** @type {string[]} */
const received = [];
const broker = redisBroker(client, { channel: 'news' });
broker.subscribe((message) => received.push(message));
while (received.length === 0) {
  await broker.publish('m ✓');
  await delay(5);
}
assert.equal(received[0], 'm ✓');

// What is subscribed ends with its client, and nothing else keeps the program alive.
await client.quit();
await assert.rejects(redisStore(client, { retry: { attempts: 1 } }).get('k'), { message: 'Connection is closed.' });
await redis.stop();

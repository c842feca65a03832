/** Runs on every runtime: locks that are renewed, circuits, checkpoints and caches, and the end with the client's. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { RedisAdapter, RedisIdempotencyAdapter } from 'ferrodis/go-go-scope';
import { startRedis } from 'ferrodis/testing';
import { Redis } from 'ioredis5';

const redis = await startRedis();
const client = new Redis(redis.url);
const adapter = new RedisAdapter(client, { keyPrefix: 'app:', renewLocks: true, fencing: true, circuitEvents: true });

const handle = await adapter.acquire('job', 3000, 'me');
assert.ok(handle);
assert.equal(handle.fence, 1);
await delay(3500);
assert.equal(await handle.isValid(), true);
assert.equal(await adapter.acquire('job', 3000), null);
await handle.release();
assert.equal(await client.exists('app:lock:job'), 0);

await Promise.all(Array.from({ length: 100 }, () => adapter.recordFailure('api', 50)));
assert.equal((await adapter.getState('api'))?.failureCount, 100);
/** @type {string[]} */
const heard = [];
adapter.subscribe?.('api', (state) => heard.push(state.state));
while (heard.length === 0) {
  await adapter.recordFailure('api', 50);
  await delay(5);
}
assert.equal(heard[0], 'open');

for (const sequence of [1, 2, 3]) {
  await adapter.save({ id: `t-1-${sequence}`, taskId: 't', sequence, timestamp: 1, progress: 0, data: 'naïve ✓' });
}
await adapter.cleanup('t', 2);
assert.deepEqual(
  (await adapter.list('t')).map((checkpoint) => checkpoint.sequence),
  [2, 3],
);
await adapter.deleteAll('t');

await adapter.set('k', { a: 1 }, 60_000);
assert.deepEqual(await adapter.keys(), ['k']);
await adapter.clear();
const records = new RedisIdempotencyAdapter(client);
await records.set('r', [null, 1], 60_000);
assert.deepEqual((await records.get('r'))?.value, [null, 1]);

await adapter.disconnect();
await assert.rejects(adapter.acquire('job', 3000), { message: 'Connection is closed.' });
await redis.stop();

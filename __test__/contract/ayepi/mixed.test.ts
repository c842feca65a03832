import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { RedisAdapter, RedisCacheAdapter, RedisIdempotencyAdapter } from 'ferrodis/go-go-scope';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { ayepi, ground, until } from '../../support/ayepi.js';
import { expectLife } from '../../support/life.js';

const on = ground();
const PROGRAM = fileURLToPath(new URL('../../fixtures/ayepi/original.mjs', import.meta.url));
let other: ChildProcessWithoutNullStreams;
let lines: Interface;

/** Has the other process send a command of the original. */
async function original(...command: Array<string | number>): Promise<unknown> {
  other.stdin.write(`${JSON.stringify(command)}\n`);
  const [line] = (await once(lines, 'line')) as [string];
  return JSON.parse(line);
}

beforeAll(() => {
  other = spawn(process.execPath, [PROGRAM, `${on.server.port}`]);
  lines = createInterface(other.stdout);
});

afterAll(() => {
  other.kill();
});

it('a store and its counters are understood both ways', async () => {
  const store = ayepi.redisStore(on.redis, { prefix: 'w:' });
  await store.set('state', '{"çà":1}', 60_000);
  expect(await original('get', 'w:state')).toBe('{"çà":1}');
  expect(await store.increment('open', 2, 60_000)).toBe(2);
  expect(await original('incrby', 'w:open', -1)).toBe(1);
  expect(await store.increment('open', -1)).toBe(0);
  expect(await original('set', 'w:claim', '1', 'PX', 60_000, 'NX')).toBe('OK');
  expect(await store.setIfNotExists('claim', '1', 60_000)).toBe(false);
  await store.delete('claim');
  expect(await store.setIfNotExists('claim', '1', 60_000)).toBe(true);
  expect(await original('set', 'w:claim', '1', 'PX', 60_000, 'NX')).toBeNull();
});

it('a cache is understood both ways', async () => {
  const cache = ayepi.redisCache(on.redis);
  const entry = {
    key: 'k',
    method: 'GET',
    path: '/',
    storedAt: 1,
    expires: 2,
    staleUntil: Date.now() + 60_000,
    bytes: 1,
  };
  await cache.set('k', { ...entry, body: 'ours', status: 200, headers: [] });
  const text = (await original('get', 'ayepi:cache:k')) as string;
  await original('set', 'ayepi:cache:theirs', text.replace('ours', 'theirs'), 'PX', 60_000);
  expect(await cache.get('theirs')).toMatchObject({ body: 'theirs', status: 200 });
  expect(await cache.invalidate(({ method }) => method === 'GET')).toBe(2);
  expect(await original('exists', 'ayepi:cache:k', 'ayepi:cache:theirs')).toBe(0);
});

it('messages arrive both ways', async () => {
  const broker = ayepi.redisBroker(on.redis, { channel: 'mixed' });
  const received: string[] = [];
  broker.subscribe((message) => received.push(message));
  await original('listen', 'mixed');
  await until(async () => ((await on.redis.pubsub('NUMSUB', 'mixed')) as [string, number])[1] === 2);
  await broker.publish('ours 😀');
  await original('publish', 'mixed', 'theirs');
  await until(() => received.length === 2);
  expect(received).toEqual(['ours 😀', 'theirs']);
  await until(async () => ((await original('received')) as string[]).length === 2);
  expect(await original('received')).toEqual(['ours 😀', 'theirs']);
});

it('locks, circuits and checkpoints of go-go-scope are understood both ways', async () => {
  const adapter = new RedisAdapter(on.redis, { keyPrefix: 'g:' });
  expect(await original('set', 'g:lock:k', 'theirs', 'PX', 60_000, 'NX')).toBe('OK');
  expect(await adapter.acquire('k', 60_000)).toBeNull();
  await original('del', 'g:lock:k');
  const handle = await adapter.acquire('k', 60_000, 'ours');
  expect(await original('set', 'g:lock:k', 'theirs', 'PX', 60_000, 'NX')).toBeNull();
  expect(await original('get', 'g:lock:k')).toBe('ours');
  await handle?.release();
  await original('setex', 'g:circuit:c', 3600, '{"state":"closed","failureCount":1,"lastFailureTime":1}');
  expect(await adapter.recordFailure('c', 2)).toBe(2);
  expect(JSON.parse((await original('get', 'g:circuit:c')) as string)).toMatchObject({
    state: 'open',
    failureCount: 2,
  });
  const checkpoint = { id: 't-1-1', taskId: 't', sequence: 1, timestamp: 1, progress: 0, data: 'ours' };
  await adapter.save(checkpoint);
  const member = ((await original('zrange', 'g:checkpoint:t', 0, -1)) as string[])[0] as string;
  expect(JSON.parse((await original('get', member)) as string)).toEqual(checkpoint);
  await original('set', 'g:checkpoint:t:2', JSON.stringify({ ...checkpoint, sequence: 2, data: 'theirs' }));
  await original('zadd', 'g:checkpoint:t', 2, 'g:checkpoint:t:2');
  expect((await adapter.loadLatest('t'))?.data).toBe('theirs');
  await adapter.deleteAll('t');
  expect(await original('exists', 'g:checkpoint:t', 'g:checkpoint:t:1', 'g:checkpoint:t:2')).toBe(0);
});

it('caches and records of go-go-scope are understood both ways', async () => {
  const cache = new RedisCacheAdapter(on.redis);
  await expectLife(on.redis, 'cache:ours', 60_000, () => cache.set('ours', { a: 'ç' }, 59_500));
  expect(await original('get', 'cache:ours')).toBe('{"a":"ç"}');
  await original('setex', 'cache:theirs', 60, '[1]');
  expect(await cache.get('theirs')).toEqual([1]);
  expect((await cache.keys()).toSorted()).toEqual(['ours', 'theirs']);
  await cache.clear();
  expect(await original('exists', 'cache:ours', 'cache:theirs')).toBe(0);

  const records = new RedisIdempotencyAdapter(on.redis);
  await original('setex', 'idempotency:theirs', 60, '[null,"done"]');
  expect(await records.get('theirs')).toEqual({ value: [null, 'done'], expiresAt: expect.any(Number) });
  await records.set('ours', [null, 1], 60_000);
  expect(await original('get', 'idempotency:ours')).toBe('[null,1]');
  expect(await original('pttl', 'idempotency:ours')).toBeGreaterThan(50_000);
});

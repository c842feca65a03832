import { RedisAdapter, RedisCacheAdapter, RedisIdempotencyAdapter } from 'ferrodis/go-go-scope';
import { describe, expect, it } from 'vitest';

import { accepted, alone, CARRIED, CLIENTS, connections, mock } from '../../support/clients.js';
import { ground, until } from '../../support/ground.js';

const on = ground();

/** What the adapters are for, on any client. */
async function use(client: object, keyPrefix: string): Promise<void> {
  const adapter = new RedisAdapter(client, { keyPrefix });
  const handle = (await adapter.acquire('l', 60_000))!;
  expect(await adapter.acquire('l', 60_000)).toBeNull();
  expect([await handle.extend(60_000), await handle.isValid()]).toEqual([true, true]);
  await handle.release();
  expect(await handle.isValid()).toBe(false);
  expect([await adapter.recordFailure('c', 2), await adapter.recordFailure('c', 2)]).toEqual([1, 2]);
  expect(await adapter.getState('c')).toMatchObject({ state: 'open', failureCount: 2 });

  for (const sequence of [1, 2, 3]) {
    await adapter.save({ id: `t-1-${sequence}`, taskId: 't', sequence, timestamp: 1, progress: 0, data: sequence });
  }
  expect((await adapter.loadLatest('t'))?.data).toBe(3);
  await adapter.cleanup('t', 2);
  expect((await adapter.list('t')).map(({ data }) => data)).toEqual([2, 3]);
  expect((await adapter.load('t-1-2'))?.data).toBe(2);
  await adapter.deleteAll('t');
  expect(await adapter.list('t')).toEqual([]);

  const cache = new RedisCacheAdapter(client, { keyPrefix: `${keyPrefix}cache:` });
  await cache.set('k', { a: 'ç' }, 60_000);
  expect(await adapter.get('k')).toEqual({ a: 'ç' });
  expect([await cache.keys(), (await cache.stats()).size]).toEqual([['k'], 1]);
  await cache.clear();
  expect(await cache.has('k')).toBe(false);

  const records = new RedisIdempotencyAdapter(client, { keyPrefix });
  await records.set('r', [null, 1], 60_000);
  const found = await records.get('r');
  expect(found?.value).toEqual([null, 1]);
  expect(found?.expiresAt).toBeGreaterThan(Date.now() + 50_000);
  await records.delete('r');
  expect(await records.get('r')).toBeNull();
}

describe.each(CLIENTS)('%s', (_name, open) => {
  it('carries locks, circuits, checkpoints, caches and records', async () => {
    const { client, end } = await open(on);
    const prefix = on.prefix();
    await use(client, prefix);
    expect(await on.redis.keys(`${prefix}*`)).toEqual([`${prefix}circuit:c`]);
    await end();
  });
});

describe.each(CARRIED)('%s', (_name, open) => {
  it('has one native side and one listener, however many adapters there are', async () => {
    await alone(on);
    const { client, end } = await open(on);
    const listeners = client.listenerCount('end');
    await Promise.all(Array.from({ length: 50 }, (_, i) => new RedisAdapter(client, { keyPrefix: `${i}` }).get('k')));
    expect(client.listenerCount('end')).toBe(listeners + 1);
    await until(async () => (await connections(on)) === 2);
    await end();
    await alone(on);
  });
});

it('REDIS_NATIVE=0 drives the client itself', async () => {
  process.env['REDIS_NATIVE'] = '0';
  try {
    const before = await accepted(on);
    await use(await on.client(), on.prefix());
    expect(await accepted(on)).toBe(before + 1);
  } finally {
    delete process.env['REDIS_NATIVE'];
  }
});

it('ioredis-mock carries everything, and no connection is opened', async () => {
  const before = await accepted(on);
  await use(mock(on), on.prefix());
  expect(await accepted(on)).toBe(before);
});

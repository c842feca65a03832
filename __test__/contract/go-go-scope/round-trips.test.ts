import { RedisAdapter, RedisIdempotencyAdapter } from 'ferrodis/go-go-scope';
import { Redis } from 'ioredis5';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { BurstProxy } from '../../support/burst-proxy.js';
import { ground } from '../../support/ground.js';

const on = ground();
let proxy: BurstProxy;
let client: Redis;
let adapter: RedisAdapter;
let records: RedisIdempotencyAdapter;

const checkpoint = { id: 'i', taskId: 't', sequence: 1, timestamp: 1, progress: 0, data: 1 };

const calls: Array<[string, number, () => Promise<unknown>]> = [
  ['acquire', 1, () => adapter.acquire('l', 60_000, 'me')],
  ['extend', 1, () => adapter.extend('l', 60_000, 'me')],
  ['forceRelease', 1, () => adapter.forceRelease('l')],
  ['getState', 1, () => adapter.getState('c')],
  ['recordFailure', 1, () => adapter.recordFailure('c', 5)],
  ['recordSuccess', 1, () => adapter.recordSuccess('c')],
  ['set', 1, () => adapter.set('k', 1, 1000)],
  ['get', 1, () => adapter.get('k')],
  ['has', 1, () => adapter.has('k')],
  ['idempotency set', 1, () => records.set('k', 1, 1000)],
  ['idempotency get', 1, () => records.get('k')],
  ['save', 1, () => adapter.save(checkpoint)],
  ['loadLatest', 1, () => adapter.loadLatest('t')],
  ['list', 2, () => adapter.list('t')],
  ['cleanup', 1, () => adapter.cleanup('t', 0)],
  ['deleteAll', 1, () => adapter.deleteAll('t')],
  ['keys', 1, () => adapter.keys()],
  ['clear', 2, () => adapter.clear()],
];

beforeAll(async () => {
  proxy = await BurstProxy.start(on.server.port);
  client = new Redis(proxy.url);
  adapter = new RedisAdapter(client);
  records = new RedisIdempotencyAdapter(client);
  // The server sees every script once, so that no count holds the loading of one.
  for (const [, , call] of calls) await call();
  await (await adapter.acquire('warm', 1000))!.release();
});

afterAll(async () => {
  client.disconnect();
  await proxy.close();
});

describe('round trips', () => {
  it.each(calls)('%s takes at most %i', async (_name, most, call) => {
    expect(await proxy.count(call)).toBeLessThanOrEqual(most);
  });

  it('list takes two however many there are', async () => {
    for (let sequence = 1; sequence <= 40; sequence++) await adapter.save({ ...checkpoint, sequence });
    expect(await proxy.count(() => adapter.list('t'))).toBe(2);
    expect(await proxy.count(() => adapter.cleanup('t', 10))).toBe(1);
  });

  it('handle.release takes one', async () => {
    const handle = (await adapter.acquire('h', 60_000))!;
    expect(await proxy.count(() => handle.release())).toBe(1);
  });
});

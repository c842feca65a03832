import { RedisAdapter, RedisCacheAdapter, RedisIdempotencyAdapter } from 'ferrodis/go-go-scope';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Costs, itCosts } from '../../support/costs.js';
import { ground } from '../../support/ground.js';

const on = ground();
let costs: Costs;
let adapter: RedisAdapter;
let cache: RedisCacheAdapter;
let records: RedisIdempotencyAdapter;

beforeAll(async () => {
  costs = await Costs.start(on);
  adapter = new RedisAdapter(costs.client);
  cache = new RedisCacheAdapter(costs.client);
  records = new RedisIdempotencyAdapter(costs.client);
  await adapter.get('connected');
});

afterAll(() => costs.stop());

describe('commands and round trips of locks', () => {
  let handle: NonNullable<Awaited<ReturnType<RedisAdapter['acquire']>>>;
  const free = (): Promise<void> => adapter.forceRelease('l');
  const take = async (): Promise<void> => {
    await free();
    handle = (await adapter.acquire('l', 60_000, 'me'))!;
  };
  const one = { roundTrips: 1 };
  itCosts(
    () => costs,
    [
      { ...one, name: 'acquire', commands: ['EVALSHA'], before: free, call: () => adapter.acquire('l', 60_000) },
      { ...one, name: 'acquire for an owner', commands: ['SET'], call: () => adapter.acquire('l', 60_000, 'me') },
      { ...one, name: 'extend', commands: ['EVALSHA'], before: take, call: () => adapter.extend('l', 60_000, 'me') },
      { ...one, name: 'forceRelease', commands: ['DEL'], call: free },
      { ...one, name: 'handle.release', commands: ['EVALSHA'], before: take, call: () => handle.release() },
      { ...one, name: 'handle.extend', commands: ['EVALSHA'], before: take, call: () => handle.extend(60_000) },
      { ...one, name: 'handle.isValid', commands: ['GET'], before: take, call: () => handle.isValid() },
    ],
  );
});

describe('commands and round trips of circuits', () => {
  const state = { state: 'open', failureCount: 1 } as const;
  itCosts(
    () => costs,
    [
      { name: 'getState', commands: ['GET'], roundTrips: 1, call: () => adapter.getState('c') },
      { name: 'setState', commands: ['SETEX'], roundTrips: 1, call: () => adapter.setState('c', state) },
      { name: 'recordFailure', commands: ['EVALSHA'], roundTrips: 1, call: () => adapter.recordFailure('c', 5) },
      { name: 'recordSuccess', commands: ['SETEX'], roundTrips: 1, call: () => adapter.recordSuccess('c') },
    ],
  );
});

describe.each([
  ['RedisAdapter', () => adapter],
  ['RedisCacheAdapter', () => cache],
])('commands and round trips of the cache of %s', (_name, open) => {
  const some = (): Promise<unknown> => Promise.all([open().set('a', 1), open().set('b', 2)]);
  itCosts(
    () => costs,
    [
      { name: 'get', commands: ['GET'], roundTrips: 1, call: () => open().get('k') },
      { name: 'set', commands: ['SET'], roundTrips: 1, call: () => open().set('k', 1) },
      { name: 'set with a life', commands: ['SETEX'], roundTrips: 1, call: () => open().set('k', 1, 1000) },
      { name: 'delete', commands: ['DEL'], roundTrips: 1, call: () => open().delete('k') },
      { name: 'has', commands: ['EXISTS'], roundTrips: 1, call: () => open().has('k') },
      { name: 'keys', commands: ['SCAN'], roundTrips: 1, call: () => open().keys() },
      { name: 'clear', commands: ['SCAN', 'UNLINK'], roundTrips: 2, before: some, call: () => open().clear() },
    ],
  );
});

describe('commands and round trips of the rest', () => {
  itCosts(
    () => costs,
    [
      { name: 'stats', commands: ['SCAN'], roundTrips: 1, call: () => cache.stats() },
      { name: 'idempotency get', commands: ['EVALSHA'], roundTrips: 1, call: () => records.get('k') },
      { name: 'idempotency set', commands: ['SETEX'], roundTrips: 1, call: () => records.set('k', 1, 1000) },
      { name: 'idempotency delete', commands: ['DEL'], roundTrips: 1, call: () => records.delete('k') },
    ],
  );
});

describe('commands and round trips of checkpoints', () => {
  const checkpoint = { id: 't-1-1', taskId: 't', sequence: 1, timestamp: 1, progress: 0, data: 1 };
  const save = (): Promise<void> => adapter.save(checkpoint);
  const forty = async (): Promise<void> => {
    for (let sequence = 1; sequence <= 40; sequence++) await adapter.save({ ...checkpoint, sequence });
  };
  itCosts(
    () => costs,
    [
      { name: 'save', commands: ['EVALSHA'], roundTrips: 1, call: save },
      {
        name: 'load by key',
        commands: ['GET'],
        roundTrips: 1,
        before: save,
        call: () => adapter.load('checkpoint:t:1'),
      },
      { name: 'load by id', commands: ['GET', 'GET'], roundTrips: 2, before: save, call: () => adapter.load('t-1-1') },
      { name: 'loadLatest', commands: ['EVALSHA'], roundTrips: 1, before: save, call: () => adapter.loadLatest('t') },
      { name: 'list of one', commands: ['ZRANGE', 'GET'], roundTrips: 2, before: save, call: () => adapter.list('t') },
      {
        name: 'cleanup of 30',
        commands: ['EVALSHA'],
        roundTrips: 1,
        before: forty,
        call: () => adapter.cleanup('t', 10),
      },
      {
        name: 'deleteAll of 40',
        commands: ['EVALSHA'],
        roundTrips: 1,
        before: forty,
        call: () => adapter.deleteAll('t'),
      },
    ],
  );

  it('list takes two round trips however many there are', async () => {
    await forty();
    expect(await costs.of({ call: () => adapter.list('t') })).toMatchObject({ roundTrips: 2 });
  });
});

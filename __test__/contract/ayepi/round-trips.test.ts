import { afterAll, beforeAll, describe } from 'vitest';

import { ayepi, ground } from '../../support/ayepi.js';
import { Costs, itCosts } from '../../support/costs.js';

const on = ground();
let costs: Costs;
let store: ReturnType<typeof ayepi.redisStore>;
let cache: ReturnType<typeof ayepi.redisCache>;
let broker: ReturnType<typeof ayepi.redisBroker>;

beforeAll(async () => {
  costs = await Costs.start(on);
  store = ayepi.redisStore(costs.client, { prefix: 's:' });
  cache = ayepi.redisCache(costs.client);
  broker = ayepi.redisBroker(costs.client);
  await store.get('connected');
});

afterAll(() => costs.stop());

const entry = { key: 'k', staleUntil: Date.now() + 3_600_000 } as never;
const fill = (entries: number) => (): Promise<unknown> =>
  Promise.all(Array.from({ length: entries }, (_, i) => cache.set(`k${i}`, entry)));

describe('commands and round trips of a store', () => {
  itCosts(
    () => costs,
    [
      { name: 'get', commands: ['GET'], roundTrips: 1, call: () => store.get('k') },
      { name: 'set', commands: ['SET'], roundTrips: 1, call: () => store.set('k', 'v') },
      { name: 'set with a TTL', commands: ['SET'], roundTrips: 1, call: () => store.set('k', 'v', 1000) },
      { name: 'delete', commands: ['DEL'], roundTrips: 1, call: () => store.delete('k') },
      {
        name: 'setIfNotExists',
        commands: ['EVALSHA'],
        roundTrips: 1,
        call: () => store.setIfNotExists('c', '1', 1000),
      },
      { name: 'increment', commands: ['EVALSHA'], roundTrips: 1, call: () => store.increment('n', 1) },
      { name: 'increment with a TTL', commands: ['EVALSHA'], roundTrips: 1, call: () => store.increment('n', 1, 1000) },
    ],
  );
});

describe('commands and round trips of a cache', () => {
  const invalidate = (): Promise<unknown> => cache.invalidate(() => true);
  const three = <T>(item: T): T[] => [item, item, item];
  itCosts(
    () => costs,
    [
      { name: 'get', commands: ['GET'], roundTrips: 1, call: () => cache.get('k') },
      { name: 'set', commands: ['SET'], roundTrips: 1, call: () => cache.set('k', entry) },
      { name: 'delete', commands: ['DEL'], roundTrips: 1, call: () => cache.delete('k') },
      {
        name: 'clear of nothing',
        commands: ['SCAN'],
        roundTrips: 1,
        before: () => cache.clear(),
        call: () => cache.clear(),
      },
      {
        name: 'clear of a page',
        commands: ['SCAN', 'UNLINK'],
        roundTrips: 2,
        before: fill(9),
        call: () => cache.clear(),
      },
      { name: 'invalidate nothing', commands: ['SCAN'], roundTrips: 1, before: () => cache.clear(), call: invalidate },
      {
        name: 'invalidate a page',
        commands: ['SCAN', ...three('GET'), ...three('EVALSHA')],
        roundTrips: 3,
        before: fill(3),
        call: invalidate,
      },
    ],
  );
});

describe('commands and round trips of a broker', () => {
  itCosts(() => costs, [{ name: 'publish', commands: ['PUBLISH'], roundTrips: 1, call: () => broker.publish('m') }]);
});

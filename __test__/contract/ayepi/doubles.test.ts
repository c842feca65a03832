import type { RedisCommandClient, RedisLike } from 'ferrodis/ayepi';
import { Redis } from 'ioredis5';
import { describe, expect, it, vi } from 'vitest';

import { ayepi, ONCE } from '../../support/ayepi.js';

const { redisBroker, redisCache, redisStore } = ayepi;

/** A client of which every method answers with what `answers` has for it, and every call is noted. */
function double(answers: Record<string, (...args: never[]) => unknown> = {}) {
  const calls: unknown[][] = [];
  const client = new Proxy({} as RedisCommandClient, {
    get: (_target, name: string) =>
      ['get', 'set', 'del', 'incrby', 'pexpire', 'scan'].includes(name)
        ? (...args: never[]) => {
            calls.push([name, ...args]);
            return answers[name]?.(...args);
          }
        : undefined,
  });
  return { client, calls };
}

describe('a store on a double', () => {
  it('makes exactly the calls of the original', async () => {
    const { client, calls } = double({ incrby: () => 7, set: () => 'OK' });
    const store = redisStore(client, { prefix: 'p:' });
    await store.get('k');
    await store.set('k', 'v');
    await store.set('k', 'v', 5);
    await store.setIfNotExists('k', 'v');
    await store.setIfNotExists('k', 'v', 5);
    await store.delete('k');
    expect(await store.increment('k', 2)).toBe(7);
    expect(await store.increment('k', 2, 0)).toBe(7);
    expect(calls).toEqual([
      ['get', 'p:k'],
      ['set', 'p:k', 'v'],
      ['set', 'p:k', 'v', 'PX', 5],
      ['set', 'p:k', 'v', 'NX'],
      ['set', 'p:k', 'v', 'PX', 5, 'NX'],
      ['del', 'p:k'],
      ['incrby', 'p:k', 2],
      ['incrby', 'p:k', 2],
      ['pexpire', 'p:k', 0],
    ]);
  });

  it('reads its answers as the original does', async () => {
    expect(await redisStore(double({ get: () => null }).client).get('k')).toBeUndefined();
    expect(await redisStore(double().client).get('k')).toBeUndefined();
    expect(await redisStore(double({ get: () => 'plain' }).client).get('k')).toBe('plain');
    expect(await redisStore(double({ set: () => null }).client).setIfNotExists('k', '1')).toBe(false);
    expect(await redisStore(double().client).setIfNotExists('k', '1')).toBe(true);
  });

  it('takes a throw for a rejection', async () => {
    const onError = vi.fn();
    const client = double({
      get: () => {
        throw new Error('sync');
      },
    }).client;
    await expect(redisStore(client, { ...ONCE, onError }).get('k')).rejects.toThrow('sync');
    expect(onError).toHaveBeenCalledTimes(1);
  });

  it('says what method is missing, at the call', async () => {
    await expect(redisStore({} as never, ONCE).get('k')).rejects.toThrow(/is not a function/);
  });
});

describe('a cache on a double', () => {
  it('makes exactly the calls of the original', async () => {
    const pages: Record<string, [string, string[]]> = { '0': ['17', ['p:a', 'p:b']], '17': ['0', ['p:c']] };
    const stored: Record<string, string> = { 'p:a': '{"key":"a"}', 'p:b': '', 'p:c': '{"key":"c"}' };
    const { client, calls } = double({
      scan: (cursor: string) => pages[cursor],
      get: (key: string) => stored[key],
    });
    const cache = redisCache(client, { prefix: 'p:', now: () => 100 });
    await cache.set('k', { staleUntil: 150.5 } as never);
    await cache.set('k', { staleUntil: 1 } as never);
    expect(await cache.delete('k')).toBe(false);
    await cache.clear();
    expect(await cache.invalidate(() => true)).toBe(2);
    const scans = [
      ['scan', '0', 'MATCH', 'p:*', 'COUNT', 256],
      ['scan', '17', 'MATCH', 'p:*', 'COUNT', 256],
    ];
    expect(calls).toEqual([
      ['set', 'p:k', '{"staleUntil":150.5}', 'PX', 50.5],
      ['set', 'p:k', '{"staleUntil":1}', 'PX', 1],
      ['del', 'p:k'],
      ...scans,
      ['del', 'p:a', 'p:b', 'p:c'],
      ...scans,
      ['get', 'p:a'],
      ['get', 'p:b'],
      ['get', 'p:c'],
      ['del', 'p:a', 'p:c'],
    ]);
  });

  it('removes nothing where nothing is', async () => {
    const { client, calls } = double({ scan: () => ['0', []] });
    await redisCache(client).clear();
    expect(await redisCache(client).invalidate(() => true)).toBe(0);
    expect(calls.map(([name]) => name)).toEqual(['scan', 'scan']);
  });
});

describe('a broker on a double', () => {
  class Bus implements RedisLike {
    readonly log: unknown[][] = [];
    readonly handlers: Array<(channel: string, message: string) => void> = [];
    second: Bus | undefined;
    publish(...args: [string, string]): number {
      this.log.push(['publish', ...args]);
      for (const handler of this.second?.handlers ?? this.handlers) handler(...args);
      return 1;
    }
    subscribe(...args: string[]): unknown {
      this.log.push(['subscribe', ...args]);
      return undefined;
    }
    unsubscribe(): unknown {
      throw new Error('the original never does');
    }
    duplicate(): Bus {
      this.log.push(['duplicate']);
      this.second = new Bus();
      return this.second;
    }
    on(event: string, handler: never): this {
      this.log.push(['on', event]);
      if (event === 'message') this.handlers.push(handler);
      return this;
    }
  }

  it('is wired in the order of the original', async () => {
    const bus = new Bus();
    const broker = redisBroker(bus, { channel: 'c', onError: () => undefined });
    expect(bus.log).toEqual([['duplicate']]);
    const received: string[] = [];
    broker.subscribe((message) => received.push(message));
    broker.subscribe(() => undefined);
    expect(bus.second?.log).toEqual([
      ['on', 'message'],
      ['on', 'error'],
    ]);
    expect(bus.log).toEqual([['duplicate'], ['on', 'error']]);
    await Promise.resolve();
    expect(bus.second?.log.slice(2)).toEqual([['subscribe', 'c']]);
    const published = broker.publish('m');
    expect(received).toEqual([]);
    await published;
    expect(received).toEqual(['m']);
    bus.second?.handlers[0]?.('another', 'x');
    expect(received).toEqual(['m']);
  });

  it('makes no second connection when it is given one', () => {
    const [bus, subscriber] = [new Bus(), new Bus()];
    redisBroker(bus, { subscriber }).subscribe(() => undefined);
    expect(bus.log).toEqual([]);
    expect(subscriber.log).toEqual([['on', 'message']]);
  });

  it('hands what fails to onError, whether thrown or rejected', async () => {
    const bus = new Bus();
    bus.publish = () => {
      throw new Error('publish');
    };
    const subscriber = new Bus();
    subscriber.subscribe = () => Promise.reject(new Error('subscribe'));
    const onError = vi.fn();
    const broker = redisBroker(bus, { subscriber, onError });
    broker.subscribe(() => undefined);
    expect(await broker.publish('m')).toBeUndefined();
    await Promise.resolve();
    expect(onError.mock.calls.map(([error]) => (error as Error).message).sort()).toEqual(['publish', 'subscribe']);
  });

  it('stays wired when wiring throws', () => {
    const bus = new Bus();
    const subscriber = new Bus();
    subscriber.on = () => {
      throw new Error('on');
    };
    const broker = redisBroker(bus, { subscriber });
    expect(() => broker.subscribe(() => undefined)).toThrow('on');
    expect(() => broker.subscribe(() => undefined)).not.toThrow();
  });
});

it('a spy on a real client sees the calls, and nothing is connected', async () => {
  const client = new Redis({ lazyConnect: true });
  const get = vi.spyOn(client, 'get').mockResolvedValue('spied');
  expect(await redisStore(client, { prefix: 'p:' }).get('k')).toBe('spied');
  expect(get).toHaveBeenCalledWith('p:k');
  expect(client.status).toBe('wait');
});

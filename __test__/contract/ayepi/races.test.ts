import type { Redis } from 'ioredis5';
import { describe, expect, it } from 'vitest';

import { ayepi, ground, ONCE, until } from '../../support/ayepi.js';
import * as original from '../../support/original-ayepi.js';
import { Proxy } from '../../support/proxy.js';

const on = ground();
const { redisCache, redisStore } = ayepi;
const far = (): number => Date.now() + 60_000;

describe('a process that dies between counting and the expiry', () => {
  it('with the original leaves a counter that never ends', async () => {
    const key = on.prefix();
    const client = await on.client();
    client.pexpire = () => new Promise(() => undefined);
    void original.increment(client, key, 1, 5000);
    await client.ping();
    client.disconnect();
    expect(await on.redis.pttl(key)).toBe(-1);
  });

  it('here cannot, for counter and expiry are one command', async () => {
    const key = on.prefix();
    const client = await on.client();
    void redisStore(client, ONCE)
      .increment(key, 1, 5000)
      .catch(() => undefined);
    await client.ping();
    client.disconnect();
    expect(await on.redis.pttl(key)).not.toBe(-1);
  });
});

describe('an expiry that is refused, and a call that is attempted again', () => {
  it('with the original counts every attempt', async () => {
    const key = on.prefix();
    const increment = (): Promise<number> => original.increment(on.redis, key, 1, 1.5);
    await ayepi.core.retry(increment, { sleep: async () => undefined }).catch(() => undefined);
    expect(await on.redis.get(key)).toBe('3');
  });

  it('here counts nothing', async () => {
    const key = on.prefix();
    const store = redisStore(on.redis, { retry: { sleep: async () => undefined } });
    await expect(store.increment(key, 1, 1.5)).rejects.toThrow('ERR value is not an integer or out of range');
    expect(await on.redis.exists(key)).toBe(0);
  });
});

describe('a reply that is lost', () => {
  /** Loses the replies of what `begin` asks for: `keys` keys are there before the connection breaks. */
  async function losing<R>(
    options: { maxRetriesPerRequest?: number },
    keys: string[],
    begin: (client: Redis) => Promise<R>,
  ): Promise<R> {
    await using proxy = await Proxy.start({ port: on.server.port });
    const client = await on.client({ port: proxy.port, ...options });
    const store = redisStore(client, ONCE);
    // The server must know the scripts: to be told that it does not is a reply, too.
    await Promise.all([store.increment('warm', 1, 1000), store.setIfNotExists('warmer', '1', 1000)]);
    proxy.blackhole('down');
    const replies = begin(client);
    await until(async () => (await on.redis.exists(...keys)) === keys.length);
    proxy.heal();
    proxy.cut();
    await replies;
    // Whoever gets the port of the proxy next is not to be called.
    client.disconnect();
    return replies;
  }

  it('with the original is asked for again: the claim is nobody’s, and the count is doubled', async () => {
    const [claim, count] = [`${on.prefix()}claim`, `${on.prefix()}count`];
    const replies = await losing({}, [claim, count], (client) =>
      Promise.all([client.set(claim, '1', 'PX', 60_000, 'NX'), client.incrby(count, 1)]),
    );
    expect(replies).toEqual([null, 2]);
  });

  it('here is the reply of the first time', async () => {
    const prefix = on.prefix();
    const replies = await losing({}, [`${prefix}claim`, `${prefix}count`, `${prefix}lasting`], (client) => {
      const store = redisStore(client, { prefix, ...ONCE });
      return Promise.all([
        store.setIfNotExists('claim', '1', 60_000),
        store.increment('count', 2, 60_000),
        store.increment('lasting', -3),
      ]);
    });
    expect(replies).toEqual([true, 2, -3]);
    expect(await on.redis.mget(`${prefix}count`, `${prefix}lasting`)).toEqual(['2', '-3']);
    expect(await redisStore(on.redis, { prefix }).setIfNotExists('claim', '1', 60_000)).toBe(false);
  });

  it('here also where the connection gives up and `retry` asks', async () => {
    const prefix = on.prefix();
    const failures: unknown[] = [];
    const retry = { attempts: 500, sleep: () => new Promise<void>((resolve) => setTimeout(resolve, 10)) };
    const onRetry = (error: unknown): void => void failures.push(error);
    const replies = await losing({ maxRetriesPerRequest: 0 }, [`${prefix}claim`, `${prefix}count`], (client) => {
      const store = redisStore(client, { prefix, retry: { ...retry, onRetry } });
      return Promise.all([store.setIfNotExists('claim', '1', 60_000), store.increment('count', 1, 60_000)]);
    });
    expect(replies).toEqual([true, 1]);
    expect(failures.length).toBeGreaterThanOrEqual(2);
    expect(await on.redis.get(`${prefix}count`)).toBe('1');
  });

  it.each([{ maxRetriesPerRequest: 0 }, {}])(
    'here is the reply of the first time for each of the claims of one moment: %o',
    async (options) => {
      const prefix = on.prefix();
      await on.redis.set(`${prefix}held`, 'by another');
      const ours = ['a', 'b', 'c'].map((key) => `${prefix}${key}`);
      const retry = { attempts: 500, sleep: () => new Promise<void>((resolve) => setTimeout(resolve, 10)) };
      const replies = await losing(options, ours, (client) => {
        const store = redisStore(client, { prefix, retry });
        return Promise.all(['a', 'held', 'b', 'c'].map((key) => store.setIfNotExists(key, 'mine', 60_000)));
      });
      expect(replies).toEqual([true, false, true, true]);
    },
  );

  it.each([{ maxRetriesPerRequest: 0 }, {}])(
    'here is the reply of the first time for each of the counts of one moment: %o',
    async (options) => {
      const prefix = on.prefix();
      await on.redis.set(`${prefix}b`, '10');
      const retry = { attempts: 500, sleep: () => new Promise<void>((resolve) => setTimeout(resolve, 10)) };
      const replies = await losing(options, [`${prefix}a`, `${prefix}c`], (client) => {
        const store = redisStore(client, { prefix, retry });
        return Promise.all(['a', 'b', 'a', 'c'].map((key, i) => store.increment(key, i + 1, 60_000)));
      });
      expect(replies).toEqual([1, 12, 4, 4]);
      expect(await on.redis.mget(...['a', 'b', 'c'].map((key) => prefix + key))).toEqual(['4', '12', '4']);
    },
  );

  it('a call that arrives once more, however late, does nothing', async () => {
    const prefix = on.prefix();
    const sent: string[][] = [];
    const monitor = await (await on.client()).monitor();
    monitor.on('monitor', (_time: string, command: string[]) => {
      if (command[0]?.toUpperCase() === 'EVALSHA' && command[4] === `${prefix}n`) sent.push(command);
    });
    const store = redisStore(on.redis, { prefix });
    // The server must know the script: to send it anew is a call, too.
    await store.increment('warm', 1);
    expect([await store.increment('n', 2, 60_000), await store.increment('n', 3, 60_000)]).toEqual([2, 5]);
    await until(() => sent.length === 2);
    const [overtaken, last] = sent as [string[], string[]];
    const again = ([name, ...args]: string[]): Promise<unknown> => on.redis.call(name!, ...args);
    expect(await again(last)).toBe('5');
    await expect(again(overtaken)).rejects.toThrow('ERR this call was answered long ago');
    expect(await on.redis.get(`${prefix}n`)).toBe('5');
    monitor.disconnect();
  });

  it('calls that were answered leave their places in the record to others', async () => {
    const prefix = on.prefix();
    const store = redisStore(on.redis, { prefix });
    for (let round = 0; round < 20; round++) {
      // Each has a call of its own, for another time to live.
      await Promise.all(Array.from({ length: 10 }, (_, i) => store.increment(`n${i}`, 1, 60_000 + i)));
    }
    const [record] = await on.redis.keys(`${prefix}ferrodis:calls:*`);
    expect(await on.redis.hlen(record as string)).toBe(10);
    expect(await on.redis.pttl(record as string)).toBeGreaterThan(3_500_000);
  });
});

describe('claims and counts of one moment', () => {
  it('are one command, up to 128 of them, for each time to live', async () => {
    const store = redisStore(on.redis, { prefix: on.prefix() });
    await Promise.all([store.setIfNotExists('warm', '1', 1000), store.increment('warmer', 1)]);
    const claims = (ttls: number[]): Promise<unknown> =>
      Promise.all(
        ttls.flatMap((ttl) => Array.from({ length: 100 }, (_, i) => store.setIfNotExists(`${ttl} ${i}`, '1', ttl))),
      );
    const count = async (work: () => Promise<unknown>): Promise<number> => {
      const calls = async (): Promise<number> =>
        Number(/cmdstat_evalsha:calls=(\d+)/.exec(await on.redis.info('commandstats'))?.[1]);
      const before = await calls();
      await work();
      return (await calls()) - before;
    };
    expect(await count(() => claims([60_000]))).toBe(1);
    expect(await count(() => Promise.all([1, 2, 3].map((n) => store.increment('n', n))))).toBe(1);
    expect(await count(() => claims([50_000, 40_000]))).toBe(2);
    const many = Array.from({ length: 300 }, (_, i) => `many ${i}`);
    expect(await count(() => Promise.all(many.map((key) => store.setIfNotExists(key, '1', 1000))))).toBe(3);
  });

  it('come before what the store is asked for next', async () => {
    const store = redisStore(on.redis, { prefix: on.prefix() });
    const replies = await Promise.all([
      store.setIfNotExists('k', '5', 60_000),
      store.get('k'),
      store.increment('k', 2),
      store.setIfNotExists('k', 'b', 60_000),
      store.increment('k', -1),
      store.get('k'),
    ]);
    expect(replies).toEqual([true, '5', 7, false, 6, '6']);
  });

  it('count although one of them cannot', async () => {
    const store = redisStore(on.redis, { prefix: on.prefix(), ...ONCE });
    await store.set('text', 'no number');
    const counts = ['a', 'text', 'b'].map((key) => store.increment(key, 3, 60_000));
    const [first, refused, second] = await Promise.allSettled(counts);
    expect([first, second]).toEqual([
      { status: 'fulfilled', value: 3 },
      { status: 'fulfilled', value: 3 },
    ]);
    expect(refused).toMatchObject({
      reason: { name: 'ReplyError', message: 'ERR value is not an integer or out of range' },
    });
  });

  it('hear each its own refusal', async () => {
    const prefix = on.prefix();
    await on.redis.call('ACL', 'SETUSER', 'narrow', 'on', '>pw', `~${prefix}may*`, `~${prefix}ferrodis:*`, '+@all');
    const store = redisStore(await on.client({ username: 'narrow', password: 'pw' }), { prefix, ...ONCE });
    const claims = ['may1', 'not', 'may2'].map((key) => store.setIfNotExists(key, '1', 60_000));
    const [first, refused, second] = await Promise.allSettled(claims);
    expect([first, second]).toEqual([
      { status: 'fulfilled', value: true },
      { status: 'fulfilled', value: true },
    ]);
    expect(refused).toMatchObject({ status: 'rejected', reason: { message: /^NOPERM/ } });
  });

  it('of which one has a time to live that the server refuses are none the worse for it', async () => {
    const store = redisStore(on.redis, { prefix: on.prefix(), ...ONCE });
    const ttls = [60_000, 0, null, 1.5, undefined] as number[];
    const claims = await Promise.allSettled(ttls.map((ttl, i) => store.setIfNotExists(`k${i}`, '1', ttl)));
    expect(claims.map((claim) => (claim.status === 'fulfilled' ? claim.value : String(claim.reason.message)))).toEqual([
      true,
      expect.stringContaining('invalid expire time'),
      'ERR value is not an integer or out of range',
      'ERR value is not an integer or out of range',
      true,
    ]);
  });
});

describe('an entry that is written while others are invalidated', () => {
  const fresh = JSON.stringify({ key: 'fresh', staleUntil: 1 });

  it('with the original is lost', async () => {
    const prefix = on.prefix();
    await on.redis.set(`${prefix}k`, JSON.stringify({ key: 'stale' }));
    const rewrite = (): Promise<unknown> => on.redis.set(`${prefix}k`, fresh);
    await original.invalidate(on.redis, prefix, ({ key }) => key === 'stale', rewrite);
    expect(await on.redis.get(`${prefix}k`)).toBeNull();
  });

  it('here stays, and the count is still that of the matches', async () => {
    const prefix = on.prefix();
    await on.redis.set(`${prefix}k`, JSON.stringify({ key: 'stale', staleUntil: 1 }));
    const writer = await on.client();
    const cache = redisCache(on.redis, { prefix });
    let written: Promise<unknown> | undefined;
    const count = await cache.invalidate(({ key }) => {
      written = writer.set(`${prefix}k`, fresh);
      const end = Date.now() + 100;
      // The write is sent at once, and the server has done it by the time that this predicate comes to an end.
      while (Date.now() < end);
      return key === 'stale';
    });
    await written;
    expect(count).toBe(1);
    expect(await on.redis.get(`${prefix}k`)).toBe(fresh);
  });
});

describe('clear of a great many keys', () => {
  it('with the original is a RangeError, and clears nothing', async () => {
    const prefix = on.prefix();
    await on.redis.eval("for i = 1, 200000 do redis.call('SET', ARGV[1] .. i, 'x') end", 0, prefix);
    await expect(original.clear(on.redis, prefix)).rejects.toThrow(RangeError);
    expect(await on.redis.exists(`${prefix}1`)).toBe(1);
    await redisCache(on.redis, { prefix }).clear();
    expect(await on.redis.exists(`${prefix}1`)).toBe(0);
  }, 60_000);
});

describe('an entry that is stored anew while the cache is cleared', () => {
  it('with the original is lost, however long after it was listed', async () => {
    const prefix = on.prefix();
    await on.redis.set(`${prefix}k`, 'old');
    await original.clear(on.redis, prefix, () => on.redis.set(`${prefix}k`, 'new'));
    expect(await on.redis.exists(`${prefix}k`)).toBe(0);
  });

  it('here is only lost if it was there when its page was listed', async () => {
    const prefix = on.prefix();
    const cache = redisCache(on.redis, { prefix });
    await cache.set('k', { staleUntil: far() } as never);
    await cache.clear();
    await cache.set('k', { staleUntil: far() } as never);
    expect(await on.redis.exists(`${prefix}k`)).toBe(1);
  });
});

it('where scripts are forbidden, increment does what the original does', async () => {
  await on.redis.call('ACL', 'SETUSER', 'plain', 'on', '>pw', '~*', '&*', '+@all', '-@scripting');
  const client = await on.client({ username: 'plain', password: 'pw' });
  const prefix = on.prefix();
  const store = redisStore(client, { prefix, ...ONCE });
  expect(await store.increment('n', 1, 60_000)).toBe(1);
  expect(await store.increment('n', 1, 60_000)).toBe(2);
  expect(await on.redis.pttl(`${prefix}n`)).toBeGreaterThan(50_000);
  const cache = redisCache(client, { prefix });
  await cache.set('k', { key: 'k', staleUntil: far() } as never);
  await on.redis.del(`${prefix}n`);
  expect(await cache.invalidate(() => true)).toBe(1);
  await cache.clear();
  expect(await on.redis.exists(`${prefix}k`)).toBe(0);
});

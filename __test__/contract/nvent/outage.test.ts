import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { stats } from 'ferrodis';
import type { RedisStoreAdapter } from 'ferrodis/nvent/native';

import { nvent } from '../../support/nvent.js';
import { Proxy } from '../../support/proxy.js';

const on = nvent({ config: { appendonly: 'yes', appendfsync: 'always' } });
let proxy: Proxy;
let store: RedisStoreAdapter;

beforeAll(async () => {
  proxy = await Proxy.start({ port: on.server.port });
  store = on.open({ connection: { port: proxy.port, callTimeout: 30_000 } });
  await store.kv.set('warm', 1);
  // The server learns the scripts now: a call whose answer gets lost shall have been carried out.
  await store.index.add('warm:i', 'e', 1, { a: 1 });
  await store.index.update('warm:i', 'e', { a: 2 });
  await store.index.increment('warm:i', 'e', 'n');
});

afterEach(() => proxy.heal());

afterAll(() => proxy.stop());

const event = (n: number): { type: string; runId: string; flowName: string; attempt: number } => ({
  type: 't',
  runId: 'r',
  flowName: 'f',
  attempt: n,
});

function elapse(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until the server has done what the proxy keeps from being answered. */
async function lost<T>(call: () => Promise<T>, isDone: () => Promise<boolean>): Promise<PromiseSettledResult<T>> {
  await store.kv.get('warm'); // over a connection that works
  proxy.blackhole('down');
  const settled = Promise.allSettled([call()]);
  await expect.poll(isDone, { timeout: 15_000 }).toBe(true);
  proxy.cut();
  proxy.heal();
  const [result] = await settled;
  return result as PromiseSettledResult<T>;
}

describe('an answer that is lost', () => {
  it('is asked for again where that changes nothing', async () => {
    const set = await lost(
      () => store.kv.set('again', 'x'),
      async () => (await on.redis.get('again')) === 'x',
    );
    expect(set.status).toBe('fulfilled');
    await on.store.index.add('again:i', 'e', 1, { a: 1 });
    const update = await lost(
      () => store.index.update('again:i', 'e', { a: 2 }),
      async () => (await on.meta('again:i', 'e'))['a'] === '2',
    );
    expect(update).toEqual({ status: 'fulfilled', value: true });
  });

  it('is told, and nothing sent twice, where that would append or count twice', async () => {
    const append = await lost(
      () => store.stream.append('once', event(1)),
      async () => (await on.redis.xLen('once')) === 1,
    );
    expect(append).toMatchObject({ status: 'rejected', reason: { outcome: 'unknown', retryable: true } });
    const count = await lost(
      () => store.index.increment('once:i', 'e', 'n', 5),
      async () => (await on.meta('once:i', 'e'))['n'] === '5',
    );
    expect(count).toMatchObject({ status: 'rejected', reason: { outcome: 'unknown' } });
    await store.kv.get('again');
    expect(await on.redis.xLen('once')).toBe(1);
    expect(await on.meta('once:i', 'e')).toEqual({ n: '5', version: '1' });
  });
});

describe('a server that cannot be reached', () => {
  /** A call written to a connection that is just being closed has an unknown outcome: all must have heard of it. */
  const refuse = async (): Promise<void> => {
    proxy.refuse();
    const isOpen = () => stats().connections.some((each) => each.isOpen && each.server.includes(`:${proxy.port}`));
    await expect.poll(isOpen).toBe(false);
  };

  it('gets the calls made meanwhile, in order, once it is back', async () => {
    await refuse();
    const appends = Array.from({ length: 20 }, (_, n) => store.stream.append('waiting', event(n)));
    await elapse(1000); // the original has given up by now
    proxy.heal();
    await Promise.all(appends);
    const read = await store.stream.read('waiting');
    expect(read.map(({ attempt }) => attempt)).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  it('makes a call reject at its deadline, and later ones succeed', async () => {
    const impatient = on.open({ connection: { port: proxy.port, callTimeout: 300 } });
    const answers = () => expect.poll(() => impatient.kv.increment('k').catch(() => 0)).toBeGreaterThan(0);
    await answers();
    await refuse();
    await expect(impatient.kv.get('k')).rejects.toMatchObject({ code: 'ERR_FERRODIS_TIMEOUT', outcome: 'none' });
    proxy.heal();
    await answers();
  });

  it('does not keep a store from being closed', async () => {
    const leaving = on.open({ connection: { port: proxy.port, clientName: 'leaving' } });
    await leaving.kv.set('k', 1);
    await refuse();
    await leaving.close();
    await expect(leaving.kv.get('k')).rejects.toThrow('Connection is closed.');
  });
});

describe('a server that is away for two seconds under load', () => {
  it('is waited for: calls recover, and no event is there twice', { timeout: 90_000 }, async () => {
    const direct = on.open({ connection: { callTimeout: 60_000 } });
    const load = new AbortController();
    const told: number[] = [];
    let next = 0;
    let unknown = 0;
    const append = async (): Promise<void> => {
      while (!load.signal.aborted) {
        const n = next++;
        try {
          await direct.stream.append('load', event(n));
          told.push(n);
        } catch (error) {
          expect(error).toMatchObject({ outcome: 'unknown' });
          unknown += 1;
        }
        await direct.kv.set('load:last', n);
      }
    };
    const workers = Array.from({ length: 8 }, append);
    await expect.poll(() => told.length, { timeout: 30_000 }).toBeGreaterThan(50);
    await on.server.kill();
    await elapse(2000);
    const before = told.length;
    await on.server.launch();
    await expect.poll(() => told.length, { timeout: 30_000 }).toBeGreaterThan(before + 50);
    load.abort();
    await Promise.all(workers);

    const events = await direct.stream.read('load', { limit: 1_000_000 });
    const numbers = events.map(({ attempt }) => attempt ?? -1);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(numbers).toEqual(expect.arrayContaining(told));
    // Only what was under way when the connection broke.
    expect(unknown).toBeLessThanOrEqual(8);
    expect(numbers.length - told.length).toBeLessThanOrEqual(unknown);
  });
});

import { nextTick } from 'node:process';
import { setImmediate as turned } from 'node:timers/promises';
import { type EventRecord, RedisStoreAdapter, type StoreAdapter } from 'ferrodis/nvent/native';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { BurstProxy } from '../../support/burst-proxy.js';
import { nvent } from '../../support/nvent.js';
import { registerFlow, runFlow } from '../../support/nvent-flow.js';

const on = nvent();
let proxy: BurstProxy;
let store: StoreAdapter;
const event = { type: 't', runId: 'r', flowName: 'f' };

beforeAll(async () => {
  proxy = await BurstProxy.start(on.server.port);
  store = new RedisStoreAdapter({ connection: { url: proxy.url } });
  // The server learns the scripts now, so that no count holds the loading of one.
  await registerFlow(store);
  await runFlow(store, 'warm');
  await store.kv.increment('w:w:w');
});

afterAll(async () => {
  await store.close();
  await proxy.close();
});

/** Members with a hash each. */
async function fill(key: string, count: number): Promise<void> {
  const multi = on.redis.multi();
  for (let i = 0; i < count; i += 1) {
    const status = i % 20 === 0 ? 'running' : 'completed';
    multi.zAdd(key, { score: i, value: `e${i}` }).hSet(`${key}:meta:e${i}`, { version: '0', status });
  }
  await multi.exec();
}

describe('one round trip', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['stream.append', () => store.stream.append('s', event)],
    ['stream.read', () => store.stream.read('s')],
    ['stream.delete', () => store.stream.delete('s')],
    ['kv.get', () => store.kv.get('k')],
    ['kv.set', () => store.kv.set('k', 1)],
    ['kv.set with a lifetime', () => store.kv.set('k', 1, 5)],
    ['kv.increment of a string', () => store.kv.increment('n')],
    ['kv.increment in a hash', () => store.kv.increment('n:n:n')],
    ['kv.delete', () => store.kv.delete('k')],
    ['kv.clear of a small database', () => store.kv.clear('none*')],
    ['index.add', () => store.index.add('i', 'e', 1, { a: { b: 1 } })],
    ['index.add without metadata', () => store.index.add('i', 'e', 1)],
    ['index.get', () => store.index.get('i', 'e')],
    ['index.update', () => store.index.update('i', 'e', { a: null })],
    ['index.updateWithRetry', () => store.index.updateWithRetry('i', 'e', { a: 1 })],
    ['index.increment', () => store.index.increment('i', 'e', 'n')],
    ['index.delete', () => store.index.delete('i', 'e')],
  ])('is enough for %s', async (_name, call) => {
    await store.index.add('i', 'e', 1, { a: { c: 1 } });
    expect(await proxy.count(call)).toBe(1);
  });

  it('is enough for many calls of one tick', async () => {
    const calls = (): Promise<unknown> =>
      Promise.all(Array.from({ length: 50 }, (_, i) => store.index.add('tick', `e${i}`, i, { i })));
    expect(await proxy.count(calls)).toBeLessThanOrEqual(2);
  });
});

describe('index.read', () => {
  it('takes two round trips for a page, of whatever size', async () => {
    await fill('page', 1000);
    expect(await proxy.count(() => store.index.read('page'))).toBe(2);
    expect(await proxy.count(() => store.index.read('page', { limit: 40 }))).toBe(2);
    expect(await proxy.count(() => store.index.read('nothing'))).toBe(1);
  });

  it('takes five to filter ten thousand entries', async () => {
    await fill('filtered', 10_000);
    const patient = await BurstProxy.start(on.server.port, 500);
    const far = new RedisStoreAdapter({ connection: { url: patient.url } });
    await far.kv.get('k');
    let found: unknown[] = [];
    const scan = async (): Promise<void> => {
      found = await far.index.read('filtered', { filter: { status: ['running'] }, limit: 500 });
    };
    expect(await patient.count(scan)).toBe(5);
    expect(found).toHaveLength(500);
    await far.close();
    await patient.close();
  });
});

describe('events that are read again at once', () => {
  beforeEach(() => turned());

  const reads = async (between: () => unknown): Promise<[first: EventRecord[], second: EventRecord[]]> => {
    const first = await store.stream.read('again');
    between();
    return [first, await store.stream.read('again')];
  };

  it('are there without a round trip, as events of their own', async () => {
    await store.stream.append('again', { ...event, data: { list: [1] } });
    let read: EventRecord[][] = [];
    const count = await proxy.count(async () => {
      read = await reads(() => undefined);
    });
    const [first, second] = read as [EventRecord[], EventRecord[]];
    expect(count).toBe(1);
    expect(second).toStrictEqual(first);
    Object.assign(first[0] as EventRecord, { data: 'changed' });
    expect(second[0]?.data).toEqual({ list: [1] });
  });

  it('are asked for once the event loop has turned', async () => {
    await store.stream.read('again');
    await turned();
    expect(await proxy.count(() => store.stream.read('again'))).toBe(1);
  });

  it('are asked for as soon as something else of the same turn may have told of newer ones', async () => {
    const count = await proxy.count(async () => {
      await store.stream.read('again');
      await new Promise<void>((resolve) => nextTick(resolve));
      await store.stream.read('again');
    });
    expect(count).toBe(2);
  });

  it('are asked for when other ones are meant', async () => {
    const count = await proxy.count(async () => {
      await store.stream.read('again');
      await store.stream.read('again', { order: 'desc' });
    });
    expect(count).toBe(2);
  });

  it('hold what this process has written meanwhile, through whatever store', async () => {
    for (const writer of [store, on.store]) {
      let append: Promise<unknown> | undefined;
      const [first, second] = await reads(() => (append = writer.stream.append('again', event)));
      await append;
      // Another store has a connection of its own, where its event may be later than the reading.
      expect(second.length).toBeGreaterThanOrEqual(writer === store ? first.length + 1 : first.length);
      expect(await store.stream.read('again')).toHaveLength(first.length + 1);
    }
    await turned();
    const reading = store.stream.read('again');
    const append = store.stream.append('again', event);
    const before = await reading;
    expect(await store.stream.read('again')).toHaveLength(before.length + 1);
    await append;
  });
});

describe('a flow run of two steps and one emit', () => {
  it('takes 75 round trips of its host, where the original takes 111', async () => {
    expect(await proxy.count(() => runFlow(store, 'counted'))).toBe(75);
  });
});

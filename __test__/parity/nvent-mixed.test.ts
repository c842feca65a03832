/** Processes of the original and of ours on one Redis. */
import type { StoreAdapter } from 'ferrodis/nvent/native';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { loadOriginal, nvent } from '../support/nvent.js';

const on = nvent();
let fleet: StoreAdapter[];

beforeAll(async () => {
  const Original = await loadOriginal();
  const connection = (): { host: string; port: number } => ({ host: '127.0.0.1', port: on.server.port });
  fleet = [
    on.open(),
    new Original({ connection: connection() }),
    on.open(),
    new Original({ connection: connection() }),
  ];
});

afterAll(async () => {
  await Promise.all(fleet.map((store) => store.close()));
});

it('writes, counts and adds side by side: nothing is lost, and versions only grow', { timeout: 60_000 }, async () => {
  const rounds = 60;
  await on.store.index.add('flows', 'f', 1, { stats: { total: 0 } });
  const versions: number[] = [];
  const watched = new AbortController();
  const watcher = (async () => {
    while (!watched.signal.aborted) versions.push(Number((await on.meta('flows', 'f'))['version']));
  })();

  /** As the original's host does: an update that found the version changed is tried until it is done. */
  const update = async (store: StoreAdapter, patch: Record<string, unknown>): Promise<void> => {
    while (!(await store.index.update('flows', 'f', patch)));
  };
  await Promise.all(
    fleet.map(async (store, who) => {
      for (let i = 0; i < rounds; i += 1) {
        await store.index.increment('flows', 'f', 'stats.total');
        await update(store, { marks: { [`m${who}x${i}`]: i } });
        await store.index.add('runs', `r${who}x${i}`, i, { status: 'running', step: { no: i } });
        await store.stream.append('events', { type: 'step.started', runId: `${who}`, flowName: 'f', data: { i } });
      }
    }),
  );
  watched.abort();
  await watcher;

  for (const store of fleet) {
    const entry = await store.index.get('flows', 'f');
    const { stats, marks, version } = (entry as { metadata: Record<string, Record<string, number>> }).metadata;
    expect(stats).toEqual({ total: rounds * fleet.length });
    expect(Object.keys(marks ?? {})).toHaveLength(rounds * fleet.length);
    expect(version).toBe(2 * rounds * fleet.length);
    expect(await store.index.read('runs', { limit: 1000 })).toHaveLength(rounds * fleet.length);
    expect(await store.index.read('runs', { limit: 1000, filter: { status: 'running' } })).toHaveLength(240);
    expect(await store.stream.read('events')).toHaveLength(rounds * fleet.length);
  }
  expect(versions).toEqual([...versions].sort((a, b) => a - b));
});

it('reads what the others wrote, to the last property', async () => {
  const metadata = {
    name: 'n',
    list: [1, 'two', { three: 3 }],
    on: true,
    n: 1.5,
    deep: { a: { b: 'c' } },
    'dotted.x': 1,
  };
  const event = {
    type: 't',
    runId: 'r',
    flowName: 'f',
    stepName: 's',
    attempt: 2,
    data: { text: 'é😀', list: [null] },
  };
  for (const [who, writer] of fleet.entries()) {
    await writer.index.add('shared', `e${who}`, who, metadata);
    await writer.kv.set(`value${who}`, { who: [who] });
    const written = await writer.stream.append(`stream${who}`, event);
    for (const reader of fleet) {
      const entry = await reader.index.get('shared', `e${who}`);
      const { 'dotted.x': x, ...rest } = metadata;
      expect(entry).toEqual({ id: `e${who}`, score: who, metadata: { version: 0, ...rest, dotted: { x } } });
      expect(await reader.kv.get(`value${who}`)).toEqual({ who: [who] });
      expect(await reader.stream.read(`stream${who}`)).toEqual([written]);
    }
  }
});

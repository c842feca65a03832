/** nvent: a stream, counters, and an index that is updated. */
import { setTimeout as elapse } from 'node:timers/promises';

import { RedisStoreAdapter } from 'ferrodis/nvent/native';

import type { Calls } from '../calls.js';
import { CounterHistory, StreamHistory } from '../checkers.js';
import type { Random } from '../random.js';
import type { Workload, World } from '../world.js';

const CALLERS = 3;
const STREAM = '{nvent}:stream';
const COUNTER = '{nvent}:count';
const INDEX = '{nvent}:index';

export async function open(world: World, calls: Calls, random: Random): Promise<Workload> {
  const options = { connection: world.connection, streams: { trim: { maxLen: 10_000_000 } } };
  const stores = Array.from({ length: CALLERS }, () => new RedisStoreAdapter(options));
  const [first] = stores as [RedisStoreAdapter];
  const stream = new StreamHistory();
  const counter = new CounterHistory();
  const field = new CounterHistory();
  const won = new Set<string>();
  const perhaps = new Set<string>();
  const pauses = random.fork();
  let entries = 0;
  await first.index.add(INDEX, 'entry', 1, { hits: 0 });

  const update = async (store: RedisStoreAdapter, property: string): Promise<void> => {
    const ending = await calls.try('index.update', () => store.index.update(INDEX, 'entry', { [property]: 1 }));
    if (ending.is === 'ok' && ending.value) won.add(property);
    if (ending.is === 'unknown') perhaps.add(property);
  };

  const append = async (store: RedisStoreAdapter, entry: number): Promise<void> => {
    const event = { type: 't', runId: 'r', flowName: 'f', data: { entry } };
    stream.add(entry, await calls.try('stream.append', () => store.stream.append(STREAM, event)));
  };

  const count = async (store: RedisStoreAdapter): Promise<void> => {
    const counted = calls.try('kv.increment', () => store.kv.increment(COUNTER));
    field.add(await calls.try('index.increment', () => store.index.increment(INDEX, 'entry', 'hits')));
    counter.add(await counted);
  };

  const use = async (end: AbortSignal, store: RedisStoreAdapter): Promise<void> => {
    while (!end.aborted) {
      const entry = ++entries;
      await Promise.all([append(store, entry), count(store), update(store, `p${entry}`)]);
      await elapse(pauses.between(0, 10));
    }
  };

  const facts: Record<string, number> = {};
  return {
    facts,
    async run(end) {
      await Promise.all(stores.map((store) => use(end, store)));
      facts['entries'] = entries;
    },
    async violations(lossy) {
      if (lossy) return [];
      const events = await first.stream.read(STREAM, { limit: entries + 1 });
      const broken = stream.violations(
        'stream',
        events.map(({ data }) => (data as { entry: number }).entry),
      );
      broken.push(...counter.violations('counter', Number(await first.kv.get(COUNTER))));
      const { metadata = {} } = (await first.index.get(INDEX, 'entry')) ?? {};
      broken.push(...field.violations('field', Number(metadata['hits'])));
      for (const property of won) if (!(property in metadata)) broken.push(`V10: the update of ${property} is gone`);
      const there = Object.keys(metadata).filter((name) => /^p\d+$/.test(name));
      for (const property of there) {
        if (!won.has(property) && !perhaps.has(property))
          broken.push(`V10: the update of ${property} was refused, and is there`);
      }
      return broken;
    },
    async close() {
      await Promise.all(stores.map((store) => store.close()));
    },
  };
}

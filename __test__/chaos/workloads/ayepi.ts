/** ayepi: counters and claims. */
import { setTimeout as elapse } from 'node:timers/promises';

import { ayepi } from '../../support/ayepi.js';
import type { Calls, Ending } from '../calls.js';
import { claimViolations, CounterHistory } from '../checkers.js';
import type { Random } from '../random.js';
import type { Workload, World } from '../world.js';

/** Who counts and claims, each by a client of its own. */
const CALLERS = 3;
const COUNTERS = ['ayepi:a', 'ayepi:b'];
const DAY = 86_400_000;

export async function open(world: World, calls: Calls, random: Random): Promise<Workload> {
  const prefix = '{ayepi}:';
  const clients = Array.from({ length: CALLERS }, () => world.client());
  const stores = clients.map((client) => ayepi.redisStore(client, { prefix }));
  const [watcher] = stores as [(typeof stores)[number]];
  const counters = new Map(COUNTERS.map((name) => [name, new CounterHistory()]));
  const claims: Array<{ key: string; endings: Array<Ending<boolean>> }> = [];
  const pauses = random.fork();

  const count = async (end: AbortSignal, store: (typeof stores)[number]): Promise<void> => {
    while (!end.aborted) {
      const many = [...counters].flatMap(([name, history]) =>
        Array.from({ length: 3 }, async () =>
          history.add(await calls.try('increment', () => store.increment(name, 1, DAY))),
        ),
      );
      await Promise.all(many);
      await elapse(pauses.between(0, 5));
    }
  };

  const claim = async (end: AbortSignal): Promise<void> => {
    while (!end.aborted) {
      const key = `claim ${claims.length}`;
      const made = { key, endings: [] as Array<Ending<boolean>> };
      claims.push(made);
      made.endings = await Promise.all(
        stores.map((store) => calls.try('setIfNotExists', () => store.setIfNotExists(key, 'mine', DAY))),
      );
      await elapse(pauses.between(0, 5));
    }
  };

  const facts: Record<string, number> = {};
  return {
    facts,
    async run(end) {
      await Promise.all([...stores.map((store) => count(end, store)), claim(end)]);
      facts['claims'] = claims.length;
    },
    async violations(lossy) {
      if (lossy) return [];
      const broken: string[] = [];
      for (const [name, history] of counters) {
        broken.push(...history.violations(name, Number(await watcher.get(name))));
      }
      for (const { key, endings } of claims) {
        broken.push(...claimViolations(key, endings, (await watcher.get(key)) !== undefined));
      }
      return broken;
    },
    async close() {
      for (const client of clients) client.disconnect();
    },
  };
}

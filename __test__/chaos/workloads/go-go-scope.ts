/** go-go-scope: locks with fencing tokens, and the failures of a circuit. */
import { setTimeout as elapse } from 'node:timers/promises';

import { RedisAdapter } from 'ferrodis/go-go-scope';

import type { Calls, Ending } from '../calls.js';
import { CounterHistory, type Holding, lockViolations } from '../checkers.js';
import type { Random } from '../random.js';
import type { Workload, World } from '../world.js';

const CALLERS = 3;
const LOCKS = ['one', 'two'];

/** ms that a lock lasts. */
const TTL = 1000;

export async function open(world: World, calls: Calls, random: Random): Promise<Workload> {
  const options = { keyPrefix: '{go-go-scope}:', fencing: true };
  const clients = Array.from({ length: CALLERS }, () => world.client());
  const adapters = clients.map((client) => new RedisAdapter(client, options));
  const holdings = new Map(LOCKS.map((name) => [name, [] as Holding[]]));
  const failures = new CounterHistory();
  const facts: Record<string, number> = { held: 0, lapsed: 0 };
  const pauses = random.fork();

  /** Takes locks, and believes to hold one for as long as it lasts or until it is given back. */
  const hold = async (end: AbortSignal, adapter: RedisAdapter): Promise<void> => {
    while (!end.aborted) {
      const name = pauses.of(LOCKS);
      const taken = await calls.try('acquire', async () => {
        const asked = performance.now();
        return { asked, handle: await adapter.acquire(name, TTL) };
      });
      if (taken.is !== 'ok' || taken.value.handle === null) {
        await elapse(pauses.between(1, 10));
        continue;
      }
      const { asked, handle } = taken.value;
      const from = performance.now();
      await elapse(pauses.between(0, 20));
      // From here on nobody believes any more, whatever becomes of the release.
      const to = Math.min(performance.now(), asked + TTL);
      if (to > from) holdings.get(name)?.push({ from, to, fence: handle.fence ?? 0 });
      else facts['lapsed'] = (facts['lapsed'] ?? 0) + 1;
      facts['held'] = (facts['held'] ?? 0) + 1;
      await calls.try('release', () => handle.release());
    }
  };

  const fail = async (end: AbortSignal, adapter: RedisAdapter): Promise<void> => {
    while (!end.aborted) {
      const counted: Ending<number> = await calls.try('recordFailure', () => adapter.recordFailure('circuit', 1e9));
      failures.add(counted);
      await elapse(pauses.between(0, 5));
    }
  };

  return {
    facts,
    async run(end) {
      await Promise.all(adapters.flatMap((adapter) => [hold(end, adapter), fail(end, adapter)]));
    },
    async violations(lossy) {
      if (lossy) return [];
      const state = await adapters[0]?.getState('circuit');
      const locks = [...holdings].flatMap(([name, held]) => lockViolations(name, held));
      return [...locks, ...failures.violations('failures', state?.failureCount ?? 0)];
    },
    async close() {
      for (const client of clients) client.disconnect();
    },
  };
}

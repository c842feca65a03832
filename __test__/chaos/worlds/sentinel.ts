/** A master with two replicas, and three sentinels. */
import { setTimeout as elapse } from 'node:timers/promises';

import { Redis } from 'ioredis5';

import { Sentinels } from '../../support/sentinel.js';
import type { Server } from '../../support/server.js';
import type { Fault, World } from '../world.js';

const REPLICAS = 2;

export async function sentinel(): Promise<World> {
  const at = await Sentinels.start({ replicas: REPLICAS });

  /** Resolves when a server that was the master follows the new one, and all sentinels know it. */
  const joined = async (server: Server): Promise<void> => {
    await at.follows(server);
    await at.agree(REPLICAS);
  };

  const faults: Fault[] = [
    {
      name: 'a failover is asked for',
      async strike() {
        const old = await at.master();
        await at.failover();
        await joined(old);
      },
      loses: true,
    },
    {
      name: 'the master is killed',
      async strike() {
        const old = await at.master();
        await old.kill();
        await at.successor(old);
        await old.launch();
        await joined(old);
      },
      loses: true,
    },
    {
      name: 'the master is halted',
      async strike() {
        const old = await at.master();
        old.signal('SIGSTOP');
        await at.successor(old);
        old.signal('SIGCONT');
        await joined(old);
      },
      loses: true,
    },
    {
      name: 'sentinels are killed and started again',
      async strike(random) {
        const gone = at.sentinels.filter(() => random.next() < 0.6);
        await Promise.all(gone.map((server) => server.kill()));
        await elapse(random.between(0, 500));
        await Promise.all(gone.map((server) => server.launch()));
      },
      costsNothing: true,
    },
  ];

  return {
    name: 'sentinel',
    connection: { ...at.options, callTimeout: 20_000 },
    faults,
    client() {
      const client = new Redis({ sentinels: at.options.sentinels, name: at.options.sentinelName });
      client.on('error', () => undefined);
      return client;
    },
    raw: async () => (await at.master()).client(),
    heal: () => at.agree(REPLICAS),
    empty: async () => void (await at.tell(await at.master(), 'FLUSHALL')),
    async stop() {
      await at.stop();
    },
  };
}

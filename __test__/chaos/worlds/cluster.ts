/** Three masters with a replica each. */
import { setTimeout as elapse } from 'node:timers/promises';

import { Cluster as IoredisCluster } from 'ioredis5';

import { Cluster, type Node } from '../../support/cluster.js';
import { until } from '../../support/ground.js';
import { type Fault, PATIENCE, type World } from '../world.js';

export async function cluster(): Promise<World> {
  const at = await Cluster.start();

  const roleOf = async (node: Node): Promise<unknown[]> => (await at.tell(node, 'ROLE').catch(() => [])) as unknown[];

  const withRole = async (role: 'master' | 'slave'): Promise<Node[]> => {
    const roles = await Promise.all(at.nodes.map(roleOf));
    return at.nodes.filter((_, index) => roles[index]?.[0] === role);
  };

  /** Waits until every master has a replica that follows it. */
  const whole = async (): Promise<void> => {
    await at.settled();
    await until(async () => {
      const roles = await Promise.all(at.nodes.map(roleOf));
      const followers = roles.filter(([role, , , state]) => role === 'slave' && state === 'connected');
      return followers.length === at.nodes.length / 2;
    }, PATIENCE);
  };

  const faults: Fault[] = [
    {
      name: 'a replica takes over',
      async strike(random) {
        const replica = random.of(await withRole('slave'));
        await at.tell(replica, 'CLUSTER', 'FAILOVER');
        await until(async () => (await roleOf(replica))[0] === 'master', PATIENCE);
        await whole();
      },
    },
    {
      name: 'a master is killed',
      async strike(random) {
        const masters = await withRole('master');
        const node = random.of(masters);
        await node.server.kill();
        const others = at.nodes.filter((other) => other !== node);
        await until(async () => {
          const roles = await Promise.all(others.map(roleOf));
          return roles.filter(([role]) => role === 'master').length === masters.length;
        }, PATIENCE);
        await node.server.launch();
        await whole();
      },
      loses: true,
    },
    {
      name: 'a slot moves',
      async strike(random) {
        const key = `{${random.of(TAGS)}}`;
        const owner = await at.owner(key);
        const to = random.of((await withRole('master')).filter((node) => node !== owner));
        await at.move(key, to, () => elapse(random.between(0, 200)));
      },
      costsNothing: true,
    },
    {
      name: 'connections are killed',
      async strike(random) {
        await at.tell(random.of(at.nodes), 'CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      },
    },
  ];

  return {
    name: 'cluster',
    relaysEvents: true,
    connection: { ...at.options, callTimeout: 20_000 },
    faults,
    client() {
      const client = new IoredisCluster([...at.options.cluster]);
      client.on('error', () => undefined);
      return client;
    },
    raw: async (key) => (await at.owner(key)).server.client(),
    heal: whole,
    async empty() {
      await Promise.all((await withRole('master')).map((node) => at.tell(node, 'FLUSHALL')));
    },
    async stop() {
      await at.stop();
    },
  };
}

/** Tags of the keys whose slots move: those of the workloads. */
export const TAGS: readonly string[] = ['conveyor:chaos', 'nvent', 'ayepi', 'go-go-scope'];

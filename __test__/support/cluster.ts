/** A Redis Cluster of the test's own: three masters, and a replica of each. */
import { setTimeout as elapse } from 'node:timers/promises';

import { clusterNode, type RawClient, Server } from './server.js';

const SLOTS = 16_384;
const MASTERS = 3;

/** One node, with a raw client that lasts as long as its process. */
export interface Node {
  readonly server: Server;
  /** Its name in the cluster. */
  id: string;
}

export class Cluster {
  /** The first three began as masters, of a third of the slots each; the others follow them in turn. */
  readonly nodes: readonly Node[];

  private constructor(nodes: Node[]) {
    this.nodes = nodes;
  }

  static async start(options: { replicas?: boolean } = {}): Promise<Cluster> {
    const count = options.replicas === false ? MASTERS : 2 * MASTERS;
    const servers = await Promise.all(Array.from({ length: count }, startNode));
    const cluster = new Cluster(servers.map((server) => ({ server, id: '' })));
    await cluster.#form();
    return cluster;
  }

  /** Sends one command to a node, which must live: the raw client would wait for it for ever. */
  async tell(node: Node, ...command: string[]): Promise<unknown> {
    if (node.server.running.pid === undefined) throw new Error('the node is not ours');
    const client = await node.server.client();
    try {
      return await client.sendCommand(command);
    } finally {
      client.destroy();
    }
  }

  /** The masters of the first three to begin with, as options of a connection. */
  get options(): { cluster: { host: string; port: number }[] } {
    return { cluster: this.nodes.slice(0, 2).map(({ server }) => ({ host: '127.0.0.1', port: server.port })) };
  }

  /** The node that serves a key, once all nodes that live say the same. */
  async owner(key: string): Promise<Node> {
    for (;;) {
      const said = await Promise.all(this.nodes.map((node) => this.#owner(node, key).catch(() => undefined)));
      const ports = new Set(said.filter((port) => port !== undefined));
      const found = this.nodes.find(({ server }) => ports.has(server.port));
      if (found !== undefined && ports.size === 1) return found;
      await elapse(50);
    }
  }

  /** How many keys each master holds. */
  async sizes(): Promise<number[]> {
    return Promise.all(this.nodes.slice(0, MASTERS).map(async (node) => Number(await this.tell(node, 'DBSIZE'))));
  }

  /** Moves the slot of `key` to another master, its keys one by one: `between` runs when half of them are over there. */
  async move(key: string, to: Node, between: () => Promise<void>): Promise<void> {
    const from = await this.owner(key);
    const slot = String(await this.tell(from, 'CLUSTER', 'KEYSLOT', key));
    await this.tell(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
    await this.tell(from, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
    const batch = async (count: string): Promise<number> => {
      const keys = (await this.tell(from, 'CLUSTER', 'GETKEYSINSLOT', slot, count)) as string[];
      if (keys.length > 0) {
        const port = String(to.server.port);
        await this.tell(from, 'MIGRATE', '127.0.0.1', port, '', '0', '5000', 'KEYS', ...keys);
      }
      return keys.length;
    };
    const total = Number(await this.tell(from, 'CLUSTER', 'COUNTKEYSINSLOT', slot));
    await batch(String(Math.ceil(total / 2)));
    await between();
    while ((await batch('100')) > 0);
    for (const node of [to, from]) await this.tell(node, 'CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
  }

  /** Resolves when every living node says that all slots are served. */
  async settled(): Promise<void> {
    await until('a cluster that is whole', async () => {
      const states = this.nodes.map(async (node) => {
        const info = await this.tell(node, 'CLUSTER', 'INFO').catch(() => 'cluster_state:ok');
        return String(info).includes('cluster_state:ok');
      });
      return (await Promise.all(states)).every(Boolean);
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map(({ server }) => server.stop()));
  }

  /** The port of the node that serves a key, as one node says. */
  async #owner(node: Node, key: string): Promise<number> {
    const slot = Number(await this.tell(node, 'CLUSTER', 'KEYSLOT', key));
    const ranges = (await this.tell(node, 'CLUSTER', 'SLOTS')) as [number, number, [string, number, string]][];
    return ranges.find(([from, to]) => from <= slot && slot <= to)?.[2][1] ?? 0;
  }

  async #form(): Promise<void> {
    const [first, ...others] = this.nodes as [Node, ...Node[]];
    for (const [index, node] of this.nodes.entries()) {
      node.id = String(await this.tell(node, 'CLUSTER', 'MYID'));
      await this.tell(node, 'CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
      if (index >= MASTERS) continue;
      const from = Math.floor((index * SLOTS) / MASTERS);
      const to = Math.floor(((index + 1) * SLOTS) / MASTERS) - 1;
      await this.tell(node, 'CLUSTER', 'ADDSLOTSRANGE', String(from), String(to));
    }
    for (const node of others)
      await this.tell(first, 'CLUSTER', 'MEET', '127.0.0.1', String(node.server.port), await busOf(node));
    await this.#known();
    for (const [index, node] of this.nodes.slice(MASTERS).entries()) {
      await this.tell(node, 'CLUSTER', 'REPLICATE', this.nodes[index]!.id);
    }
    await this.settled();
    for (const node of this.nodes.slice(MASTERS)) {
      await until('a replica', async () => {
        const role = (await this.tell(node, 'ROLE')) as unknown[];
        return role[3] === 'connected';
      });
    }
  }

  /** Waits until every node knows every other. */
  async #known(): Promise<void> {
    for (const node of this.nodes) {
      await until('nodes that know each other', async () => {
        const lines = String(await this.tell(node, 'CLUSTER', 'NODES'))
          .trim()
          .split('\n');
        return lines.length === this.nodes.length && lines.every((line) => !/handshake|noaddr/.test(line));
      });
    }
  }
}

async function startNode(): Promise<Server> {
  return Server.start(await clusterNode({ config: { 'repl-diskless-sync-delay': '0' } }));
}

async function busOf(node: Node): Promise<string> {
  const client: RawClient = await node.server.client();
  const config = (await client.sendCommand(['CONFIG', 'GET', 'cluster-port'])) as unknown as Record<string, string>;
  client.destroy();
  return Array.isArray(config) ? String(config[1]) : String(config['cluster-port']);
}

async function until(what: string, question: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; !(await question()); await elapse(50)) {
    if (Date.now() > end) throw new Error(`waited too long for ${what}`);
  }
}

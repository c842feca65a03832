/** A master with replicas, and the sentinels that watch them. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as elapse } from 'node:timers/promises';

import { findServer, ServerNotFoundError } from 'ferrodis/testing';

import { Server } from './server.js';

/** The name by which the sentinels know the master. */
export const MASTER = 'orders';
const QUORUM = 2;

/** What {@link Sentinels.start} should start. */
export interface SentinelsOptions {
  /** Replicas beside the master. Default 2. */
  replicas?: number;
  /** Password of the data servers. Default none. */
  password?: string;
  /** Password of the sentinels. Default none. */
  sentinelPassword?: string;
}

/** Started servers. Any of them may be killed, frozen and launched again. */
export class Sentinels {
  /** The data servers; the first began as the master. */
  readonly servers: readonly Server[];
  /** Three of them; two agree on a failover. */
  readonly sentinels: readonly Server[];
  readonly #options: SentinelsOptions;
  readonly #folder: string;

  private constructor(servers: Server[], sentinels: Server[], options: SentinelsOptions, folder: string) {
    this.servers = servers;
    this.sentinels = sentinels;
    this.#options = options;
    this.#folder = folder;
  }

  static async start(options: SentinelsOptions = {}): Promise<Sentinels> {
    const folder = await mkdtemp(join(tmpdir(), 'ferrodis-sentinel-'));
    const { password, replicas = 2 } = options;
    const data = {
      'repl-diskless-sync-delay': '0',
      ...(password && { requirepass: password, masterauth: password }),
    };
    const credentials = password && { password };
    const master = await Server.start({ ...credentials, config: data });
    const replicaof = `127.0.0.1 ${master.port}`;
    const others = Array.from({ length: replicas }, () =>
      Server.start({ ...credentials, config: { ...data, replicaof, 'replica-priority': '100' } }),
    );
    const servers = [master, ...(await Promise.all(others))];
    const sentinels = await Promise.all([0, 1, 2].map((index) => startSentinel(folder, index, master.port, options)));
    const started = new Sentinels(servers, sentinels, options, folder);
    await started.agree(replicas);
    return started;
  }

  /** Sends one command to a sentinel. */
  async ask(index: number, ...command: string[]): Promise<unknown> {
    const client = await this.sentinels[index]!.client(
      this.#url(this.sentinels[index]!, this.#options.sentinelPassword),
    );
    try {
      return await client.sendCommand(command);
    } finally {
      client.destroy();
    }
  }

  /** Sends one command to a data server. */
  async tell(server: Server, ...command: string[]): Promise<unknown> {
    const client = await server.client(this.#url(server, this.#options.password));
    try {
      return await client.sendCommand(command);
    } finally {
      client.destroy();
    }
  }

  /** The data server that sentinel `index` calls the master. */
  async master(index = 0): Promise<Server> {
    const [, port] = (await this.ask(index, 'SENTINEL', 'get-master-addr-by-name', MASTER)) as string[];
    const found = this.servers.find((server) => String(server.port) === port);
    if (found === undefined) throw new Error(`the sentinel names a stranger at ${port}`);
    return found;
  }

  /** Resolves when sentinel `index` names another master than `old`, which is returned. */
  async successor(old: Server, index = 0): Promise<Server> {
    return until('a failover', async () => {
      const master = await this.master(index).catch(() => old);
      return master === old ? undefined : master;
    });
  }

  /** Resolves when `server` follows the master, as the sentinels have told it. */
  async follows(server: Server): Promise<void> {
    await until('a replica', async () => {
      const role = (await this.tell(server, 'ROLE').catch(() => [])) as unknown[];
      return role[0] === 'slave' && role[3] === 'connected' ? true : undefined;
    });
  }

  /** Has the sentinels fail over although nothing is wrong, once they are ready for it. */
  async failover(): Promise<Server> {
    const old = await this.master();
    await until('sentinels that are ready', () => this.ask(0, 'SENTINEL', 'FAILOVER', MASTER).catch(() => undefined));
    return this.successor(old);
  }

  /** Waits until every sentinel knows the others and `replicas` healthy replicas. */
  async agree(replicas: number): Promise<void> {
    for (const index of this.sentinels.keys()) {
      await until('sentinels that know each other', async () => {
        const flat = (await this.ask(index, 'SENTINEL', 'MASTER', MASTER)) as string[] | Record<string, string>;
        const facts = Array.isArray(flat) ? pairs(flat) : flat;
        const complete = Number(facts['num-slaves']) >= replicas && Number(facts['num-other-sentinels']) === 2;
        return complete && facts['flags'] === 'master' ? true : undefined;
      });
    }
    const master = await this.master();
    for (const server of this.servers) if (server !== master) await this.follows(server);
  }

  /** Options of a connection that asks all three. */
  get options(): { sentinels: { host: string; port: number }[]; sentinelName: string } {
    return { sentinels: this.sentinels.map(({ port }) => ({ host: '127.0.0.1', port })), sentinelName: MASTER };
  }

  /** The same as a URL. */
  get url(): string {
    return `redis+sentinel://${this.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${MASTER}`;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.sentinels, ...this.servers].map((server) => server.stop()));
    await rm(this.#folder, { recursive: true, force: true });
  }

  #url(server: Server, password: string | undefined): string {
    return `redis://${password === undefined ? '' : `:${password}@`}127.0.0.1:${server.port}`;
  }
}

/** A sentinel keeps what it learns in its configuration file, so that a restarted one knows it still. */
async function startSentinel(
  folder: string,
  index: number,
  masterPort: number,
  { password, sentinelPassword }: SentinelsOptions,
): Promise<Server> {
  const binary = findServer();
  if (!binary) throw new ServerNotFoundError();
  const file = join(folder, `${index}.conf`);
  const settings = [
    `monitor ${MASTER} 127.0.0.1 ${masterPort} ${QUORUM}`,
    `down-after-milliseconds ${MASTER} 1000`,
    `failover-timeout ${MASTER} 3000`,
    ...(password ? [`auth-pass ${MASTER} ${password}`] : []),
    ...(sentinelPassword ? [`sentinel-pass ${sentinelPassword}`] : []),
  ];
  await writeFile(file, settings.map((setting) => `sentinel ${setting}\n`).join(''));
  const start = join(folder, `${index}.sh`);
  await writeFile(start, `#!/bin/sh\nexec '${binary}' '${file}' --sentinel "$@"\n`);
  await chmod(start, 0o755);
  return Server.start({ binary: start, ...(sentinelPassword && { password: sentinelPassword }) });
}

function pairs(flat: readonly string[]): Record<string, string> {
  return Object.fromEntries(flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? '']] : [])));
}

/** Asks again and again until there is an answer; a sentinel whose process stood still does nothing for 30 s. */
async function until<T>(what: string, question: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 60_000; ;) {
    const answer = await question();
    if (answer !== undefined && answer !== null) return answer;
    if (Date.now() > end) throw new Error(`waited too long for ${what}`);
    await elapse(50);
  }
}

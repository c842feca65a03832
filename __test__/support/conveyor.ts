import { randomUUID } from 'node:crypto';

import { RedisStore, type RedisStoreOptions } from 'ferrodis/conveyor';
import type { StartRedisOptions } from 'ferrodis/testing';
import { afterAll, beforeAll } from 'vitest';

import { type QueueKeys, queueKeys } from './conveyor-keys.js';
import { type Job, newJob } from './job.js';
import { clusterNode, type RawClient, Server } from './server.js';

/** Collects what a store warns about. */
export class Warnings {
  readonly lines: unknown[][] = [];

  /** A logger to hand to a store. */
  readonly logger = {
    debug: (): void => {},
    info: (): void => {},
    error: (): void => {},
    warn: (...args: unknown[]): void => {
      this.lines.push(args);
      this.#wake();
    },
  };

  #wake: () => void = () => {};

  /** The texts of all warnings so far. */
  get texts(): string[] {
    return this.lines.map(([text]) => String(text));
  }

  /** Resolves once a warning starts with `text`. */
  async seen(text: string): Promise<unknown[]> {
    for (;;) {
      const line = this.lines.find(([first]) => String(first).startsWith(text));
      if (line !== undefined) return line;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** What a test file works with: one server, one raw client, one connected store. */
export interface Conveyor {
  readonly server: Server;
  /** Raw commands, to look at what the store wrote and to play other writers. */
  readonly redis: RawClient;
  /** A connected store shared by the tests of the file. */
  readonly store: RedisStore;
  /** Another connected store on the same server, closed with the file. */
  open(options?: RedisStoreOptions): Promise<RedisStore>;
  /** A queue name nobody has used before. */
  queue(): string;
  /** The keys of a queue under the default prefix. */
  keys(queue: string): QueueKeys;
  /** Saves one job and returns its id. */
  add(queue: string, fields?: Partial<Job>): Promise<string>;
  /** The job that must be there. */
  job(queue: string, id: string): Promise<Job>;
  /** The keys a queue has, apart from what the calls of the last minute left to be found when they are repeated. */
  leftovers(queue: string): Promise<string[]>;
  /** The hash of a job as Redis has it. */
  hash(queue: string, id: string): Promise<Record<string, string>>;
}

/** Whether the suites run on a cluster: of one node, so that the raw client reaches every key. */
const inCluster = process.env['FERRODIS_TOPOLOGY'] === 'cluster';

/** Registers the server, the raw client and the store of a test file. */
export function conveyor(options: StartRedisOptions = {}): Conveyor {
  let server: Server;
  let redis: RawClient;
  let store: RedisStore;
  const opened: RedisStore[] = [];

  const open = async (storeOptions: RedisStoreOptions = {}): Promise<RedisStore> => {
    const { connection, ...rest } = storeOptions;
    const where = inCluster ? { cluster: [{ host: '127.0.0.1', port: server.port }] } : { url: server.url };
    const other = new RedisStore({ connection: { ...where, ...connection }, ...rest });
    opened.push(other);
    await other.connect();
    return other;
  };

  beforeAll(async () => {
    server = await Server.start(inCluster ? await clusterNode(options) : options);
    redis = await server.client();
    if (inCluster) await redis.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', '0', '16383']);
    store = await open();
  });

  afterAll(async () => {
    await Promise.all(opened.map((each) => each.disconnect()));
    redis.destroy();
    await server.stop();
  });

  return {
    get server() {
      return server;
    },
    get redis() {
      return redis;
    },
    get store() {
      return store;
    },
    open,
    queue: () => `queue-${randomUUID()}`,
    keys: (queue) => queueKeys('conveyor', queue),
    add: (queue, fields) => store.saveJob(queue, newJob(queue, fields)),
    job: async (queue, id) => {
      const job = await store.getJob(queue, id);
      if (job === null) throw new Error(`job ${id} is not there`);
      return job;
    },
    leftovers: async (queue) => {
      const keys = await redis.keys(`{conveyor:${queue}}:*`);
      const lives = await Promise.all(keys.map((key) => redis.pTTL(key)));
      return keys.filter((key, i) => !key.includes('}:x:claims:') || lives[i] === -1);
    },
    hash: async (queue, id) => ({ ...(await redis.hGetAll(queueKeys('conveyor', queue).job(id))) }),
  };
}

/** Resolves after `ms` milliseconds: only for letting a lease or a window run out. */
export function elapse(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

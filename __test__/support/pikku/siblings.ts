import type * as pikku from 'ferrodis/pikku';
import type * as ioredis5 from 'ioredis5';
import { afterAll, beforeAll } from 'vitest';

import { BurstProxy } from '../burst-proxy.js';
import { type RawClient, Server } from '../server.js';
import { Packages } from './packages.mjs';

/** The versions of `@pikku/redis` on the registry, with the core in whose fixture each of them is. */
export const ORIGINALS: Record<string, string> = { '0.12.3': '0.12.3', '0.12.8': '0.12.37', '0.12.18': '0.12.84' };

/** A class that the compiler knows nothing of. */
export type Class = new (...args: unknown[]) => object;

/** Something that has to be closed. */
interface Closable {
  close?(): Promise<unknown>;
  stop?(): Promise<unknown>;
}

/** What a test file works with: one server, and a raw client that sees what lies there. */
export interface Siblings {
  readonly server: Server;
  readonly redis: RawClient;
  readonly url: string;
  /** Counts round trips of services that are opened with its URL. */
  readonly proxy: BurstProxy;
  /** A prefix that nobody has used before. */
  prefix(): string;
  /** Closes a service with the file. */
  keep<Service extends object>(service: Service): Service;
  /**
   * Everything below a prefix: hashes, sets, sorted sets and texts, with the keys' times to live in tens of seconds, so that
   * it is the same a few seconds later.
   */
  dump(prefix: string): Promise<Record<string, unknown>>;
}

/** The classes of a published version of the original. Nothing of them is known to the compiler. */
export async function original(version: string): Promise<Record<string, Class>> {
  return new Packages(ORIGINALS[version] ?? '').store('original');
}

/** Our classes, as they behave beside one version of core. */
export async function oursBeside(core: string): Promise<typeof pikku> {
  return new Packages(core).store('ferrodis');
}

/** ioredis 5, as users of the original have it. */
export async function ioredis(): Promise<typeof ioredis5> {
  return new Packages('0.12.84').import('ioredis');
}

async function valueOf(redis: RawClient, key: string): Promise<unknown> {
  const type = await redis.type(key);
  if (type === 'hash') return { ...(await redis.hGetAll(key)) };
  if (type === 'set') return (await redis.sMembers(key)).sort();
  if (type === 'zset') return redis.zRangeWithScores(key, 0, -1);
  return redis.get(key);
}

/** Sets a test file up. */
export function siblings(): Siblings {
  const open: Closable[] = [];
  let server: Server;
  let redis: RawClient;
  let proxy: BurstProxy;
  let prefixes = 0;

  beforeAll(async () => {
    server = await Server.start();
    redis = await server.client();
    proxy = await BurstProxy.start(server.port);
  });

  afterAll(async () => {
    // The original rejects a second stop on a connection of its own.
    await Promise.allSettled(open.map((service) => service.close?.() ?? service.stop?.()));
    redis.destroy();
    await proxy.close();
    await server.stop();
  });

  return {
    get server() {
      return server;
    },
    get redis() {
      return redis;
    },
    get url() {
      return server.url;
    },
    get proxy() {
      return proxy;
    },
    prefix: () => `p${++prefixes}`,
    keep(service) {
      open.push(service);
      return service;
    },
    async dump(prefix) {
      const found: Record<string, unknown> = {};
      for (const key of (await redis.keys(`${prefix}:*`)).sort()) {
        const ttl = await redis.pTTL(key);
        const lives = ttl < 0 ? '' : ` (${10 * Math.ceil(ttl / 10_000)} s)`;
        found[key.slice(prefix.length + 1) + lives] = await valueOf(redis, key);
      }
      return found;
    },
  };
}

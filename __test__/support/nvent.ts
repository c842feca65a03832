import { RedisStoreAdapter, type RedisStoreAdapterOptions, type StoreAdapter } from 'ferrodis/nvent/native';
import type { StartRedisOptions } from 'ferrodis/testing';
import { afterAll, beforeAll, vi } from 'vitest';

import { type RawClient, Server } from './server.js';

/** What a test file works with: one server, one raw client, one store in database 0. */
export interface Nvent {
  readonly server: Server;
  /** Raw commands in database 0. */
  readonly redis: RawClient;
  /** The store shared by the tests of the file. */
  readonly store: RedisStoreAdapter;
  /** Another store on the same server, closed with the file. */
  open(options?: RedisStoreAdapterOptions): RedisStoreAdapter;
  /** The hash beside an index. */
  meta(key: string, id: string): Promise<Record<string, string>>;
}

/** Registers the server, the raw client and the store of a test file. */
export function nvent(options: StartRedisOptions = {}): Nvent {
  let server: Server;
  let redis: RawClient;
  let store: RedisStoreAdapter;
  const opened: RedisStoreAdapter[] = [];

  const open = (storeOptions: RedisStoreAdapterOptions = {}): RedisStoreAdapter => {
    const connection = { host: '127.0.0.1', port: server.port, ...storeOptions.connection };
    const other = new RedisStoreAdapter({ ...storeOptions, connection });
    opened.push(other);
    return other;
  };

  beforeAll(async () => {
    server = await Server.start(options);
    redis = await server.client();
    store = open();
  });

  afterAll(async () => {
    await Promise.all(opened.map((each) => each.close()));
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
    meta: async (key, id) => ({ ...(await redis.hGetAll(`${key}:meta:${id}`)) }),
  };
}

/** The class of the published original, as the fixture loads it. It prints to the console, which is silenced. */
export async function loadOriginal(): Promise<new (options: RedisStoreAdapterOptions) => StoreAdapter> {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  const path = '../fixtures/nvent-original/original.mjs';
  const original: { RedisStoreAdapter: new (options: RedisStoreAdapterOptions) => StoreAdapter } = await import(path);
  return original.RedisStoreAdapter;
}

/** Every kind of client that a user may bring to an adapter, on one server. */
import { createRequire } from 'node:module';

import { DRIVEN } from 'ferrodis';
import { Redis as Redis5 } from 'ioredis5';
import { Redis as Redis6 } from 'ioredis6';
import { createClient as createClient5 } from 'redis5';
import { createClient as createClient6 } from 'redis6';

import { type Ground, until } from './ground.js';

/** From its own fixture, since nothing else here needs it. */
const Mock = createRequire(new URL('../fixtures/clients/', import.meta.url))('ioredis-mock') as typeof Redis5;

/** A client, whatever it is in truth, and its end. */
export interface Opened {
  client: Redis5;
  end(): unknown;
}

type Open = (on: Ground) => Promise<Opened>;

function ioredis(Redis: typeof Redis5, driven = false): Open {
  return async (on) => {
    const client = new Redis(on.server.url);
    client.on('error', () => undefined);
    if (driven) Object.assign(client, { [DRIVEN]: true });
    await client.ping();
    return { client, end: () => client.quit() };
  };
}

function nodeRedis(createClient: typeof createClient5): Open {
  return async (on) => {
    const client = createClient({ url: on.server.url });
    await client.connect();
    return { client: client as unknown as Redis5, end: () => client.close() };
  };
}

/** Those for which native code stands in. */
export const CARRIED: Array<[string, Open]> = [
  ['ioredis 5', ioredis(Redis5)],
  ['ioredis 6', ioredis(Redis6 as unknown as typeof Redis5)],
  ['node-redis 5', nodeRedis(createClient5)],
  ['node-redis 6', nodeRedis(createClient6 as unknown as typeof createClient5)],
];

/** Those that reach the server. */
export const CLIENTS: Array<[string, Open]> = [
  ...CARRIED,
  ['ioredis 5, driven', ioredis(Redis5, true)],
  ['ioredis 6, driven', ioredis(Redis6 as unknown as typeof Redis5, true)],
];

/** A double that keeps its data in memory, though it says where a server would be. */
export function mock(on: Ground): Redis5 {
  return new Mock({ host: '127.0.0.1', port: on.server.port });
}

/** How many connections the server has, beside the one that asks. */
export async function connections(on: Ground): Promise<number> {
  return (
    String(await on.redis.client('LIST'))
      .trim()
      .split('\n').length - 1
  );
}

/** How many connections the server has ever accepted: those of other tests may be closing yet. */
export async function accepted(on: Ground): Promise<number> {
  return Number(/total_connections_received:(\d+)/.exec(await on.redis.info('stats'))?.[1]);
}

/** Waits until all are gone but the one that asks. */
export async function alone(on: Ground): Promise<void> {
  await until(async () => (await connections(on)) === 0);
}

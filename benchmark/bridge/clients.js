/**
 * Every client behind the same two methods: `get(key)` and `set(key, value)`.
 * Each is configured as its documentation shows; where a setting makes it faster, the faster form stands beside it.
 */

const HOST = '127.0.0.1';

function ioredis(module, options) {
  return async (port) => {
    const { Redis } = await import(module);
    const client = new Redis({ host: HOST, port, ...options });
    await client.ping();
    return client;
  };
}

function nodeRedis(module, options) {
  return async (port) => {
    const { createClient } = await import(module);
    const client = createClient({ socket: { host: HOST, port }, ...options });
    client.on('error', (error) => console.error(error));
    await client.connect();
    return client;
  };
}

async function glide(port) {
  const { GlideClient } = await import('@valkey/valkey-glide');
  return GlideClient.createClient({
    addresses: [{ host: HOST, port }],
    requestTimeout: 5000,
    inflightRequestsLimit: 5000,
  });
}

async function bun(port) {
  const client = new Bun.RedisClient(`redis://${HOST}:${port}`);
  await client.connect();
  return client;
}

function ferrodis(lane) {
  return async (port) => {
    const { Connection, operations } = await import('../../dist/client.js');
    const connection = Connection.open({ host: HOST, port, lane });
    await connection.ready();
    const { command } = operations('redis');
    const decode = (reply) => reply.value();
    return {
      get: (key) => connection.call(command, decode, 'GET', key),
      set: (key, value) => connection.call(command, decode, 'SET', key, value),
    };
  };
}

/**
 * Contestants by id. `ours` marks those that are compared with the best of the others.
 *
 * @type {Record<string, { label: string, ours?: boolean, open: (port: number) => Promise<{ get: Function, set: Function }> }>}
 */
export const CLIENTS = {
  ioredis5: { label: 'ioredis 5', open: ioredis('ioredis5', {}) },
  'ioredis5-auto': { label: 'ioredis 5, autopipelining', open: ioredis('ioredis5', { enableAutoPipelining: true }) },
  ioredis6: { label: 'ioredis 6', open: ioredis('ioredis6', {}) },
  'ioredis6-auto': { label: 'ioredis 6, autopipelining', open: ioredis('ioredis6', { enableAutoPipelining: true }) },
  redis5: { label: 'node-redis 5', open: nodeRedis('redis5', {}) },
  redis6: { label: 'node-redis 6', open: nodeRedis('redis6', {}) },
  'redis6-untimed': {
    label: 'node-redis 6, no time-out',
    open: nodeRedis('redis6', { commandOptions: { timeout: 0 } }),
  },
  glide: { label: 'valkey-glide 2', open: glide },
  bun: { label: 'Bun.RedisClient', open: bun },
  'ferrodis-loop': { label: 'ferrodis, loop lane', ours: true, open: ferrodis('loop') },
  'ferrodis-runtime': { label: 'ferrodis, runtime lane', ours: true, open: ferrodis('runtime') },
};

/** Which clients are compared on which runtime. */
export const FIELD = {
  node: Object.keys(CLIENTS).filter((id) => id !== 'bun'),
  bun: ['ioredis5', 'ioredis6', 'redis5', 'redis6', 'redis6-untimed', 'bun', 'ferrodis-runtime'],
  deno: ['ioredis5', 'ioredis6', 'redis5', 'redis6', 'redis6-untimed', 'ferrodis-runtime'],
};

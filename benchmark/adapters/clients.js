/**
 * The contestants: ferrodis on an ioredis client that it is given, and the originals' commands on the clients that
 * their users have. Each is a function that opens it: `send(command, ...args)` for a rival, adapters for ferrodis.
 */

const HOST = '127.0.0.1';

function ioredis(module, options) {
  return async (port) => {
    const { Redis } = await import(module);
    const client = new Redis({ host: HOST, port, ...options });
    await client.ping();
    const subscribe = async (channel, listener) => {
      const subscriber = client.duplicate();
      subscriber.on('message', (_channel, message) => listener(message));
      await subscriber.subscribe(channel);
    };
    return { client, send: (command, ...args) => client[command](...args), subscribe };
  };
}

async function nodeRedis(port) {
  const { createClient } = await import('redis6');
  const client = createClient({ socket: { host: HOST, port } });
  client.on('error', (error) => console.error(error));
  await client.connect();
  const subscribe = async (channel, listener) => {
    const subscriber = await client.duplicate().connect();
    await subscriber.subscribe(channel, listener);
  };
  return { client, send: (command, ...args) => client.sendCommand([command, ...args.map(String)]), subscribe };
}

/** By id. `ours` is compared with the best of the others. */
export const CLIENTS = {
  ferrodis: { label: 'ferrodis', ours: true, open: ioredis('ioredis5', {}) },
  ioredis5: { label: 'ioredis 5', open: ioredis('ioredis5', {}) },
  'ioredis5-auto': { label: 'ioredis 5, autopipelining', open: ioredis('ioredis5', { enableAutoPipelining: true }) },
  ioredis6: { label: 'ioredis 6', open: ioredis('ioredis6', {}) },
  'ioredis6-auto': { label: 'ioredis 6, autopipelining', open: ioredis('ioredis6', { enableAutoPipelining: true }) },
  redis6: { label: 'node-redis 6', open: nodeRedis },
};

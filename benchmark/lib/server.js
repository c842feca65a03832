/**
 * A server of our own for the time of a benchmark: on a free port of loopback, pinned as asked, nothing persisted.
 */

import { createClient } from 'redis6';

import { startRedis } from '../../dist/testing.js';
import { pin } from './cpu.js';

/** One client for preparing and checking, outside the measured time. */
async function connect(port) {
  const client = createClient({ socket: { host: '127.0.0.1', port }, commandOptions: { timeout: 0 } });
  client.on('error', (error) => console.error(error));
  await client.connect();
  return client;
}

/**
 * Starts a server.
 *
 * @param {string | undefined} cores where it runs
 * @returns {Promise<{ port: number, pid: number, version: string, admin: import('redis6').RedisClientType, stop: () => Promise<void> }>}
 */
export async function startServer(cores) {
  // Any option makes this a server of our own, whatever REDIS_URL says.
  const server = await startRedis({ config: { appendonly: 'no' } });
  pin(server.pid, cores);
  const admin = await connect(server.port);
  return {
    port: server.port,
    pid: server.pid,
    version: `${server.kind} ${server.version}`,
    admin,
    async stop() {
      admin.destroy();
      await server.stop();
    },
  };
}

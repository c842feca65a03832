/** A server with clients of ioredis, for one test file. */
import { Redis, type RedisOptions } from 'ioredis5';
import { afterAll, beforeAll } from 'vitest';

import { Server } from './server.js';

/** A server with clients that are closed after the file. */
export class Ground {
  server!: Server;
  /** Reads and writes as anybody might. */
  redis!: Redis;
  private readonly clients: Redis[] = [];
  private names = 0;

  /** A connected client. */
  async client(options: RedisOptions = {}): Promise<Redis> {
    const client = new Redis({ port: this.server.port, host: '127.0.0.1', ...options });
    client.on('error', () => undefined);
    this.clients.push(client);
    if (options.lazyConnect !== true) await client.ping();
    return client;
  }

  /** A prefix that nobody else uses. */
  prefix(): string {
    return `t${++this.names}:`;
  }

  async start(): Promise<void> {
    this.server = await Server.start();
    this.redis = await this.client();
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.disconnect();
    await this.server.stop();
  }
}

/** Starts a server before the tests of a file and stops it after them. */
export function ground(): Ground {
  const on = new Ground();
  beforeAll(() => on.start());
  afterAll(() => on.stop());
  return on;
}

/** Waits until `condition` holds. */
export async function until(condition: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('it did not come true in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

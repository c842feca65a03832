/** The fixture project that uses ayepi, a server, and clients of it, for one test file. */
import { createRequire } from 'node:module';

import type * as Adapter from 'ferrodis/ayepi';
import { Redis, type RedisOptions } from 'ioredis5';
import { afterAll, beforeAll } from 'vitest';

import { Server } from './server.js';

/** What the stand-in of `@ayepi/core` exports. */
export interface Core {
  retry(attempt: () => Promise<unknown>, options?: object): Promise<unknown>;
  RetryAbort: new (cause?: unknown) => Error;
  setDefaultRetryOptions(options: object): void;
}

type Ayepi = typeof Adapter & { core: Core };

const FIXTURE = new URL('../fixtures/ayepi/', import.meta.url);

/** The adapter and its host as a module of the project sees them. */
export const ayepi = (await import(new URL('modules.mjs', FIXTURE).href)) as Ayepi;

/** The same as `require` sees them. */
export const required = createRequire(FIXTURE)('./require.cjs') as Ayepi;

/** No pauses between attempts. */
export const AT_ONCE = { sleep: async (): Promise<void> => undefined };

/** One attempt and no more. */
export const ONCE = { retry: { attempts: 1 } };

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
export async function until(condition: () => boolean | Promise<boolean>, ms = 5000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('it did not come true in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

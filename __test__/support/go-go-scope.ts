import { Redis } from 'ioredis5';
import { afterAll, beforeAll, beforeEach } from 'vitest';

import { Server } from './server.js';

/** The server of a test file, emptied before each test, and the ioredis client of its user. */
export interface GoGoScope {
  readonly server: Server;
  readonly redis: Redis;
}

export function goGoScope(): GoGoScope {
  let server: Server;
  let redis: Redis;
  beforeAll(async () => {
    server = await Server.start();
    redis = new Redis(server.url);
  });
  beforeEach(async () => {
    await redis.flushall();
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });
  return {
    get server() {
      return server;
    },
    get redis() {
      return redis;
    },
  };
}

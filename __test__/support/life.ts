import type { Redis } from 'ioredis5';
import { expect } from 'vitest';

/** Checks that what `write` writes under `key` lives for `ms`, to the millisecond, however long the look at it takes. */
export async function expectLife(redis: Redis, key: string, ms: number, write: () => Promise<unknown>): Promise<void> {
  const began = Date.now();
  await write();
  const left = Math.max(await redis.pttl(key), 0);
  expect(left).toBeLessThanOrEqual(ms);
  expect(left).toBeGreaterThanOrEqual(ms - (Date.now() - began));
}

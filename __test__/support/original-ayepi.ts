/** The commands of `@ayepi/redis` 0.4.0 where they are a sequence, sent through ioredis, as its documentation of what goes over the wire has them. */
import type { Redis } from 'ioredis5';

/** INCRBY, then PEXPIRE. */
export async function increment(redis: Redis, key: string, by: number, ttl: number): Promise<number> {
  const sum = await redis.incrby(key, by);
  await redis.pexpire(key, ttl);
  return sum;
}

async function scan(redis: Redis, pattern: string): Promise<string[]> {
  const found: string[] = [];
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', 256);
    found.push(...keys);
    cursor = next;
  } while (cursor !== '0');
  return found;
}

/** SCAN to the end, then one DEL. `between` runs before the DEL. */
export async function clear(redis: Redis, prefix: string, between?: () => Promise<unknown>): Promise<void> {
  const keys = await scan(redis, `${prefix}*`);
  await between?.();
  if (keys.length > 0) await redis.del(...keys);
}

/** SCAN to the end, a GET for each key, then one DEL. */
export async function invalidate(
  redis: Redis,
  prefix: string,
  pred: (entry: { key: string }) => boolean,
  between?: () => Promise<unknown>,
): Promise<number> {
  const doomed: string[] = [];
  for (const key of await scan(redis, `${prefix}*`)) {
    const text = await redis.get(key);
    if (text && pred(JSON.parse(text))) doomed.push(key);
  }
  await between?.();
  if (doomed.length > 0) await redis.del(...doomed);
  return doomed.length;
}

/** The sequences of `@go-go-scope/persistence-redis` 2.9.1, sent through ioredis. `between` runs where another client may come in. */
import type { Redis } from 'ioredis5';

type Between = () => Promise<unknown>;
const nothing: Between = async () => undefined;

/** GET, then DEL if the owner is still the same. */
export async function release(redis: Redis, lock: string, owner: string, between: Between = nothing): Promise<void> {
  const holder = await redis.get(lock);
  await between();
  if (holder === owner) await redis.del(lock);
}

/** GET, then PEXPIRE if the owner is still the same. */
export async function extend(
  redis: Redis,
  lock: string,
  owner: string,
  ttl: number,
  between: Between = nothing,
): Promise<boolean> {
  const holder = await redis.get(lock);
  await between();
  if (holder !== owner) return false;
  await redis.pexpire(lock, ttl);
  return true;
}

/** GET, then SETEX. */
export async function recordFailure(
  redis: Redis,
  key: string,
  most: number,
  between: Between = nothing,
): Promise<number> {
  const text = await redis.get(key);
  await between();
  const previous = text ? JSON.parse(text) : undefined;
  const failureCount = (previous?.failureCount ?? 0) + 1;
  const state = failureCount >= most ? 'open' : (previous?.state ?? 'closed');
  await redis.setex(key, 3600, JSON.stringify({ state, failureCount, lastFailureTime: Date.now() }));
  return failureCount;
}

/** SET, then ZADD. */
export async function saveCheckpoint(redis: Redis, prefix: string, checkpoint: Named, between: Between = nothing) {
  const index = `${prefix}checkpoint:${checkpoint.taskId}`;
  const data = `${index}:${checkpoint.sequence}`;
  await redis.set(data, JSON.stringify(checkpoint));
  await between();
  await redis.zadd(index, checkpoint.sequence, data);
}

/** ZRANGE, then DEL of what it named, then DEL of the index. */
export async function deleteAllCheckpoints(redis: Redis, index: string, between: Between = nothing): Promise<void> {
  const members = await redis.zrange(index, 0, -1);
  await between();
  if (members.length > 0) await redis.del(...members);
  await redis.del(index);
}

/** GET, then PTTL. */
export async function getIdempotent(redis: Redis, key: string, between: Between = nothing) {
  const text = await redis.get(key);
  await between();
  const ttl = await redis.pttl(key);
  return text ? { value: JSON.parse(text), expiresAt: ttl > 0 ? Date.now() + ttl : undefined } : null;
}

/** KEYS, then one DEL. */
export async function clear(redis: Redis, prefix: string): Promise<void> {
  const keys = await redis.keys(`${prefix}*`);
  if (keys.length > 0) await redis.del(...keys);
}

interface Named {
  readonly taskId: string;
  readonly sequence: number;
}

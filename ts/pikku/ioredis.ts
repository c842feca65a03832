/** The calls by which the original's classes drive an ioredis client: what a client that we drive must answer. */

/** Commands that are sent together. Errors stay inside the results. */
export interface Pipeline {
  del(...keys: string[]): unknown;
  expire(key: string, seconds: number): unknown;
  hset(key: string, fields: Record<string, string>): unknown;
  sadd(key: string, member: string): unknown;
  srem(key: string, member: string): unknown;
  zadd(key: string, score: number, member: string): unknown;
  zrem(key: string, member: string): unknown;
  zrangebyscore(key: string, min: number | string, max: number | string): unknown;
  zremrangebyscore(key: string, min: number | string, max: number | string): unknown;
  exec(): Promise<Array<[error: Error | null, result: unknown]> | null>;
}

/** The part of ioredis that is used. */
export interface IoredisCommands {
  readonly options?: { readonly keyPrefix?: string };
  readonly isCluster?: boolean;
  ping(): Promise<unknown>;
  del(...keys: string[]): Promise<number>;
  exists(key: string): Promise<number>;
  get(key: string): Promise<string | null>;
  set(key: string, value: string, ...expiry: Array<string | number>): Promise<unknown>;
  hdel(key: string, field: string): Promise<number>;
  hget(key: string, field: string): Promise<string | null>;
  hgetall(key: string): Promise<Record<string, string>>;
  hmset(key: string, ...fieldsAndValues: string[]): Promise<unknown>;
  hset(key: string, field: string, value: string): Promise<number>;
  hset(key: string, fields: Record<string, string>): Promise<number>;
  hsetnx(key: string, field: string, value: string): Promise<number>;
  scan(cursor: string, match: 'MATCH', pattern: string, count: 'COUNT', n: number): Promise<[string, string[]]>;
  smembers(key: string): Promise<string[]>;
  srem(key: string, member: string): Promise<number>;
  zrange(key: string, start: number, stop: number): Promise<string[]>;
  zrangebyscore(key: string, min: number | string, max: number | string): Promise<string[]>;
  zrem(key: string, ...members: string[]): Promise<number>;
  zremrangebyscore(key: string, min: number | string, max: number | string): Promise<number>;
  zrevrange(key: string, start: number, stop: number): Promise<string[]>;
  zscore(key: string, member: string): Promise<string | null>;
  pipeline(): Pipeline;
}

/**
 * Sends commands together.
 *
 * @returns their results
 * @throws Error (rejects) the first that failed
 */
export async function together(client: IoredisCommands, fill: (pipeline: Pipeline) => void): Promise<unknown[]> {
  if (client.isCluster === true) return oneByOne(client, fill);
  const pipeline = client.pipeline();
  fill(pipeline);
  const results = (await pipeline.exec()) ?? [];
  for (const [error] of results) if (error) throw error;
  return results.map(([, result]) => result);
}

/** The same in a Cluster, which sends nothing together whose keys lie on several nodes. */
async function oneByOne(client: IoredisCommands, fill: (pipeline: Pipeline) => void): Promise<unknown[]> {
  const calls: Array<[name: string, args: unknown[]]> = [];
  const record =
    (_: object, name: string) =>
    (...args: unknown[]) =>
      void calls.push([name, args]);
  fill(new Proxy({}, { get: record }) as Pipeline);
  const commands = client as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  const settled = await Promise.allSettled(calls.map(([name, args]) => commands[name]?.(...args)));
  return settled.map((each) => {
    if (each.status === 'rejected') throw each.reason;
    return each.value;
  });
}

/**
 * The ids of all keys that begin with `stem`, each once. Unlike the original's, the walk takes the stem literally, and
 * knows that ioredis puts its `keyPrefix` before key arguments but not before patterns.
 */
export async function scanIds(client: IoredisCommands, stem: string): Promise<string[]> {
  const whole = (client.options?.keyPrefix ?? '') + stem;
  const pattern = `${whole.replaceAll(/[*?[\]^\\]/g, '\\$&')}*`;
  const ids = new Set<string>();
  let cursor = '0';
  do {
    const [next, keys] = await client.scan(cursor, 'MATCH', pattern, 'COUNT', 100);
    cursor = next;
    for (const key of keys) if (key.startsWith(whole)) ids.add(key.slice(whole.length));
  } while (cursor !== '0');
  return [...ids];
}

/** Deletes keys: together, or one by one where they lie in different slots. */
export async function deleteKeys(client: IoredisCommands, keys: readonly string[]): Promise<void> {
  if (client.isCluster !== true) {
    await client.del(...keys);
    return;
  }
  for (const key of keys) await client.del(key);
}

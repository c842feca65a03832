import type { RawClient } from './server.js';

/** The value of one key, in a form that compares well: sets sorted, sorted sets as [member, score]. */
export type Dumped = string | string[] | Array<[string, number]> | Record<string, string>;

async function value(redis: RawClient, key: string): Promise<Dumped> {
  const type = await redis.type(key);
  switch (type) {
    case 'string':
      return (await redis.get(key)) ?? '';
    case 'list':
      return redis.lRange(key, 0, -1);
    case 'set':
      return (await redis.sMembers(key)).sort();
    case 'zset': {
      const members = await redis.zRangeWithScores(key, 0, -1);
      return members.map(({ value: member, score }): [string, number] => [member, score]);
    }
    case 'hash':
      return { ...(await redis.hGetAll(key)) };
    default:
      throw new Error(`${key} is gone or of type ${type}`);
  }
}

/**
 * Everything a queue has in Redis, by the part of the key after its tag.
 * Side keys (`:x:…`), which only ferrodis uses, are left out.
 */
export async function dump(redis: RawClient, tag: string): Promise<Record<string, Dumped>> {
  const own = (await redis.keys('*')).filter((key) => key.startsWith(`${tag}:`)).sort();
  const found: Record<string, Dumped> = {};
  for (const key of own) {
    const name = key.slice(tag.length + 1);
    if (!name.startsWith('x:')) found[name] = await value(redis, key);
  }
  return found;
}

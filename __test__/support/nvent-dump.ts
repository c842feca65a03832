import type { RawClient } from './server.js';

/** The instants that a run writes are its own: they stand as `now` in what is compared. */
const NOW = /^\d{13}(-\d+)?$/;

/** Everything in a database, key by key, in a form that compares well. A lifetime is told from none, no more. */
export async function dumpAll(redis: RawClient): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const key of (await redis.keys('*')).sort()) {
    const value = await valueOf(redis, key);
    found[key] = (await redis.ttl(key)) > 0 ? { expires: true, value } : value;
  }
  return found;
}

async function valueOf(redis: RawClient, key: string): Promise<unknown> {
  switch (await redis.type(key)) {
    case 'string':
      return redis.get(key);
    case 'hash':
      return { ...(await redis.hGetAll(key)) };
    case 'zset':
      return redis.sendCommand(['ZRANGE', key, '0', '-1', 'WITHSCORES']);
    case 'stream': {
      const entries = (await redis.sendCommand(['XRANGE', key, '-', '+'])) as Array<[string, string[]]>;
      return entries.map(([id, fields]) => [timeless(id), fields.map(timeless)]);
    }
    default:
      throw new Error(`${key} is of a type that no store writes`);
  }
}

function timeless(text: string): string {
  return NOW.test(text) ? 'now' : text;
}

/** A result with `now` for the instants and generated ids of events. */
export function timelessResult(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(timelessResult);
  // The original's parser adds digit to digit: beyond 2^53 its sums end a little beside the nearest number.
  if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER) return Number(value.toPrecision(14));
  if (typeof value !== 'object' || value === null || !('ts' in value) || !('id' in value)) return value;
  return { ...value, id: timeless(String(value.id)), ts: NOW.test(String(value.ts)) ? 'now' : value.ts };
}

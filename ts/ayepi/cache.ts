/** `redisCache`: where the cache middleware of `@ayepi/cache` keeps responses. */
import type { Attempt } from './attempts.js';
import type { Commands } from './commands.js';
import type { CacheEntry, CacheStore, EntryMeta } from './types.js';

/** The cache over its commands. Its methods need no `this`. */
export function createCache(commands: Commands, attempt: Attempt, now: () => number): CacheStore {
  return {
    get: (key) => attempt(() => commands.get(key, parse)),
    set: (key, entry) => attempt(() => commands.set(key, JSON.stringify(entry), Math.max(1, entry.staleUntil - now()))),
    delete: (key) => attempt(() => commands.del(key, isAny)),
    clear: () => attempt(() => commands.clear()),
    invalidate: (pred) => attempt(() => commands.invalidate((entry) => pred(metaOf(entry)))),
  };
}

function parse(text: string | null | undefined): CacheEntry | undefined {
  return text ? (JSON.parse(text) as CacheEntry) : undefined;
}

const isAny = (removed: number): boolean => removed > 0;

/** What a predicate may see. The content stays out of it. */
function metaOf(entry: CacheEntry): EntryMeta {
  const { key, method, path, storedAt, expires, staleUntil, bytes } = entry;
  return { key, method, path, storedAt, expires, staleUntil, bytes };
}

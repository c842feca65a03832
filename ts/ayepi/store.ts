/** `redisStore`: the key-value port of `@ayepi/work`. */
import type { Attempt } from './attempts.js';
import type { Commands } from './commands.js';
import type { Store } from './types.js';

/** The store over its commands. Its methods need no `this`. */
export function createStore(commands: Commands, attempt: Attempt): Store {
  return {
    get: (key) => attempt(() => commands.get(key, valueOf)),
    set: (key, value, ttl) => attempt(() => commands.set(key, value, ttl)),
    delete: (key) => attempt(() => commands.del(key, nothing)),
    setIfNotExists: (key, value, ttl) => attempt(commands.setIfNotExists(key, value, ttl)),
    increment: (key, by, ttl) => attempt(commands.increment(key, by, ttl)),
  };
}

const valueOf = (text: string | null | undefined): string | undefined => text ?? undefined;
const nothing = (): void => undefined;

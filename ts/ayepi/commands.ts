/** What store and cache ask of Redis, whoever carries it out. Keys lack the prefix; TTLs are as the caller gave them. */
import { bring } from '../brought/index.js';
import { DrivenCommands } from './driven.js';
import { NativeCommands } from './native.js';
import type { CacheEntry, RedisCommandClient } from './types.js';

/** One attempt at a call, to be made again where it fails. */
export type Work<R> = () => Promise<R>;

/** One method a command, or a sequence that belongs together. */
export interface Commands {
  /** What `as` makes of the value: null or undefined when there is no such key. */
  get<T>(key: string, as: (text: string | null | undefined) => T): Promise<T>;
  /** `ttl` undefined takes an earlier one away. */
  set(key: string, value: unknown, ttl: unknown): Promise<void>;
  /** What `as` makes of how many keys were removed. */
  del<T>(key: string, as: (removed: number) => T): Promise<T>;
  /** Whether this call has set it, in whichever attempt. */
  setIfNotExists(key: string, value: unknown, ttl: unknown): Work<boolean>;
  /** The sum, of one addition however many attempts. `ttl` undefined leaves the expiry as it is. */
  increment(key: string, by: unknown, ttl: unknown): Work<number>;
  /** Removes everything under the prefix. */
  clear(): Promise<void>;
  /** Removes the entries that `isDoomed` picks; how many it picked. Nothing is removed when it throws. */
  invalidate(isDoomed: (entry: CacheEntry) => unknown): Promise<number>;
}

/** The commands of a client under a prefix, and whether they are the client's own. */
export function commandsOf(
  user: string,
  client: RedisCommandClient,
  prefix: string,
): { commands: Commands; driven: boolean } {
  const brought = bring(user, client);
  const driven = new DrivenCommands(client, prefix);
  if (brought.driven) return { commands: driven, driven: true };
  return { commands: new NativeCommands(brought, prefix, driven), driven: false };
}

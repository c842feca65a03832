/** What the adapters ask of Redis, whoever carries it out. Keys are whole; lives of entries are seconds. */
import { bring } from '../brought/index.js';
import { DrivenCommands } from './driven.js';
import { NativeCommands } from './native.js';
import type { Renewal } from '../renewal.js';
import type { DrivenClient, RedisClient } from './types.js';

/** One method a command, or a sequence that belongs together. */
export interface Commands {
  get(key: string): Promise<string | null>;
  /** The value, and the ms it has left; negative for ever. */
  getWithTtl(key: string): Promise<{ value: string; ttl: number } | null>;
  /** `seconds` undefined takes an earlier life away. */
  set(key: string, value: string, seconds: number | undefined): Promise<void>;
  delete(key: string): Promise<void>;
  has(key: string): Promise<boolean>;
  /** Removes everything under a prefix. */
  clear(prefix: string): Promise<void>;
  /** What follows the prefix in the keys that match; `pattern` is a glob, the prefix is not. */
  keys(prefix: string, pattern: string | undefined): Promise<string[]>;

  /** Null when the lock is held. Its key is `prefix` and `key`. */
  acquire(prefix: string, key: string, owner: string, ttl: unknown, terms: LockTerms): Promise<Taken | null>;
  release(lock: string, owner: unknown): Promise<void>;
  extend(lock: string, owner: unknown, ttl: unknown): Promise<boolean>;
  /** Keeps extending a lock until that is stopped; `onLost` when it is no longer the owner's. */
  renew(lock: string, owner: string, ttl: number, onLost: () => void): Promise<Renewal>;

  setState(circuit: string, json: string, channel: string | undefined): Promise<void>;
  /** The new count; undefined when only JavaScript can tell what the stored state comes to. */
  recordFailure(circuit: string, max: number, now: number, channel: string | undefined): Promise<number | undefined>;
  /** False when the state is no longer `before`. */
  replaceState(circuit: string, before: string, json: string, channel: string | undefined): Promise<boolean>;

  /** `index` is the key of the task's index, and begins those of its checkpoints. */
  saveCheckpoint(index: string, sequence: unknown, json: string): Promise<void>;
  loadLatest(index: string): Promise<string | null>;
  /** In the order of the index; null where one is gone. */
  listCheckpoints(index: string): Promise<Array<string | null>>;
  /** Deletes all but the newest. */
  cleanupCheckpoints(index: string, keep: number): Promise<void>;
  deleteCheckpoints(index: string): Promise<void>;
}

/** How a lock is to be taken. */
export interface LockTerms {
  /** The owner is unique to this call, so a call that was sent again knows its own lock. */
  readonly unique: boolean;
  /** What stands before the same key in the counter of fencing tokens, if a token is wanted. */
  readonly fencePrefix: string | undefined;
}

/** A lock that was taken. */
export interface Taken {
  readonly fence?: number;
}

/** The commands of a client. */
export function commandsOf(user: string, client: RedisClient): Commands {
  const brought = bring(user, client);
  const driven = new DrivenCommands(client as DrivenClient);
  return brought.driven ? driven : new NativeCommands(brought, driven);
}

/** The adapters on the native connection that stands in for the user's client. */
import type { Brought } from '../brought/index.js';
import { operations, type Reply } from '../client.js';
import { type Renewal, renew } from '../renewal.js';
import { argument } from '../text.js';
import type { Commands, LockTerms, Taken } from './commands.js';
import type { DrivenCommands } from './driven.js';

const OPERATIONS = operations('go-go-scope') as Record<
  | 'get'
  | 'getWithTtl'
  | 'set'
  | 'delete'
  | 'has'
  | 'clear'
  | 'keys'
  | 'acquire'
  | 'acquireOnce'
  | 'acquireFenced'
  | 'acquireFencedOnce'
  | 'release'
  | 'extend'
  | 'setState'
  | 'recordFailure'
  | 'replaceState'
  | 'saveCheckpoint'
  | 'loadLatest'
  | 'listCheckpoints'
  | 'cleanupCheckpoints',
  number
>;

const readText = (reply: Reply): string | null => reply.lossyText();
const readNothing = (reply: Reply): void => reply.skip();
const readFlag = (reply: Reply): boolean => reply.int() === 1;
const readTaken = (reply: Reply): Taken | null => (reply.isNil() || (reply.isInt() && reply.int() === 0) ? null : {});
const readFence = (reply: Reply): Taken | null => {
  const fence = reply.int();
  return fence === 0 ? null : { fence };
};
const readCount = (reply: Reply): number | undefined => (reply.isNil() ? undefined : reply.int());
const readTexts = (reply: Reply): Array<string | null> => Array.from({ length: reply.list() }, () => reply.lossyText());
const readEntry = (reply: Reply): { value: string; ttl: number } | null =>
  reply.list() < 0 ? null : { value: reply.lossyText() as string, ttl: reply.int() };

/** See the file's text. What the server refuses to this user is done as the original does it, by the client itself. */
export class NativeCommands implements Commands {
  private readonly brought: Brought;
  private readonly client: string;
  private readonly driven: DrivenCommands;
  /** Whether this user may run scripts, as renewal does: known from the first renewal on. */
  private runsScripts: boolean | undefined;

  constructor(brought: Brought, driven: DrivenCommands) {
    this.brought = brought;
    this.client = brought.keyPrefix;
    this.driven = driven;
  }

  get(key: string): Promise<string | null> {
    return this.brought.either(
      'get',
      () => this.brought.call(OPERATIONS.get, readText, this.client, key),
      () => this.driven.get(key),
    );
  }

  getWithTtl(key: string): Promise<{ value: string; ttl: number } | null> {
    return this.brought.either(
      'getWithTtl',
      () => this.brought.call(OPERATIONS.getWithTtl, readEntry, this.client, key),
      () => this.driven.getWithTtl(key),
    );
  }

  set(key: string, value: string, seconds: number | undefined): Promise<void> {
    const life = seconds === undefined ? undefined : String(seconds);
    return this.brought.either(
      'set',
      () => this.brought.call(OPERATIONS.set, readNothing, this.client, key, value, life),
      () => this.driven.set(key, value, seconds),
    );
  }

  delete(key: string): Promise<void> {
    return this.brought.either(
      'delete',
      () => this.brought.call(OPERATIONS.delete, readNothing, this.client, key),
      () => this.driven.delete(key),
    );
  }

  has(key: string): Promise<boolean> {
    return this.brought.either(
      'has',
      () => this.brought.call(OPERATIONS.has, readFlag, this.client, key),
      () => this.driven.has(key),
    );
  }

  clear(prefix: string): Promise<void> {
    return this.brought.either(
      'clear',
      () => this.brought.call(OPERATIONS.clear, readNothing, this.client + prefix),
      () => this.driven.clear(prefix),
    );
  }

  keys(prefix: string, pattern: string | undefined): Promise<string[]> {
    return this.brought.either(
      'keys',
      () => this.brought.call(OPERATIONS.keys, readTexts, this.client + prefix, pattern) as Promise<string[]>,
      () => this.driven.keys(prefix, pattern),
    );
  }

  acquire(prefix: string, key: string, owner: string, ttl: unknown, terms: LockTerms): Promise<Taken | null> {
    const { brought, client } = this;
    const { unique, fencePrefix } = terms;
    const life = argument(ttl);
    if (fencePrefix !== undefined) {
      const operation = unique ? OPERATIONS.acquireFencedOnce : OPERATIONS.acquireFenced;
      return brought.call(operation, readFence, client + prefix, key, owner, life, client + fencePrefix);
    }
    const operation = unique ? OPERATIONS.acquireOnce : OPERATIONS.acquire;
    return brought.either(
      unique ? 'acquireOnce' : 'acquire',
      () => brought.call(operation, readTaken, client + prefix, key, owner, life),
      () => this.driven.acquire(prefix, key, owner, ttl, terms),
    );
  }

  release(lock: string, owner: unknown): Promise<void> {
    return this.brought.either(
      'release',
      () => this.brought.call(OPERATIONS.release, readNothing, this.client, lock, argument(owner)),
      () => this.driven.release(lock, owner),
    );
  }

  extend(lock: string, owner: unknown, ttl: unknown): Promise<boolean> {
    return this.brought.either(
      'extend',
      () => this.brought.call(OPERATIONS.extend, readFlag, this.client, lock, argument(owner), argument(ttl)),
      () => this.driven.extend(lock, owner, ttl),
    );
  }

  async renew(lock: string, owner: string, ttl: number, onLost: () => void): Promise<Renewal> {
    this.runsScripts ??= await this.brought.either(
      'extend',
      async () => {
        await this.brought.call(OPERATIONS.extend, readFlag, this.client, lock, owner, String(ttl));
        return true;
      },
      async () => false,
    );
    if (!this.runsScripts) return this.driven.renew(lock, owner, ttl, onLost);
    return renew(this.brought, { key: this.client + lock, owner, ttlMs: ttl, onLost });
  }

  setState(circuit: string, json: string, channel: string | undefined): Promise<void> {
    return this.brought.either(
      'setState',
      () => this.brought.call(OPERATIONS.setState, readNothing, this.client, circuit, json, channel),
      () => this.driven.setState(circuit, json),
    );
  }

  recordFailure(circuit: string, max: number, now: number, channel: string | undefined): Promise<number | undefined> {
    // A limit that no count reaches is none; the server knows no negative infinity.
    const limit = Number.isNaN(max) || max === Infinity ? undefined : String(Math.max(max, 0));
    return this.brought.either(
      'recordFailure',
      () => this.brought.call(OPERATIONS.recordFailure, readCount, this.client, circuit, limit, String(now), channel),
      () => this.driven.recordFailure(),
    );
  }

  replaceState(circuit: string, before: string, json: string, channel: string | undefined): Promise<boolean> {
    return this.brought.either(
      'replaceState',
      () => this.brought.call(OPERATIONS.replaceState, readFlag, this.client, circuit, before, json, channel),
      () => this.driven.replaceState(circuit, before, json),
    );
  }

  saveCheckpoint(index: string, sequence: unknown, json: string): Promise<void> {
    return this.brought.either(
      'saveCheckpoint',
      () => this.brought.call(OPERATIONS.saveCheckpoint, readNothing, this.client, index, String(sequence), json),
      () => this.driven.saveCheckpoint(index, sequence, json),
    );
  }

  loadLatest(index: string): Promise<string | null> {
    return this.brought.either(
      'loadLatest',
      () => this.brought.call(OPERATIONS.loadLatest, readText, this.client, index),
      () => this.driven.loadLatest(index),
    );
  }

  listCheckpoints(index: string): Promise<Array<string | null>> {
    return this.brought.either(
      'listCheckpoints',
      () => this.brought.call(OPERATIONS.listCheckpoints, readTexts, this.client, index),
      () => this.driven.listCheckpoints(index),
    );
  }

  cleanupCheckpoints(index: string, keep: number): Promise<void> {
    return this.brought.either(
      'cleanupCheckpoints',
      () => this.brought.call(OPERATIONS.cleanupCheckpoints, readNothing, this.client, index, String(keep)),
      () => this.driven.cleanupCheckpoints(index, keep),
    );
  }

  deleteCheckpoints(index: string): Promise<void> {
    return this.brought.either(
      'deleteCheckpoints',
      () => this.brought.call(OPERATIONS.cleanupCheckpoints, readNothing, this.client, index, '0'),
      () => this.driven.deleteCheckpoints(index),
    );
  }
}

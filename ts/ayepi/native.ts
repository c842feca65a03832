/** Store and cache on the native connection that stands in for the user's client. */
import type { Brought } from '../brought/index.js';
import { isClusterClient } from '../brought/recognise.js';
import { type Arg, type Decode, operations, type Reply } from '../client.js';
import { Records } from './call-record.js';
import type { Commands, Work } from './commands.js';
import type { DrivenCommands } from './driven.js';
import { ExactlyOnce, INCREMENT, SET_IF_NOT_EXIST } from './exactly-once.js';
import { argument, name } from '../text.js';
import type { CacheEntry } from './types.js';

const OPERATIONS = operations('ayepi') as Record<
  'get' | 'set' | 'delete' | 'clear' | 'page' | 'deleteUnchanged',
  number
>;

/** Entries that one request removes at most. */
const REMOVED_AT_ONCE = 500;

const readNothing = (reply: Reply): void => reply.skip();

/** A key with the value that was judged, as SHA-1: if it is another by now, it is not removed. */
type Judged = Map<string, string>;

/** See the file's text. What the server refuses to this user is done as the original does it, by the client itself. */
export class NativeCommands implements Commands {
  private readonly brought: Brought;
  private readonly prefix: string;
  private readonly driven: DrivenCommands;
  private readonly once: ExactlyOnce;

  constructor(brought: Brought, prefix: string, driven: DrivenCommands) {
    this.brought = brought;
    this.prefix = brought.keyPrefix + prefix;
    this.driven = driven;
    this.once = new ExactlyOnce(brought, this.prefix, new Records(this.prefix, !isClusterClient(brought.client)));
  }

  get<T>(key: string, as: (text: string | null | undefined) => T): Promise<T> {
    const full = name(key);
    const read = (reply: Reply): T => as(reply.lossyText());
    return this.brought.either(
      'get',
      () => this.call(OPERATIONS.get, read, this.prefix, full),
      () => this.driven.get(key, as),
    );
  }

  set(key: string, value: unknown, ttl: unknown): Promise<void> {
    const [full, text] = [name(key), argument(value)];
    const life = ttl === undefined ? undefined : argument(ttl);
    return this.brought.either(
      'set',
      () => this.call(OPERATIONS.set, readNothing, this.prefix, full, text, life),
      () => this.driven.set(key, value as string, ttl as number | undefined),
    );
  }

  del<T>(key: string, as: (removed: number) => T): Promise<T> {
    const full = name(key);
    const read = (reply: Reply): T => as(reply.int());
    return this.brought.either(
      'del',
      () => this.call(OPERATIONS.delete, read, this.prefix, full),
      () => this.driven.del(key, as),
    );
  }

  setIfNotExists(key: string, value: unknown, ttl: unknown): Work<boolean> {
    const driven = this.driven.setIfNotExists(key, value as string, ttl as number | undefined);
    const native = this.once.work(SET_IF_NOT_EXIST, key, value, ttl);
    return () => this.brought.either('setIfNotExists', native, driven);
  }

  increment(key: string, by: unknown, ttl: unknown): Work<number> {
    const driven = this.driven.increment(key, by as number, ttl as number | undefined);
    const native = this.once.work(INCREMENT, key, by, ttl);
    return () => this.brought.either('increment', native, driven);
  }

  clear(): Promise<void> {
    return this.brought.either(
      'clear',
      () => this.call(OPERATIONS.clear, readNothing, this.prefix),
      () => this.driven.clear(),
    );
  }

  invalidate(isDoomed: (entry: CacheEntry) => unknown): Promise<number> {
    return this.brought.either(
      'invalidate',
      async () => {
        const judged = await this.judge(isDoomed);
        await this.removeJudged(judged);
        return judged.size;
      },
      () => this.driven.invalidate(isDoomed),
    );
  }

  /** Calls after the claims and counts of the same moment that were made before. */
  private call<T>(operation: number, decode: Decode<T>, ...args: Arg[]): Promise<T> {
    this.once.flush();
    return this.brought.call(operation, decode, ...args);
  }

  /** Looks at every entry before any is removed. A key that a scan finds twice counts once. */
  private async judge(isDoomed: (entry: CacheEntry) => unknown): Promise<Judged> {
    const judged: Judged = new Map();
    let cursor = '0';
    do {
      const page = await this.call(OPERATIONS.page, readPage, this.prefix, cursor);
      cursor = page.cursor;
      for (const [key, text, digest] of page.entries) {
        if (isDoomed(JSON.parse(text) as CacheEntry)) judged.set(key, digest);
      }
    } while (cursor !== '0');
    return judged;
  }

  private async removeJudged(judged: Judged): Promise<void> {
    const { brought, prefix } = this;
    const entries = [...judged];
    const removals: Promise<void>[] = [];
    for (let at = 0; at < entries.length; at += REMOVED_AT_ONCE) {
      for (const [key, digest] of entries.slice(at, at + REMOVED_AT_ONCE)) brought.stage(key, digest);
      removals.push(brought.call(OPERATIONS.deleteUnchanged, readNothing, prefix));
    }
    await Promise.all(removals);
  }
}

interface Page {
  cursor: string;
  /** Key without prefix, value, digest of the value. */
  entries: Array<[string, string, string]>;
}

function readPage(reply: Reply): Page {
  const entries = (reply.list() - 1) / 3;
  const cursor = reply.text() as string;
  const read = (): string => reply.lossyText() as string;
  return { cursor, entries: Array.from({ length: entries }, () => [read(), read(), read()]) };
}

/** Store and cache on the native connection that stands in for the user's client. */
import type { Brought } from '../brought/index.js';
import { isClusterClient } from '../brought/recognise.js';
import { operations, type Reply } from '../client.js';
import { CallRecord, type Place } from './call-record.js';
import type { Commands, Work } from './commands.js';
import type { DrivenCommands } from './driven.js';
import { argument, name } from '../text.js';
import type { CacheEntry } from './types.js';

const OPERATIONS = operations('ayepi') as Record<
  | 'get'
  | 'set'
  | 'delete'
  | 'setIfNotExists'
  | 'setIfNotExistsOnce'
  | 'increment'
  | 'incrementOnce'
  | 'clear'
  | 'page'
  | 'deleteUnchanged',
  number
>;

/** Entries that one request removes at most. */
const REMOVED_AT_ONCE = 500;

const readText = (reply: Reply): string | null => reply.lossyText();
const readNumber = (reply: Reply): number => reply.int();
const readWhetherSet = (reply: Reply): boolean => !reply.isNil();
const readNothing = (reply: Reply): void => reply.skip();

/** A key with the value that was judged, as SHA-1: if it is another by now, it is not removed. */
type Judged = Map<string, string>;

/** See the file's text. What the server refuses to this user is done as the original does it, by the client itself. */
export class NativeCommands implements Commands {
  private readonly brought: Brought;
  private readonly prefix: string;
  private readonly driven: DrivenCommands;
  /** None in a cluster, where it would have to lie in the slot of every key. */
  private readonly record: CallRecord | undefined;

  constructor(brought: Brought, prefix: string, driven: DrivenCommands) {
    this.brought = brought;
    this.prefix = brought.keyPrefix + prefix;
    this.driven = driven;
    this.record = isClusterClient(brought.client) ? undefined : new CallRecord(this.prefix);
  }

  get(key: string): Promise<string | null> {
    const full = name(key);
    return this.brought.either(
      'get',
      () => this.brought.call(OPERATIONS.get, readText, this.prefix, full),
      async () => (await this.driven.get(key)) ?? null,
    );
  }

  set(key: string, value: unknown, ttl: unknown): Promise<unknown> {
    const [full, text] = [name(key), argument(value)];
    const life = ttl === undefined ? undefined : argument(ttl);
    return this.brought.either<unknown>(
      'set',
      () => this.brought.call(OPERATIONS.set, readNothing, this.prefix, full, text, life),
      () => this.driven.set(key, value as string, ttl as number | undefined),
    );
  }

  del(key: string): Promise<number> {
    const full = name(key);
    return this.brought.either(
      'del',
      () => this.brought.call(OPERATIONS.delete, readNumber, this.prefix, full),
      () => this.driven.del(key),
    );
  }

  setIfNotExists(key: string, value: unknown, ttl: unknown): Work<boolean> {
    const driven = this.driven.setIfNotExists(key, value as string, ttl as number | undefined);
    return this.once('setIfNotExists', readWhetherSet, driven, key, value, ttl);
  }

  increment(key: string, by: unknown, ttl: unknown): Work<number> {
    const driven = this.driven.increment(key, by as number, ttl as number | undefined);
    return this.once('increment', readNumber, driven, key, by, ttl);
  }

  clear(): Promise<void> {
    return this.brought.either(
      'clear',
      () => this.brought.call(OPERATIONS.clear, readNothing, this.prefix),
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

  /** Work that is done once, however often it is attempted, until it is answered. */
  private once<R>(
    method: 'setIfNotExists' | 'increment',
    decode: (reply: Reply) => R,
    driven: Work<R>,
    key: string,
    value: unknown,
    ttl: unknown,
  ): Work<R> {
    const { brought, prefix, record } = this;
    let place: Place | undefined;
    return () => {
      const [full, text] = [name(key), argument(value)];
      const life = ttl === undefined ? undefined : argument(ttl);
      const native = (): Promise<R> => {
        if (record === undefined) return brought.call(OPERATIONS[method], decode, prefix, full, text, life);
        const mine = (place ??= record.take());
        const read = (reply: Reply): R => {
          place = undefined;
          record.giveBack(mine);
          return decode(reply);
        };
        const operation = OPERATIONS[`${method}Once`];
        return brought.call(operation, read, prefix, full, text, mine.key, mine.field, mine.call, life);
      };
      return brought.either(method, native, driven);
    };
  }

  /** Looks at every entry before any is removed. A key that a scan finds twice counts once. */
  private async judge(isDoomed: (entry: CacheEntry) => unknown): Promise<Judged> {
    const judged: Judged = new Map();
    let cursor = '0';
    do {
      const page = await this.brought.call(OPERATIONS.page, readPage, this.prefix, cursor);
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

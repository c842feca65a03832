/** Readers of replies that several calls share. */
import type { Reply } from '../client.js';
import { decodeField, Layout } from './metadata.js';
import type { IndexEntry } from './types.js';

/**
 * Reads hashes as metadata; undefined where there are no fields. The entries of an index mostly have the same fields, so
 * the layout of one serves for the next.
 */
export class HashReader {
  private names: string[] = [];
  private layout = new Layout([]);

  /** The next value: a list of names, nil where they are those of the hash before, and of the values. */
  read(reply: Reply): Record<string, unknown> | undefined {
    const length = reply.list() - 1;
    if (length < 0) return undefined;
    if (reply.isNil()) reply.skip();
    else this.arrange(readList(reply.list(), () => reply.lossyText() as string));
    return this.layout.build(readList(length, () => readField(reply)));
  }

  /** The next value: names and values in turn. */
  readPairs(reply: Reply): Record<string, unknown> | undefined {
    const length = reply.list() / 2;
    if (length <= 0) return undefined;
    const known = this.names;
    const names: string[] = [];
    const values: unknown[] = [];
    let same = known.length === length;
    for (let i = 0; i < length; i++) {
      const name = reply.textLike(known[i]) as string;
      same &&= name === known[i];
      names.push(name);
      values.push(readField(reply));
    }
    if (!same) this.arrange(names);
    return this.layout.build(values);
  }

  private arrange(names: string[]): void {
    this.names = names;
    this.layout = new Layout(names);
  }
}

/** The next value as the field of a hash. */
export function readField(reply: Reply): unknown {
  return reply.whole() ?? decodeField(reply.lossyText() as string);
}

/** Reads nothing. */
export const skip = (reply: Reply): void => reply.skip();
/** Reads a count. */
export const readInt = (reply: Reply): number => reply.int();
/** Reads whether there was something to do. */
export const readFlag = (reply: Reply): boolean => reply.int() > 0;

/** Reads `length` values into a list. */
export function readList<T>(length: number, read: () => T): T[] {
  const items: T[] = [];
  for (let i = 0; i < length; i++) items.push(read());
  return items;
}

/** The next two values, id and score, as an entry whose metadata is still to come. */
export function readRanked(reply: Reply, readScore: (text: string) => number): IndexEntry {
  const id = reply.lossyText() as string;
  return { id, score: reply.whole() ?? readScore(reply.lossyText() as string), metadata: undefined };
}

/** A score as it is. */
export function exactScore(text: string): number {
  if (text === 'inf') return Number.POSITIVE_INFINITY;
  return text === '-inf' ? Number.NEGATIVE_INFINITY : Number(text);
}

/** A score as the original reads it in lists: the whole number at the front of its text. */
export function readWholeScore(text: string): number {
  return Number.parseInt(text, 10);
}

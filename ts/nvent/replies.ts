/** Readers of replies that several calls share. */
import type { Reply } from '../client.js';
import { type FieldName, fieldName, MetadataBuilder } from './metadata.js';
import type { IndexEntry } from './types.js';

/**
 * Reads hashes, fields and values in turn, as metadata; undefined where there are no fields. The hashes of a page mostly
 * have the same fields in the same order, so the names of one serve for the next.
 */
export class HashReader {
  private readonly fields: FieldName[] = [];

  /** The next value. */
  read(reply: Reply): Record<string, unknown> | undefined {
    const length = reply.list() / 2;
    if (length <= 0) return undefined;
    const builder = new MetadataBuilder();
    for (let i = 0; i < length; i++) {
      const known = this.fields[i];
      const name = reply.textLike(known?.text) as string;
      const field = known?.text === name ? known : (this.fields[i] = fieldName(name));
      builder.add(field, reply.lossyText() as string);
    }
    return builder.build();
  }
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
  return { id, score: readScore(reply.lossyText() as string), metadata: undefined };
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

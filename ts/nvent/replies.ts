/** Readers of replies that several calls share. */
import type { Reply } from '../client.js';
import { MetadataBuilder } from './metadata.js';

/** The next value, fields and values in turn, as metadata; undefined when there are none. */
export function readHash(reply: Reply): Record<string, unknown> | undefined {
  let left = reply.list();
  if (left <= 0) return undefined;
  const builder = new MetadataBuilder();
  for (; left > 0; left -= 2) {
    const name = reply.lossyText() as string;
    builder.add(name, reply.lossyText() as string);
  }
  return builder.build();
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

/** Readers of replies that several services share. */

import type { Reply } from '../client.js';

/** Drops the reply. */
export function readNothing(reply: Reply): void {
  reply.skip();
}

/** A text, or null. */
export function readText(reply: Reply): string | null {
  return reply.text();
}

/** A whole number. */
export function readInt(reply: Reply): number {
  return reply.int();
}

/** The first of a list, which is a whole number. */
export function readFirstInt(reply: Reply): number {
  reply.list();
  return reply.int();
}

/** A list of texts, each of which may be null. */
export function readTexts(reply: Reply): Array<string | null> {
  const texts: Array<string | null> = [];
  for (let left = reply.list(); left > 0; left--) texts.push(reply.text());
  return texts;
}

/** A list of texts. */
export function readList(reply: Reply): string[] {
  return readTexts(reply).map((text) => text ?? '');
}

/** A hash: a list of fields and values in turn. */
export function readHash(reply: Reply): Record<string, string> {
  // Without a prototype: a field may have any name.
  const hash = Object.create(null) as Record<string, string>;
  for (let left = reply.list(); left > 0; left -= 2) {
    const field = reply.text() ?? '';
    hash[field] = reply.text() ?? '';
  }
  return hash;
}

/** A list of hashes. */
export function readHashes(reply: Reply): Array<Record<string, string>> {
  const hashes: Array<Record<string, string>> = [];
  for (let left = reply.list(); left > 0; left--) hashes.push(readHash(reply));
  return hashes;
}

/** Reading the entries of an index whose metadata has certain values. */
import type { Arg, Reply } from '../client.js';
import type { Link } from './link.js';
import { decodeField } from './metadata.js';
import { readHash } from './replies.js';
import type { IndexEntry } from './types.js';

/** The filter never looks further down than this. */
const MAX_RANKS = 10_000;
/** Entries looked at in the first step; each further one takes three times as many, so that few do. */
const FIRST_STEP = 500;

type Filter = Record<string, unknown>;
type Metadata = Record<string, unknown> | undefined;

interface Page {
  readonly offset: number;
  readonly limit: number;
  readonly readScore: (text: string) => number;
}

/**
 * The entries from `offset` on that meet the filter, the highest score first. One look at the order of the index; then
 * only the fields that the filter names, until enough are found; then the metadata of those that are wanted.
 */
export async function readFiltered(
  link: Link,
  key: string | undefined,
  filter: Filter,
  { offset, limit, readScore }: Page,
): Promise<IndexEntry[]> {
  const wanted = offset + limit;
  if (!(wanted > 0)) return [];
  const lastRank = String(MAX_RANKS - 1);
  const ranked = await link.call('indexIds', (reply) => readRanked(reply, readScore), [key, '0', lastRank]);
  const read = fieldsReader(link, key, filter);
  const found: IndexEntry[] = [];
  for (let from = 0, step = FIRST_STEP; from < ranked.length && found.length < wanted;) {
    const some = ranked.slice(from, from + step);
    const metadata = await read(some.map((entry) => entry.id));
    found.push(...some.filter((_, i) => meets(metadata[i], filter)));
    from += step;
    step *= 3;
  }
  const page = found.slice(offset, wanted);
  if (page.length === 0) return page;
  const metadata = await readHashes(
    link,
    key,
    page.map((entry) => entry.id),
  );
  page.forEach((entry, i) => {
    entry.metadata = metadata[i] as Record<string, unknown>;
  });
  // One that was changed between the two reads may meet the filter no longer.
  return page.filter((entry) => meets(entry.metadata, filter));
}

/** Reads what the filter looks at: its fields, or everything where it asks for entries that lack something. */
function fieldsReader(link: Link, key: string | undefined, filter: Filter): (ids: Arg[]) => Promise<Metadata[]> {
  const wantsAbsence = Object.values(filter).some((value) =>
    Array.isArray(value) ? value.includes(undefined) : value === undefined,
  );
  if (wantsAbsence) return (ids) => readHashes(link, key, ids);
  const names = Object.keys(filter);
  const readRow = (reply: Reply): Metadata => {
    const row = new Map<string, unknown>();
    reply.list();
    for (const name of names) {
      const text = reply.lossyText();
      if (text !== null) row.set(name, decodeField(text));
    }
    return Object.fromEntries(row);
  };
  return (ids) =>
    link.call('indexFields', (reply) => readRows(reply, readRow), [key, String(names.length)], [...names, ...ids]);
}

function readHashes(link: Link, key: string | undefined, ids: Arg[]): Promise<Metadata[]> {
  return link.call('indexHashes', (reply) => readRows(reply, readHash), [key], ids);
}

function readRows(reply: Reply, readRow: (reply: Reply) => Metadata): Metadata[] {
  return Array.from({ length: reply.list() }, () => readRow(reply));
}

function readRanked(reply: Reply, readScore: Page['readScore']): IndexEntry[] {
  return Array.from({ length: reply.list() / 2 }, () => ({
    id: reply.lossyText() as string,
    score: readScore(reply.lossyText() as string),
  }));
}

/** Whether the metadata has what the filter asks for. A name with dots is never there: what it names is nested. */
function meets(metadata: Metadata, filter: Filter): boolean {
  return Object.entries(filter).every(([name, wanted]) => {
    const there = metadata !== undefined && !name.includes('.') && Object.hasOwn(metadata, name);
    const actual = there ? metadata[name] : undefined;
    return Array.isArray(wanted) ? wanted.includes(actual) : actual === wanted;
  });
}

/** Reading the entries of an index whose metadata has certain values. */
import type { Arg, Reply } from '../client.js';
import type { Link } from './link.js';
import { HashReader, readField, readList, readRanked } from './replies.js';
import type { IndexEntry } from './types.js';

/** Ranks that are looked at: often enough at first, never more in the end. */
const STEPS = [500, 10_000];

type Filter = Record<string, unknown>;

interface Page {
  readonly offset: number;
  readonly limit: number;
  readonly readScore: (text: string) => number;
}

/**
 * The entries from `offset` on that meet the filter, the highest score first. One look at the order of the index, with
 * only the fields that the filter names; then the metadata of those that are wanted.
 */
export async function readFiltered(
  link: Link,
  key: string | undefined,
  filter: Filter,
  { offset, limit, readScore }: Page,
): Promise<IndexEntry[]> {
  const wanted = offset + limit;
  if (!(wanted > 0)) return [];
  const survey = new Survey(filter, readScore);
  for (const ranks of STEPS) {
    const isEnough = (reply: Reply): boolean => survey.read(reply) < ranks || survey.found.length >= wanted;
    const enough = await link.call('indexPage', isEnough, [key, '0', String(ranks - 1)], survey.fields);
    if (enough) break;
  }
  const page = survey.found.slice(offset, wanted);
  if (page.length === 0) return page;
  const hashes = new HashReader();
  const readHashes = (reply: Reply): void => {
    reply.list();
    for (const entry of page) entry.metadata = hashes.read(reply);
  };
  await link.call(
    'indexHashes',
    readHashes,
    [key],
    page.map(({ id }) => id),
  );
  // One that was changed between the two reads may meet the filter no longer.
  return page.filter(({ metadata }) => survey.meets(metadata));
}

/** What a filter finds. */
class Survey {
  /** The fields to ask for; none, which means all, where the filter asks for entries that lack something. */
  readonly fields: Arg[];
  found: IndexEntry[] = [];
  private readonly wanted: ReadonlyArray<[name: string, value: unknown]>;
  private readonly readScore: Page['readScore'];

  constructor(filter: Filter, readScore: Page['readScore']) {
    this.wanted = Object.entries(filter);
    this.readScore = readScore;
    this.fields = this.wanted.some(([, value]) => matches(value, undefined)) ? [] : this.wanted.map(([name]) => name);
  }

  /** Finds anew, among the entries of a page, and returns how many there were. */
  read(reply: Reply): number {
    reply.list();
    const entries = readList(reply.list() / 2, () => readRanked(reply, this.readScore));
    const hashes = new HashReader();
    reply.list();
    this.found = entries.filter(() =>
      this.fields.length === 0 ? this.meets(hashes.read(reply)) : this.meetsFields(reply),
    );
    return entries.length;
  }

  /** Whether metadata has what the filter asks for. A name with dots is never there: what it names is nested. */
  meets(metadata: Record<string, unknown> | undefined): boolean {
    return this.wanted.every(([name, value]) => {
      const there = metadata !== undefined && !name.includes('.') && Object.hasOwn(metadata, name);
      return matches(value, there ? metadata[name] : undefined);
    });
  }

  /** The same for the values of {@link fields}, which are read to the end. */
  private meetsFields(reply: Reply): boolean {
    reply.list();
    let all = true;
    for (const [name, value] of this.wanted) {
      if (reply.isNil() || name.includes('.') || !all) {
        all = false;
        reply.skip();
      } else all = matches(value, readField(reply));
    }
    return all;
  }
}

function matches(wanted: unknown, actual: unknown): boolean {
  return Array.isArray(wanted) ? wanted.includes(actual) : actual === wanted;
}

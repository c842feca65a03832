/** Entries ordered by score, with metadata in a hash each. */
import type { Arg, Reply } from '../client.js';
import { readFiltered } from './filter.js';
import type { Link } from './link.js';
import { encodeMetadata } from './metadata.js';
import { exactScore, HashReader, readFlag, readInt, readList, readRanked, readWholeScore, skip } from './replies.js';
import { argText } from './text.js';
import type { IndexEntry, SortedIndex } from './types.js';
import type { UpdateValidator } from './validator.js';

const DEFAULT_LIMIT = 50;
const DEFAULT_RETRIES = 3;
const FIRST_PAUSE_MS = 10;

/** The indexes of a store. @param strict as the option of the adapter */
export function createIndex(link: Link, validator: UpdateValidator, strict: boolean): SortedIndex {
  const readScore = strict ? exactScore : readWholeScore;
  const hashes = new HashReader();
  const getScore = strict ? exactScore : Number.parseFloat;

  const merge = async (key: string, id: string, metadata: Record<string, unknown>): Promise<boolean> => {
    validator.validateUpdatePayload(metadata, 'index.update');
    const { sets, deletes } = encodeMetadata(metadata);
    const written: Arg[] = deletes.length > 0 ? sets.concat(deletes) : sets;
    return link.call('indexUpdate', readFlag, [nameOf(key), nameOf(id), String(sets.length)], written);
  };

  return {
    async add(key, id, score, metadata) {
      const entry = [nameOf(key), nameOf(id), argText(score)];
      if (!metadata) return link.call('indexRank', skip, entry);
      return link.call('indexAdd', skip, entry, encodeMetadata({ version: 0, ...metadata }).sets);
    },

    async get(key, id) {
      const readEntry = (reply: Reply): IndexEntry | null => {
        if (reply.list() < 0) return null;
        const score = getScore(reply.lossyText() as string);
        const metadata = hashes.readPairs(reply);
        return metadata === undefined ? { id, score } : { id, score, metadata };
      };
      return link.call('indexGet', readEntry, [nameOf(key), nameOf(id)]);
    },

    async read(key, opts) {
      const offset = opts?.offset || 0;
      const limit = opts?.limit || DEFAULT_LIMIT;
      const filter = opts?.filter;
      if (filter && Object.keys(filter).length > 0) {
        return readFiltered(link, nameOf(key), filter, { offset, limit, readScore });
      }
      const readPage = (reply: Reply): IndexEntry[] => {
        reply.list();
        const entries = readList(reply.list() / 2, () => readRanked(reply, readScore));
        reply.list();
        for (const entry of entries) entry.metadata = hashes.read(reply);
        return entries;
      };
      return link.call('indexPage', readPage, [nameOf(key), String(offset), String(offset + limit - 1)]);
    },

    update: merge,

    async updateWithRetry(key, id, metadata, maxRetries = DEFAULT_RETRIES) {
      validator.validateUpdatePayload(metadata, 'index.updateWithRetry');
      for (let attempt = 0; attempt < maxRetries; attempt++) {
        // The entry has no version: it may be about to be added.
        if (attempt > 0) await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1));
        if (await merge(key, id, metadata)) return;
      }
      throw new Error(`Failed to update index after ${maxRetries} retries`);
    },

    increment: async (key, id, field, increment = 1) =>
      link.call('indexIncrement', readInt, [nameOf(key), nameOf(id), argText(field), argText(increment)]),

    delete: async (key, id) => link.call('indexDelete', readFlag, [nameOf(key), nameOf(id)]),
  };
}

/** A key or id as it crosses. Absent stays absent, because it reads differently inside the name of a hash. */
function nameOf(name: unknown): string | undefined {
  return name === undefined || name === null ? undefined : String(name);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

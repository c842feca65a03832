/** Values by key. */
import type { Reply } from '../client.js';
import type { Link } from './link.js';
import { readInt, skip } from './replies.js';
import { argText, fromText, jsonText, stringText } from './text.js';
import type { KeyValue } from './types.js';

/** The keys of a store. @param strict as the option of the adapter */
export function createKeyValue(link: Link, strict: boolean): KeyValue {
  const [get, remove] = strict ? ['getOrCounter', 'deleteWithCounter'] : ['get', 'delete'];
  return {
    get: async <T>(key: string) => link.call(get as string, readValue, [argText(key)]) as Promise<T | null>,

    async set(key, value, ttl) {
      const text = typeof value === 'string' ? stringValue(value, strict) : jsonText(value);
      await link.call('set', skip, [argText(key), text, ttl ? String(ttl) : undefined]);
    },

    async delete(key) {
      await link.call(remove as string, skip, [argText(key)]);
    },

    clear: async (pattern) => link.call('clear', readInt, [argText(pattern)]),

    async increment(key, by = 1) {
      if (typeof key !== 'string') throw new TypeError('key must be a string');
      return link.call('increment', readInt, [key, argText(by)]);
    },
  };
}

/** The empty text is read as no value at all. */
function stringValue(value: string, strict: boolean): string {
  return strict && value === '' ? '""' : stringText(value, strict);
}

function readValue(reply: Reply): unknown {
  const text = reply.lossyText();
  return text === null || text === '' ? null : fromText(text);
}

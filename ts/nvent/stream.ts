/** Streams of events. */
import type { Arg, Reply } from '../client.js';
import { ArgumentError } from '../errors.js';
import { TurnMap, writesTo } from '../turn.js';
import { type Link, STORE } from './link.js';
import { readFlag, readList } from './replies.js';
import { argText, fromText, jsonText, stringText } from './text.js';
import type { EventReadOptions, EventRecord, EventStream } from './types.js';

/** How long streams may become. */
export interface TrimOptions {
  /** Events that are kept; the oldest go when one is appended. 0: all are kept. */
  maxLen?: number;
  /** Let the server keep some more, which costs it far less. Default true. */
  approx?: boolean;
}

const DEFAULT_LIMIT = 1000;

/** The streams of a store. @param strict as the option of the adapter */
export function createStream(link: Link, trim: TrimOptions, strict: boolean): EventStream {
  const maxLen = trim.maxLen && trim.maxLen > 0 ? String(trim.maxLen) : undefined;
  const strategy = maxLen === undefined ? undefined : trim.approx === false ? '=' : '~';

  // nvent's host reads the events of a run twice in a row.
  const answers = new TurnMap<() => Reply>();
  const page = async (subject: string, range: Range, limit: unknown): Promise<EventRecord[]> => {
    const args = [argText(subject), range.order, range.lower, range.upper, argText(limit)];
    const question = JSON.stringify(args);
    const known = answers.get(question, STORE);
    if (known !== undefined) return readEvents(known());
    const asked = writesTo(STORE);
    const keep = (reply: Reply): EventRecord[] => {
      const answer = reply.take();
      answers.set(question, answer, asked);
      return readEvents(answer());
    };
    return link.call('read', keep, args);
  };

  return {
    async append(subject, event) {
      const record: Record<string, unknown> = { ...event, ts: Date.now() };
      const fields: Arg[] = [];
      for (const [name, value] of Object.entries(record)) {
        const text = valueText(value, strict);
        if (text !== undefined) fields.push(name, text);
      }
      const id = await link.call('append', readText, [argText(subject), strategy, maxLen], fields);
      return { ...record, id } as EventRecord;
    },

    async read(subject, opts) {
      const options = opts ?? {};
      const range = rangeOf(options, strict);
      if (strict) return readStrictly(options, (from, limit) => page(subject, { ...range, ...from }, limit));
      const { types } = options;
      const events = await page(subject, range, options.limit || DEFAULT_LIMIT);
      return types && types.length > 0 ? events.filter((event) => types.includes(event.type)) : events;
    },

    delete: async (subject) => link.call('streamDelete', readFlag, [argText(subject)]),
  };
}

/** The text of a property; undefined leaves it out. */
function valueText(value: unknown, strict: boolean): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'object') return jsonText(value);
  return typeof value === 'string' ? stringText(value, strict) : String(value);
}

interface Range {
  readonly order: 'asc' | 'desc';
  readonly lower: string;
  readonly upper: string;
}

function rangeOf(options: EventReadOptions, strict: boolean): Range {
  const { after, before, from, to, order } = options;
  return {
    order: order === 'desc' ? 'desc' : 'asc',
    lower: after ? `(${after}` : from ? `${from}-0` : '-',
    // A bare millisecond as the end of a range means its last entry.
    upper: before ? `(${before}` : to ? (strict ? `${to}` : `${to}-0`) : '+',
  };
}

/** Pages through the stream until `limit` events of the wanted types are found, or all when no limit is given. */
async function readStrictly(
  options: EventReadOptions,
  page: (from: Partial<Range>, limit: number) => Promise<EventRecord[]>,
): Promise<EventRecord[]> {
  const { types, order } = options;
  const limit = options.limit ?? Number.POSITIVE_INFINITY;
  if (Number.isNaN(limit) || limit < 0) throw new ArgumentError('limit: must not be negative');
  const found: EventRecord[] = [];
  let from: Partial<Range> = {};
  while (found.length < limit) {
    const size = types?.length ? DEFAULT_LIMIT : Math.min(limit - found.length, DEFAULT_LIMIT);
    const events = await page(from, size);
    for (const event of events) {
      if (found.length < limit && (!types?.length || types.includes(event.type))) found.push(event);
    }
    const last = events.at(-1);
    if (last === undefined || events.length < size) break;
    from = order === 'desc' ? { upper: `(${last.id}` } : { lower: `(${last.id}` };
  }
  return found;
}

const readText = (reply: Reply): string => reply.lossyText() ?? '';

function readEvents(reply: Reply): EventRecord[] {
  const length = reply.list();
  // What the original says when the server answers a negative limit with nothing.
  if (length < 0) throw new TypeError('resp is not iterable');
  return readList(length, () => readEvent(reply));
}

function readEvent(reply: Reply): EventRecord {
  reply.list();
  // Own properties in the original's order; what else the entry has is not read.
  const record: Record<string, unknown> = {
    id: reply.lossyText(),
    ts: 0,
    type: 'unknown',
    runId: undefined,
    flowName: undefined,
    stepName: undefined,
    stepId: undefined,
    attempt: undefined,
    data: undefined,
  };
  for (let left = reply.list(); left > 0; left -= 2) {
    const name = reply.lossyText() as string;
    if (name === 'id' || !Object.hasOwn(record, name)) reply.skip();
    else record[name] = fromText(reply.lossyText() as string);
  }
  record['ts'] ||= 0;
  record['type'] ||= 'unknown';
  return record as unknown as EventRecord;
}

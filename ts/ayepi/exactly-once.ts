/**
 * Calls that are carried out once however often they are attempted: `setIfNotExists` and `increment` on the native
 * connection. Those of one moment go to the server together, with one mark in the record of calls for all of them.
 */
import type { Brought } from '../brought/index.js';
import { operations, type Reply } from '../client.js';
import { argument, name } from '../text.js';
import type { CallRecord, Place, Records } from './call-record.js';
import type { Work } from './commands.js';

const OPERATIONS = operations('ayepi') as Record<'setIfNotExist' | 'increment', number>;

/** Items that one call takes at most. */
const MOST_ITEMS = 128;

/** Characters of the longest key and value that go together with others. */
const LONGEST = 4096;

/** The answer to an item that the server refused: it says why when it is asked for this one alone. */
const REFUSED = '-';

/** A time to live that the server calls no number, as it does an empty one, which here means none. */
const NO_NUMBER = 'null';

/** What is to be done, and what an answer means. */
export interface Kind<T> {
  readonly operation: number;
  readonly read: (answer: string) => T;
}

/** Whether a key was set that did not exist. */
export const SET_IF_NOT_EXIST: Kind<boolean> = {
  operation: OPERATIONS.setIfNotExist,
  read: (answer) => answer === '1',
};

/** The sum. */
export const INCREMENT: Kind<number> = { operation: OPERATIONS.increment, read: Number };

/** A key without the prefix, and its value. */
type Item = readonly [key: string, value: string];

/** Items that go together. */
class Batch {
  readonly operation: number;
  /** ms, or an empty text. */
  readonly ttl: string;
  /** Key and value of each, in turns. */
  readonly items: string[] = [];
  readonly answers: Promise<string[]>;
  answered!: (answers: Promise<string[]>) => void;
  /** Its place in the record, from when it is sent. */
  place!: Place;

  constructor(operation: number, ttl: string) {
    this.operation = operation;
    this.ttl = ttl;
    this.answers = new Promise((resolve) => {
      this.answered = resolve;
    });
  }

  /** Adds an item and returns its index. */
  add([key, value]: Item): number {
    return this.items.push(key, value) / 2 - 1;
  }
}

/** See the file's text. */
export class ExactlyOnce {
  private readonly brought: Brought;
  private readonly prefix: string;
  private readonly records: Records;
  /** What is still to be sent. */
  private waiting: Batch | undefined;

  constructor(brought: Brought, prefix: string, records: Records) {
    this.brought = brought;
    this.prefix = prefix;
    this.records = records;
  }

  /** The attempts of one call: the first that reached the server answers for all. */
  work<T>(kind: Kind<T>, key: string, value: unknown, ttl: unknown): Work<T> {
    let batch: Batch | undefined;
    let index = 0;
    return () => {
      const item: Item = [name(key), argument(value)];
      const answered = (answer: string): T => {
        // Whoever attempts it once more, although it was answered, means it.
        batch = undefined;
        return kind.read(answer);
      };
      const again = (sent: Batch): Promise<T> =>
        this.call(sent, index, item).then(([answer]) => answered(answer as string));
      if (batch !== undefined) return again(batch);
      const life = ttl === undefined ? '' : argument(ttl) || NO_NUMBER;
      const joined = (batch = this.join(kind.operation, life, item));
      index = joined.add(item);
      if (joined !== this.waiting) this.send(joined, this.records.of(this.prefix + item[0]));
      return joined.answers.then((answers) => {
        const answer = answers[index] as string;
        return answer === REFUSED ? again(joined) : answered(answer);
      });
    };
  }

  /** Sends what waits. What is called next comes after it. */
  flush(): void {
    const batch = this.waiting;
    if (batch === undefined) return;
    this.waiting = undefined;
    this.send(batch, this.records.of(this.prefix));
  }

  /** The batch for an item: that of this moment, which ends when the promises that are being settled have gone on. */
  private join(operation: number, ttl: string, [key, value]: Item): Batch {
    const { waiting } = this;
    // In a cluster each goes to the node of its key.
    const isShared = this.records.isOne && key.length <= LONGEST && value.length <= LONGEST;
    const fits = waiting?.operation === operation && waiting.ttl === ttl && waiting.items.length < 2 * MOST_ITEMS;
    if (isShared && fits) return waiting;
    this.flush();
    const batch = new Batch(operation, ttl);
    if (isShared) {
      this.waiting = batch;
      queueMicrotask(() => this.flush());
    }
    return batch;
  }

  private send(batch: Batch, record: CallRecord): void {
    const place = (batch.place = record.take());
    const answers = this.call(batch, 0, batch.items);
    batch.answered(answers);
    // Nobody will ask again: not so when an answer did not come.
    answers.then(
      (all) => all.includes(REFUSED) || record.giveBack(place),
      () => undefined,
    );
  }

  /** Sends items that follow each other from an index on. */
  private call({ operation, ttl, place }: Batch, index: number, items: readonly string[]): Promise<string[]> {
    const args = [this.prefix, place.key, place.field, place.number, ttl, String(index + 1)];
    if (items.length === 2) return this.brought.call(operation, readAnswers, ...args, ...items);
    this.brought.stage(...items);
    return this.brought.call(operation, readAnswers, ...args);
  }
}

const readAnswers = (reply: Reply): string[] => (reply.text() as string).split(',');

/**
 * `setIfNotExists` on the native connection. Claims of one moment go to the server together: one call, and one mark in
 * the record of calls for all of them.
 */
import type { Brought } from '../brought/index.js';
import { operations, type Reply } from '../client.js';
import { argument, name } from '../text.js';
import type { CallRecord, Place, Records } from './call-record.js';
import type { Work } from './commands.js';

const OPERATIONS = operations('ayepi') as Record<'setIfNotExist' | 'recorded', number>;

/** Claims that one call takes at most. */
const MOST_CLAIMS = 128;

/** Characters of the longest key and value that go together with others. */
const LONGEST = 4096;

/** What the answer to a call has for a key that it set. Another character: the key existed before. */
const SET = '1';
/** The server refused it, and says why to a call of this claim alone. */
const REFUSED = '-';

/** A time to live that the server calls no number, as it does an empty one, which here means none. */
const NO_NUMBER = 'null';

const readText = (reply: Reply): string | null => reply.text();

/** Claims that go together. */
class Batch {
  /** Their time to live. */
  readonly ttl: string;
  /** Key and value of each, in turns. */
  readonly claims: string[] = [];
  /** A character for each. */
  readonly answer: Promise<string>;
  answered!: (answer: Promise<string>) => void;
  /** Where the record has the answer that did not come, if the call arrived. */
  lost: Place | undefined;

  constructor(ttl: string) {
    this.ttl = ttl;
    this.answer = new Promise((resolve) => {
      this.answered = resolve;
    });
  }

  /** Adds a claim and returns its index. */
  add(key: string, value: string): number {
    return this.claims.push(key, value) / 2 - 1;
  }
}

/** See the file's text. */
export class Claims {
  private readonly brought: Brought;
  private readonly prefix: string;
  private readonly records: Records;
  /** Claims that are still to be sent. */
  private waiting: Batch | undefined;

  constructor(brought: Brought, prefix: string, records: Records) {
    this.brought = brought;
    this.prefix = prefix;
    this.records = records;
  }

  /** The attempts of one claim: the first that reached the server answers for all. */
  work(key: string, value: unknown, ttl: unknown): Work<boolean> {
    let batch: Batch | undefined;
    let index = 0;
    let place: Place | undefined;

    const alone = async (claim: [key: string, value: string], life: string): Promise<boolean> => {
      const record = this.records.of(this.prefix + claim[0]);
      place ??= record.take();
      const answer = await this.call(record, place, life, claim);
      place = undefined;
      return answer === SET || (batch?.lost !== undefined && (await this.wasSet(batch.lost, index)));
    };

    return () => {
      const claim: [key: string, value: string] = [name(key), argument(value)];
      const life = ttl === undefined ? '' : argument(ttl) || NO_NUMBER;
      if (batch !== undefined || !this.mayBeShared(claim)) return alone(claim, life);
      const joined = (batch = this.batchFor(life));
      index = joined.add(...claim);
      return joined.answer.then((answer) => (answer[index] === REFUSED ? alone(claim, life) : answer[index] === SET));
    };
  }

  /** Sends the claims that wait. What is called next comes after them. */
  flush(): void {
    const batch = this.waiting;
    if (batch === undefined) return;
    this.waiting = undefined;
    const record = this.records.of(this.prefix);
    const place = record.take();
    const answer = this.call(record, place, batch.ttl, batch.claims);
    answer.catch(() => (batch.lost = place));
    batch.answered(answer);
  }

  /** In a cluster every claim goes to the node of its key. */
  private mayBeShared([key, value]: [key: string, value: string]): boolean {
    return this.records.isOne && key.length <= LONGEST && value.length <= LONGEST;
  }

  /** The batch of this moment, which ends when the promises that are being settled have gone on. */
  private batchFor(ttl: string): Batch {
    const { waiting } = this;
    if (waiting !== undefined && waiting.ttl === ttl && waiting.claims.length < 2 * MOST_CLAIMS) return waiting;
    this.flush();
    queueMicrotask(() => this.flush());
    return (this.waiting = new Batch(ttl));
  }

  private call(record: CallRecord, place: Place, ttl: string, claims: readonly string[]): Promise<string> {
    const answered = (reply: Reply): string => {
      record.giveBack(place);
      return reply.text() as string;
    };
    const args = [this.prefix, place.key, place.field, place.call, ttl];
    if (claims.length === 2) return this.brought.call(OPERATIONS.setIfNotExist, answered, ...args, ...claims);
    this.brought.stage(...claims);
    return this.brought.call(OPERATIONS.setIfNotExist, answered, ...args);
  }

  /** Whether a call whose reply was lost has set the key of its claim. */
  private async wasSet({ key, field, call }: Place, index: number): Promise<boolean> {
    const recorded = await this.brought.call(OPERATIONS.recorded, readText, key, field);
    const [number, answer] = (recorded ?? '').split(' ');
    return number === call && answer?.[index] === SET;
  }
}

/**
 * Which calls were carried out: kept in Redis, so that a call whose reply was lost can be made again and gets the answer
 * that it would have had. Redis holds small hashes for each process and prefix, with a field for each call in flight.
 */
import { randomUUID } from 'node:crypto';
import { slotTag } from '../client.js';

/** Calls that keep their place for ever, for nobody knows what became of them, before other hashes are begun. */
const MOST_PLACES = 65_536;

/** Fields of one hash. Servers look through a small hash from its beginning, so that many small ones cost less than one. */
const FIELDS = 16;

/** How long hashes are used, ms: half the time after which the scripts let a hash lapse that grows no more. */
const USED_FOR = 1_800_000;

/** A place of the record, which belongs to one call until it is given back. */
export class Place {
  /** The hash, and its field. */
  readonly key: string;
  readonly field: string;
  private uses = 0;

  constructor(key: string, field: string) {
    this.key = key;
    this.field = field;
  }

  /** Tells the call from those that had this place before. */
  get number(): string {
    return String(this.uses);
  }

  /** Hands it to a call. */
  take(): this {
    this.uses++;
    return this;
  }
}

/** See the file's text. */
export class CallRecord {
  private readonly prefix: string;
  private hashes = '';
  private places = 0;
  private free: Place[] = [];
  private end = 0;

  /** @param prefix what the names of the hashes begin with */
  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** A place for a call that begins. */
  take(): Place {
    if (Date.now() >= this.end) this.begin();
    const free = this.free.pop();
    if (free !== undefined) return free.take();
    if (this.places === MOST_PLACES) this.begin();
    const number = this.places++;
    const field = number % FIELDS;
    return new Place(`${this.hashes}:${(number - field) / FIELDS}`, String(field)).take();
  }

  /** The call was answered: nobody will ask again. */
  giveBack(place: Place): void {
    if (place.key.startsWith(this.hashes)) this.free.push(place);
  }

  /** Other hashes from now on. */
  private begin(): void {
    this.hashes = `${this.prefix}ferrodis:calls:${randomUUID()}`;
    this.places = 0;
    this.free = [];
    this.end = Date.now() + USED_FOR;
  }
}

/** The records of a store: one, or in a cluster one for each slot, since a call's must lie in the slot of its key. */
export class Records {
  /** Whether one record serves all keys. */
  readonly isOne: boolean;
  private readonly prefix: string;
  private readonly records = new Map<string, CallRecord>();

  /** @param prefix what the names of the hashes begin with */
  constructor(prefix: string, isOne: boolean) {
    this.prefix = prefix;
    this.isOne = isOne;
  }

  /** The record for calls to a key, given by its full name. */
  of(key: string): CallRecord {
    const tag = this.isOne ? '' : slotTag(key);
    let record = this.records.get(tag);
    if (record === undefined) {
      record = new CallRecord(this.isOne ? this.prefix : this.tagged(tag));
      this.records.set(tag, record);
    }
    return record;
  }

  /** The prefix with a hash tag: behind it, where users' rights look at how keys begin, unless its braces forbid it. */
  private tagged(tag: string): string {
    const behind = `${this.prefix}{${tag}}`;
    return slotTag(behind) === tag ? behind : `{${tag}}${this.prefix}`;
  }
}

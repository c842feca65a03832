/**
 * Which calls were carried out: kept in Redis, so that a call whose reply was lost can be made again and gets the answer
 * that it would have had. Redis holds small hashes for each process and prefix, with a field for each call in flight.
 */
import { randomUUID } from 'node:crypto';

/** Calls that keep their place for ever, for nobody knows what became of them, before other hashes are begun. */
const MOST_PLACES = 65_536;

/** Fields of one hash. Servers look through a small hash from its beginning, so that many small ones cost less than one. */
const FIELDS = 16;

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
  get call(): string {
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
  private hashes: string;
  private places = 0;
  private readonly free: Place[] = [];

  /** @param prefix what the names of the hashes begin with */
  constructor(prefix: string) {
    this.prefix = prefix;
    this.hashes = this.newHashes();
  }

  /** A place for a call that begins. */
  take(): Place {
    const free = this.free.pop();
    if (free !== undefined) return free.take();
    if (this.places === MOST_PLACES) {
      this.hashes = this.newHashes();
      this.places = 0;
    }
    const number = this.places++;
    const field = number % FIELDS;
    return new Place(`${this.hashes}:${(number - field) / FIELDS}`, String(field)).take();
  }

  /** The call was answered: nobody will ask again. */
  giveBack(place: Place): void {
    this.free.push(place);
  }

  private newHashes(): string {
    return `${this.prefix}ferrodis:calls:${randomUUID()}`;
  }
}

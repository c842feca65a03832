/** What adapters see of a client that the user brought, and what all ways of serving one share. */
import type { Renewal, RenewalOptions } from '../renewal.js';
import type { Arg, Decode, Listener, ListenOptions } from '../client.js';

/** What serves a client object that the user brought. There is one for each object. */
export interface Brought {
  /** True: drive `client` with the original's own calls. Decided once, when the client is first seen. */
  readonly driven: boolean;
  /** The user's object. */
  readonly client: object;
  /** Key prefix that the client itself puts before every key argument; '' if none. Native code must add it. */
  readonly keyPrefix: string;
  /**
   * Sends an operation on the derived native connection, in the database that the client has selected. Starts the
   * connecting of an ioredis client that waits for its first command. Errors have the words of the client's library.
   *
   * @throws Error (rejects) `Connection is closed.`, or node-redis's own text, once the client has ended
   */
  call<T>(operation: number, decode: Decode<T>, ...args: Arg[]): Promise<T>;
  /** Adds arguments that follow those of the next call, for lists too long for a call. */
  stage(...args: Arg[]): void;
  /**
   * Subscribes on the derived subscriber connection. Ends with the client.
   *
   * @throws Error as {@link call} rejects with
   */
  listen(options: ListenOptions): Listener;
  /**
   * Keeps a lock alive while its holder is at work. Lost with the client's end.
   *
   * @throws Error as {@link call} rejects with
   */
  renew(options: RenewalOptions): Renewal;
  /**
   * `native()`. When the server refuses a command, or the credentials, to this user, it is remembered under `method`, and
   * from then on `driven()` is run: the original's sequence on the client itself. For clients that cannot be driven the
   * refusal is rethrown.
   */
  either<T>(method: string, native: () => Promise<T>, driven: () => Promise<T>): Promise<T>;
}

/** A connection of one's own, with the same face. */
export interface OwnConnection extends Brought {
  /** Waits for a connection that answers; for ever when `timeoutMs` is absent. */
  ready(timeoutMs?: number): Promise<void>;
  /** Gives it back: pending calls get their replies first. Idempotent. Later calls reject `Connection is closed.` */
  close(options?: { timeoutMs?: number }): Promise<void>;
}

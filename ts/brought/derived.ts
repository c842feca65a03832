/**
 * A client with a native connection that stands in for it: one for each database that it selects, opened with the first
 * call, closed with the client. The client stays the user's and is never closed or written to.
 */
import { type Arg, Connection, type Decode, type Listener, type ListenOptions } from '../client.js';
import { AuthError, type FerrodisError } from '../errors.js';
import type { ConnectionOptions } from '../options.js';
import type { Brought } from './brought.js';
import { inWords, isRefusal, spoken, type Words } from './words.js';

/** How long closing waits for pending calls: the client has ended, so they are rejected. */
const AT_ONCE = { timeoutMs: 0 };

let owners = 0;

/** What is the same for all libraries. */
export abstract class DerivedClient<
  Client extends { on(event: string, listener: () => void): unknown },
> implements Brought {
  readonly driven = false;
  readonly client: Client;
  readonly keyPrefix: string;
  /** The connection of the database that was last called in; undefined before the first call and after the end. */
  protected connection: Connection | undefined;
  /** Which database that is. */
  protected database = 0;
  protected readonly words: Words;
  private readonly canBeDriven: boolean;
  private readonly owner = ++owners;
  private readonly connections = new Map<number, Connection>();
  private subscriber: Connection | undefined;
  private readonly refused = new Set<string>();
  private lockedOut = false;
  private isWatched = false;

  constructor(client: Client, keyPrefix: string, words: Words, canBeDriven: boolean) {
    this.client = client;
    this.keyPrefix = keyPrefix;
    this.words = words;
    this.canBeDriven = canBeDriven;
  }

  /** The connection to call on now; an error once the client has ended. */
  protected abstract current(): Connection | Error;

  /** Whether the client has ended, or was never opened. */
  protected abstract hasEnded(): boolean;

  /** The options of this moment. */
  protected abstract derive(): ConnectionOptions;

  call<T>(operation: number, decode: Decode<T>, ...args: Arg[]): Promise<T> {
    const connection = this.current();
    if (connection instanceof Error) return Promise.reject(connection);
    return connection.call(operation, decode, ...args);
  }

  stage(...args: Arg[]): void {
    const connection = this.current();
    // Without one the call that follows is rejected anyway.
    if (!(connection instanceof Error)) connection.stage(...args);
  }

  listen(options: ListenOptions): Listener {
    if (this.hasEnded()) throw this.closed();
    // One subscriber however often the client selects: channels know no databases.
    this.subscriber ??= this.open(this.derive());
    return this.subscriber.listen(options);
  }

  either<T>(method: string, native: () => Promise<T>, driven: () => Promise<T>): Promise<T> {
    if (!this.canBeDriven) return native();
    if (this.lockedOut || this.refused.has(method)) return driven();
    return native().catch((error: unknown) => {
      if (!isRefusal(error)) throw error;
      this.refused.add(method);
      return driven();
    });
  }

  /** Makes the connection of a database the one to call on. */
  protected enter(database: number): Connection {
    let connection = this.connections.get(database);
    if (connection === undefined) {
      connection = this.open({ ...this.derive(), db: database });
      this.connections.set(database, connection);
    }
    this.database = database;
    this.connection = connection;
    return connection;
  }

  /** What calls reject with once the client has ended. */
  protected closed(): Error {
    return spoken(this.words.closed);
  }

  private open(options: ConnectionOptions): Connection {
    this.watch();
    const refusal = (error: FerrodisError): Error => inWords(this.words, error);
    const connection = Connection.open(options, { owner: this.owner, refusal });
    connection.onFault = (fault) => {
      // What the client itself is logged in with may be newer than its options: from here on it has to do the work.
      if (fault instanceof AuthError && fault.operation === 'connect') this.lockedOut = true;
    };
    return connection;
  }

  /** One listener for the life of the client, however often it ends and connects again. */
  private watch(): void {
    if (this.isWatched) return;
    this.isWatched = true;
    this.client.on('end', () => this.end());
  }

  private end(): void {
    const open = [...this.connections.values(), this.subscriber];
    this.connections.clear();
    this.connection = undefined;
    this.subscriber = undefined;
    this.lockedOut = false;
    for (const connection of open) void connection?.close(AT_ONCE);
  }
}

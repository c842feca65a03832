/** The adapter's connection: opened by the first call, closed for good by `close()`. */
import { type Arg, Connection, type Decode, operations, type Reply } from '../client.js';
import { ClosedError } from '../errors.js';
import type { ConnectionOptions } from '../options.js';
import { countWrite } from '../turn.js';

const OPERATIONS = operations('nvent');

/** What all stores write to, for {@link countWrite}: they may share a server. */
export const STORE = 'nvent';

/** Operations that write nothing. */
const READS = new Set(['read', 'get', 'getOrCounter', 'indexGet', 'indexPage', 'indexHashes']);

/** Arguments that are spread into one call of JavaScript: it has room for some ten thousand. */
const CHUNK = 1000;

/** Where the adapter prints what the original prints; nothing is printed without one. */
export type Logger = Pick<Console, 'log' | 'error'>;

/** See the file's text. */
export class Link {
  readonly #options: ConnectionOptions;
  readonly #logger: Logger | undefined;
  #connection: Connection | undefined;
  #closed = false;

  constructor(options: ConnectionOptions, logger: Logger | undefined) {
    this.#options = options;
    this.#logger = logger;
  }

  /**
   * Calls an operation. `rest` may be of any length.
   *
   * @throws {FerrodisError} at once when closed or misconfigured, else it rejects
   */
  call<T>(operation: string, decode: Decode<T>, args: Arg[], rest: Arg[] = []): Promise<T> {
    const connection = this.#open(operation);
    for (let i = 0; i < rest.length; i += CHUNK) connection.stage(...rest.slice(i, i + CHUNK));
    const number = OPERATIONS[operation] as number;
    if (READS.has(operation)) return connection.call(number, decode, ...args);
    countWrite(STORE);
    const written = (reply: Reply): T => {
      countWrite(STORE);
      return decode(reply);
    };
    return connection.call(number, written, ...args);
  }

  /** Waits for pending calls, then closes the sockets. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    countWrite(STORE); // what is known answers no more
    await this.#connection?.close();
  }

  #open(operation: string): Connection {
    if (this.#closed) throw new ClosedError('Connection is closed.', { operation: `nvent.${operation}` });
    if (this.#connection === undefined) {
      this.#connection = Connection.open(this.#options);
      this.#connection.onFault = (error) =>
        this.#logger?.error('[adapter-store-redis] Redis connection error:', error.message);
    }
    return this.#connection;
  }
}

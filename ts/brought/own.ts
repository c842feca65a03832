/** A connection of one's own behind the face of a brought client, so that adapters know one kind of thing. */
import type { Renewal, RenewalOptions } from '../renewal.js';
import { type Arg, Connection, type Decode, type Listener, type ListenOptions } from '../client.js';
import type { ConnectionOptions } from '../options.js';
import type { OwnConnection } from './brought.js';
import { spoken } from './words.js';

const CLOSED = 'Connection is closed.';

/** See the file's text. Opens no socket before the first call. */
export class Own implements OwnConnection {
  readonly driven = false;
  readonly keyPrefix = '';
  private readonly connection: Connection;
  private closing: Promise<void> | undefined;

  /** @throws ConfigError naming the option */
  constructor(options: string | ConnectionOptions | undefined) {
    this.connection = Connection.open(typeof options === 'string' ? { url: options } : { ...options });
  }

  /** The connection itself: there is no other object. */
  get client(): object {
    return this.connection;
  }

  call<T>(operation: number, decode: Decode<T>, ...args: Arg[]): Promise<T> {
    if (this.closing !== undefined) return Promise.reject(spoken(CLOSED));
    return this.connection.call(operation, decode, ...args);
  }

  stage(...args: Arg[]): void {
    this.connection.stage(...args);
  }

  listen(options: ListenOptions): Listener {
    if (this.closing !== undefined) throw spoken(CLOSED);
    return this.connection.listen(options);
  }

  renew(options: RenewalOptions): Renewal {
    if (this.closing !== undefined) throw spoken(CLOSED);
    return this.connection.renew(options);
  }

  either<T>(_method: string, native: () => Promise<T>, _driven: () => Promise<T>): Promise<T> {
    return native();
  }

  ready(timeoutMs?: number): Promise<void> {
    if (this.closing !== undefined) return Promise.reject(spoken(CLOSED));
    return this.connection.ready(timeoutMs);
  }

  close(options?: { timeoutMs?: number }): Promise<void> {
    this.closing ??= this.connection.close(options);
    return this.closing;
  }
}

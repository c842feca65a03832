/** A node-redis client and its native connection. */
import type { Advice, Arg, Attempt, Connection, Decode } from '../client.js';
import type { ConnectionOptions } from '../options.js';
import { adviseNodeRedis } from './advice.js';
import { DerivedClient } from './derived.js';
import { isBag, LONGEST_MS, milliseconds } from './foreign.js';
import { fromNodeRedis, nodeRedisDatabase, nodeRedisKeyPrefix, type NodeRedisClient } from './node-redis.js';

/** See the file's text. */
export class DerivedNodeRedis extends DerivedClient<NodeRedisClient> {
  /** The database that the client has selected, as the server told; undefined until asked. */
  private selected: number | undefined;
  private asking: Promise<void> | undefined;
  /** Arguments of the next call while the database is being asked for. */
  private held: Arg[] = [];

  constructor(client: NodeRedisClient) {
    const { commandOptions } = client.options;
    const limit = isBag(commandOptions) ? milliseconds(commandOptions.timeout) : undefined;
    const words = {
      closed: 'The client is closed',
      offline: client.options.disableOfflineQueue === true ? 'The client is offline' : undefined,
      late: limit === undefined ? undefined : 'Timeout during command execution',
    };
    super(client, nodeRedisKeyPrefix(client), words, false);
  }

  override call<T>(operation: number, decode: Decode<T>, ...args: Arg[]): Promise<T> {
    if (this.selected !== undefined || this.hasEnded()) return super.call(operation, decode, ...args);
    const { held } = this;
    this.held = [];
    this.asking ??= this.ask();
    return this.asking.then(() => {
      super.stage(...held);
      return super.call(operation, decode, ...args);
    });
  }

  override stage(...args: Arg[]): void {
    if (this.selected !== undefined) super.stage(...args);
    else this.held.push(...args);
  }

  protected current(): Connection | Error {
    if (!this.client.isOpen) return this.closed();
    return this.connection ?? this.enter(this.selected ?? 0);
  }

  protected hasEnded(): boolean {
    return !this.client.isOpen;
  }

  protected resubscribes(): boolean {
    return true;
  }

  protected derive(): ConnectionOptions {
    const options = fromNodeRedis(this.client);
    // Without a limit of its own the client waits as long as it takes.
    const { callTimeout = LONGEST_MS } = options;
    return { ...options, callTimeout, bulkTimeout: callTimeout };
  }

  protected advise(attempt: Attempt, cause: Error | undefined): Promise<Advice | Error> {
    return adviseNodeRedis(this.client, attempt, cause, this.closed());
  }

  private async ask(): Promise<void> {
    this.selected = (await nodeRedisDatabase(this.client)) ?? 0;
    this.asking = undefined;
  }
}

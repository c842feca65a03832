/** An ioredis client and its native connection. */
import type { Advice, Arg, Attempt, Connection, Decode } from '../client.js';
import type { ConnectionOptions } from '../options.js';
import { adviseIoredis } from './advice.js';
import { DerivedClient } from './derived.js';
import { LONGEST_MS, milliseconds } from './foreign.js';
import { fromIoredis, ioredisDatabase, ioredisKeyPrefix, type IoredisClient } from './ioredis.js';
import { spoken } from './words.js';

const OFFLINE = "Stream isn't writeable and enableOfflineQueue options is false";

/** What the user's `reconnectOnError` wants: nothing, a new connection, or that and the command again. */
type Verdict = boolean | 1 | 2;

/** See the file's text. */
export class DerivedIoredis extends DerivedClient<IoredisClient> {
  private readonly reconnectOnError: ((error: Error) => Verdict) | undefined;
  /** Arguments of the next call, kept where it may have to be sent twice. */
  private held: Arg[] = [];

  constructor(client: IoredisClient) {
    const { enableOfflineQueue, commandTimeout, reconnectOnError } = client.options;
    const words = {
      closed: 'Connection is closed.',
      offline: enableOfflineQueue === false ? OFFLINE : undefined,
      late: milliseconds(commandTimeout) === undefined ? undefined : 'Command timed out',
    };
    super(client, ioredisKeyPrefix(client), words, true);
    if (typeof reconnectOnError === 'function') this.reconnectOnError = reconnectOnError as (error: Error) => Verdict;
  }

  override call<T>(operation: number, decode: Decode<T>, ...args: Arg[]): Promise<T> {
    if (this.reconnectOnError === undefined) return super.call(operation, decode, ...args);
    const staged = this.held;
    this.held = [];
    const send = (): Promise<T> => {
      super.stage(...staged);
      return super.call(operation, decode, ...args);
    };
    const { connection } = this;
    return send().catch((error: Error) => {
      const verdict = this.judge(error);
      if (verdict === false) throw error;
      // Whatever else is under way on it may still be answered.
      if (connection !== undefined) this.leave(connection);
      if (verdict !== 2) throw error;
      return send();
    });
  }

  override stage(...args: Arg[]): void {
    if (this.reconnectOnError === undefined) super.stage(...args);
    else for (const arg of args) this.held.push(arg);
  }

  protected current(): Connection | Error {
    const { client } = this;
    const { status } = client;
    const database = client.condition?.select ?? ioredisDatabase(client);
    if (status === 'ready' && !client.manuallyClosing) {
      return this.connection !== undefined && database === this.database ? this.connection : this.enter(database);
    }
    // `end` is told on a later tick than it is true.
    if (this.hasEnded()) return this.closed();
    if (this.words.offline !== undefined) return spoken(this.words.offline);
    // Its first command would have connected it, and users watch it do so. Where that fails it says so itself.
    if (status === 'wait') client.connect().catch(() => undefined);
    return this.enter(database);
  }

  protected hasEnded(): boolean {
    return this.client.status === 'end' || this.client.manuallyClosing === true;
  }

  protected resubscribes(): boolean {
    return this.client.options.autoResubscribe !== false;
  }

  protected derive(): ConnectionOptions {
    const options = fromIoredis(this.client);
    // Without a limit of its own the client waits as long as it takes.
    const { callTimeout = LONGEST_MS } = options;
    return { ...options, callTimeout, bulkTimeout: callTimeout };
  }

  protected advise(attempt: Attempt): Advice | Error {
    return adviseIoredis(this.client, attempt, this.closed());
  }

  private judge(error: Error): Verdict {
    // Only what the server said: other errors never reach the user's function in ioredis either.
    const { replyCode } = error as { replyCode?: string };
    return replyCode === undefined || this.reconnectOnError === undefined ? false : this.reconnectOnError(error);
  }
}

/** The connection of a service: the client that it was given, or one of its own. */

import { type Brought, bring, type Needs, own, type OwnConnection } from '../brought/index.js';
import { fromIoredis, type IoredisClient, ioredisKeyPrefix } from '../brought/ioredis.js';
import { Uncarriable } from '../brought/unsupported.js';
import { type Arg, type Decode, operations } from '../client.js';
import { ConfigError } from '../errors.js';
import { type ConnectionOptions, isConnectionOption } from '../options.js';
import type { IoredisCommands } from './ioredis.js';

/** Operation numbers of all services. */
export const ops: Readonly<Record<string, number>> = operations('pikku');
const { read } = operations('redis') as { read: number };

/** An open client (ioredis 5 or 6, or a double of it). It stays the user's: nobody here closes it. */
export type RedisLike = object;

/** What a service is given: a client, options (ours, or those of ioredis), a URL, or nothing for `localhost:6379`. */
export type RedisConnection = RedisLike | ConnectionOptions | string | undefined;

/** See the file's text. */
export class Link {
  /** Whether the connection is the service's own, to be closed with it. */
  readonly isOwn: boolean;
  /** What begins every key of the service, as it stands in the database. */
  readonly base: string;
  readonly #user: string;
  readonly #served: Brought;
  readonly #own: OwnConnection | undefined;

  /**
   * @param user the class, named in errors
   * @param prefix the service's key prefix
   * @param needs of a client that is given
   * @throws ConfigError naming a connection option, UnsupportedClientError
   */
  constructor(user: string, connection: RedisConnection, prefix: string, needs?: Needs) {
    this.#user = user;
    let clientPrefix = '';
    if (isClient(connection)) {
      this.#served = bring(user, connection, needs);
      clientPrefix = this.#served.keyPrefix;
    } else {
      const { options, keyPrefix } = ownOptions(user, connection);
      this.#own = own(user, options);
      this.#served = this.#own;
      clientPrefix = keyPrefix;
    }
    this.isOwn = this.#own !== undefined;
    this.base = clientPrefix + prefix;
  }

  /** What serves the client or the connection. */
  get served(): Brought {
    return this.#served;
  }

  /** The client, for calls that drive it. */
  get client(): IoredisCommands {
    return this.#served.client as IoredisCommands;
  }

  /** Sends an operation whose first argument is the base of the keys. */
  call<T>(operation: string, decode: Decode<T>, ...args: Arg[]): Promise<T> {
    return this.#served.call(ops[operation] as number, decode, this.base, ...args);
  }

  /** As {@link call}, with more arguments than may be spelt out. */
  callWith<T>(operation: string, decode: Decode<T>, args: readonly Arg[], more: readonly Arg[]): Promise<T> {
    for (const arg of more) this.#served.stage(arg);
    return this.call(operation, decode, ...args);
  }

  /** The native way, or the original's own calls where the client has to be driven. */
  either<T>(method: string, native: () => Promise<T>, driven: () => Promise<T>): Promise<T> {
    return this.#served.either(`${this.#user}.${method}`, native, driven);
  }

  /** Asks the server for an answer. */
  async ping(): Promise<void> {
    await this.either<unknown>(
      'init',
      () => this.#served.call(read, (reply) => reply.skip(), 'PING'),
      () => this.client.ping(),
    );
  }

  /** Closes a connection of the service's own; leaves a client alone. Idempotent. */
  async close(): Promise<void> {
    await this.#own?.close();
  }
}

function isClient(connection: RedisConnection): connection is RedisLike {
  return typeof connection === 'object' && connection !== null && 'hgetall' in connection && 'hset' in connection;
}

interface OwnOptions {
  options: ConnectionOptions;
  keyPrefix: string;
}

/** Our options go as they are. Of those of ioredis, what says where to connect and as whom is carried over. */
function ownOptions(user: string, given: string | object | null | undefined): OwnOptions {
  if (typeof given === 'string') return { options: address(given), keyPrefix: '' };
  const options: Record<string, unknown> = { ...given };
  if (Object.keys(options).every(isConnectionOption)) return { options, keyPrefix: '' };
  const client = { options } as unknown as IoredisClient;
  const ours = Object.fromEntries(Object.entries(options).filter(([name]) => isConnectionOption(name)));
  try {
    const derived = 'url' in ours ? {} : fromIoredis(client);
    return { options: { ...ours, ...derived }, keyPrefix: ioredisKeyPrefix(client) };
  } catch (error) {
    if (!(error instanceof Uncarriable)) throw error;
    throw new ConfigError(`${user}: ${error.option}: cannot be used by the native client`);
  }
}

/** A URL, or one of the short forms that ioredis takes: a port, a path of a socket, `host:port`. */
function address(text: string): ConnectionOptions {
  if (/^\d+$/.test(text)) return { port: Number(text) };
  if (text.startsWith('/')) return { path: text };
  return { url: text.includes('://') ? text : `redis://${text}` };
}

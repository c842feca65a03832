/**
 * A real Redis or Valkey server for development and tests.
 *
 * @example
 * ```ts
 * import { startRedis } from 'ferrodis/testing';
 *
 * await using redis = await startRedis();
 * console.log(redis.url); // redis://127.0.0.1:40321
 * ```
 *
 * @module
 */
import { ServerNotFoundError, ServerStartError } from './testing/errors.js';
import { findServer } from './testing/find.js';
import { launch } from './testing/launch.js';
import { externalServer } from './testing/probe.js';

export { findServer, ServerNotFoundError, ServerStartError };

/** What `startRedis()` should start. Every option has a default; with none, `REDIS_URL` is used if it is set. */
export interface StartRedisOptions {
  /** Server program to start. Default: see {@link findServer}. */
  binary?: string;
  /** TCP port on the loopback interface. Default: a free one. */
  port?: number;
  /** Password of the default user. Default: none. */
  password?: string;
  /** Listen on a unix socket as well; its path is {@link RedisServer.path}. Default: false. */
  unixSocket?: boolean;
  /**
   * Speak TLS only, with a certificate for `localhost` and `127.0.0.1` signed by a test authority made for this
   * server. `{ clientAuth: true }` demands a client certificate. Default: false.
   */
  tls?: boolean | { clientAuth?: boolean };
  /** Directives of `redis.conf` by name, for example `{ maxmemory: '10mb', appendonly: 'yes' }`. Default: none. */
  config?: Readonly<Record<string, string>>;
  /** Further command-line arguments, after all others. Default: none. */
  args?: readonly string[];
}

/** Certificates of a server that speaks TLS, in PEM. */
export interface TestCertificates {
  /** Certificate of the authority that signed the other two: what a client has to trust. */
  ca: string;
  /** A client certificate, with its key. */
  cert: string;
  key: string;
}

/** A server that is ready for connections. */
export interface RedisServer extends AsyncDisposable {
  /** `redis://` or `rediss://`, with the password if there is one. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Unix socket, if one was asked for. */
  readonly path: string | undefined;
  readonly kind: 'redis' | 'valkey';
  /** For example `7.0.15`. */
  readonly version: string;
  /** Process id; undefined for a server that was running already (`REDIS_URL`). */
  readonly pid: number | undefined;
  /** Present when the server speaks TLS. */
  readonly tls: TestCertificates | undefined;
  /** Ends the server and removes its files. A server that was running already is left alone. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a server on a free port: empty, without persistence, with its files in a temporary folder. It ends with
 * `stop()`, with `await using`, or with this process, however that ends. It does not keep this process alive.
 *
 * When `REDIS_URL` is set and no option is given, that server is used instead, as it is and with what is in it.
 *
 * @throws {ServerNotFoundError} no server program was found; the message says how to install one
 * @throws {ServerStartError} the program ended or never became ready; the message has the end of its log
 */
export async function startRedis(options: StartRedisOptions = {}): Promise<RedisServer> {
  const running = process.env['REDIS_URL'];
  if (running && Object.keys(options).length === 0) return externalServer(running);
  const binary = options.binary ?? findServer();
  if (!binary) throw new ServerNotFoundError();
  return launch(binary, options);
}

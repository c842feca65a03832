/** What a standalone node-redis client says about its connection. `options` has the URL's parts, but no defaults. */
import type { ConnectionOptions } from '../options.js';
import { type Bag, clientName, compact, family, isBag, milliseconds, number, text } from './foreign.js';
import { deriveTls } from './tls.js';
import { refuseSet, Uncarriable } from './unsupported.js';

/** The part of a node-redis client that is used. */
export interface NodeRedisClient {
  readonly options: Bag;
  /** Version 6: the key prefix in use. */
  readonly _keyPrefix?: unknown;
  readonly isOpen: boolean;
  sendCommand(args: string[]): Promise<unknown>;
  on(event: string, listener: () => void): unknown;
}

/** A user and a password, either of which may be absent. */
export interface Credentials {
  username: string | undefined;
  password: string | undefined;
}

const UNCARRIABLE = ['clientSideCache', 'emitInvalidate'] as const;

/** The prefix that the client puts before key arguments of its typed methods. Version 5 keeps such an option, unused. */
export function nodeRedisKeyPrefix(client: NodeRedisClient): string {
  return text(client['_keyPrefix']) ?? '';
}

/**
 * The native connection that says the same, without credentials that have to be asked for.
 *
 * @throws Uncarriable
 */
export function fromNodeRedis(client: NodeRedisClient): ConnectionOptions {
  const { options } = client;
  const socket = isBag(options.socket) ? options.socket : {};
  refuseSet(options, UNCARRIABLE);
  const path = text(socket.path);
  const provider = options.credentialsProvider;
  if (isBag(provider) && provider.type !== 'async-credentials-provider') {
    throw new Uncarriable('streaming credentialsProvider');
  }
  return compact<ConnectionOptions>({
    ...(path === undefined ? { host: text(socket.host) ?? 'localhost', port: number(socket.port) ?? 6379 } : { path }),
    username: text(options.username),
    password: text(options.password),
    db: number(options.database),
    family: path === undefined ? family(socket.family) : undefined,
    readOnly: options.readonly === true ? true : undefined,
    tls: socket.tls === true ? deriveTls(socket, 'socket.') : undefined,
    connectTimeout: milliseconds(socket.connectTimeout),
    callTimeout: milliseconds(isBag(options.commandOptions) ? options.commandOptions.timeout : undefined),
    failFast: options.disableOfflineQueue === true ? true : undefined,
    clientName: clientName(options.name),
  });
}

/** The credentials of this moment. The library wraps a plain user and password in a provider too, so that comes first. */
export async function nodeRedisCredentials(client: NodeRedisClient): Promise<Credentials> {
  const { credentialsProvider: provider, username, password } = client.options;
  if (!isBag(provider) || typeof provider.credentials !== 'function') {
    return { username: text(username), password: text(password) };
  }
  const given = (await (provider as { credentials(): Promise<unknown> }).credentials()) as Bag | undefined;
  return { username: text(given?.username), password: text(given?.password) };
}

/** What `select()` chose is private to node-redis; the server knows. Where it will not say, the option counts. */
export async function nodeRedisDatabase(client: NodeRedisClient): Promise<number | undefined> {
  try {
    const info = await client.sendCommand(['CLIENT', 'INFO']);
    const found = /(?:^|\s)db=(\d+)/.exec(String(info));
    if (found !== null) return Number(found[1]);
  } catch {
    // The server is older than 6.2, or the user may not ask.
  }
  return number(client.options.database);
}

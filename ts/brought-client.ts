/**
 * Clients that the user brings: what kind of object it is, and which native connection says the same. The object is the
 * truth and stays the user's: nothing here closes it, and an option that we cannot honour is refused, never ignored.
 *
 * Recognised by shape, because neither `instanceof` nor `constructor.name` works across copies and versions of the
 * packages: node-redis 5 and 6, ioredis 5 and 6.
 */

import type { ConnectionOptions } from './options.js';

/** What a brought object turned out to be. */
export type ClientKind =
  | 'ioredis client'
  | 'ioredis Cluster'
  | 'node-redis client'
  | 'node-redis cluster'
  | 'node-redis sentinel'
  | 'node-redis pool'
  | 'unknown object';

type Bag = Record<string, unknown>;

/** The part of both libraries' clients that is used: never more than listening and asking for the database. */
export interface BroughtEmitter {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** A brought object that cannot be served. `code` is stable. */
export class UnsupportedClientError extends TypeError {
  /** Always `ERR_UNSUPPORTED_REDIS_CLIENT`. */
  readonly code = 'ERR_UNSUPPORTED_REDIS_CLIENT';

  constructor(message: string) {
    super(message);
    this.name = 'UnsupportedClientError';
  }
}

function isBag(value: unknown): value is Bag {
  return typeof value === 'object' && value !== null;
}

/** What kind of client an object is, by its shape. Reads properties only. */
export function recogniseClient(client: unknown): ClientKind {
  if (!isBag(client)) return 'unknown object';
  if (client.isCluster === true && Array.isArray(client.startupNodes) && isBag(client.options))
    return 'ioredis Cluster';
  if (
    client.isCluster === false &&
    typeof client.status === 'string' &&
    isBag(client.options) &&
    isBag(client.connector) &&
    typeof client.connector.connect === 'function' &&
    typeof client.sendCommand === 'function'
  ) {
    return 'ioredis client';
  }
  if (typeof client.isOpen !== 'boolean') return 'unknown object';
  if (typeof client.isReady === 'boolean' && typeof client.legacy === 'function' && isBag(client.options)) {
    return 'node-redis client';
  }
  const hidden = client['_options'];
  if (isBag(hidden) && Array.isArray(hidden.rootNodes)) return 'node-redis cluster';
  if (typeof client.getSentinelNode === 'function') return 'node-redis sentinel';
  if (typeof client.totalClients === 'number' && typeof client.execute === 'function') return 'node-redis pool';
  return 'unknown object';
}

/** Whether a recognised standalone client has been opened and not ended. */
export function isClientOpen(client: object): boolean {
  const { isOpen, status } = client as Bag;
  return typeof status === 'string' ? status !== 'wait' && status !== 'end' : isOpen === true;
}

/** The text that the client's own library gives once it has ended. */
export function endedText(client: object): string {
  return recogniseClient(client) === 'ioredis client' ? 'Connection is closed.' : 'The client is closed';
}

/**
 * The native connection that says the same as an open client: server, credentials, the database it has selected, time
 * limits. Asks a node-redis client for its database, and its credentials provider for the credentials.
 *
 * @param user names who was given the client, in errors
 * @throws UnsupportedClientError when the kind, or an option that is set, cannot be carried
 */
export async function deriveOptions(user: string, client: object): Promise<ConnectionOptions> {
  const kind = recogniseClient(client);
  if (kind === 'node-redis client') return fromNodeRedis(user, client as NodeRedisClient);
  if (kind === 'ioredis client') return fromIoredis(user, client as IoredisClient);
  const got = kind === 'unknown object' ? 'an object that is no known Redis client' : `${article(kind)} ${kind}`;
  throw new UnsupportedClientError(
    `${user}: got ${got}, which cannot be used by the native client, and this kind cannot be driven from ` +
      'JavaScript. Pass a standalone node-redis or ioredis client, or a URL.',
  );
}

function article(kind: string): string {
  return kind.startsWith('i') ? 'an' : 'a';
}

function refuse(user: string, kind: ClientKind, option: string): UnsupportedClientError {
  return new UnsupportedClientError(
    `${user}: got ${article(kind)} ${kind} whose ${option} cannot be used by the native client, and this kind cannot ` +
      `be driven from JavaScript. Pass ${article(kind)} ${kind} without ${option}, or a URL.`,
  );
}

/** Options that mean something only to the client itself, or that say the default. */
function isUnset(value: unknown): boolean {
  return value === undefined || value === null || value === false || value === '';
}

function refuseSet(user: string, kind: ClientKind, options: Bag, names: readonly string[], path = ''): void {
  for (const name of names) {
    if (!isUnset(options[name])) throw refuse(user, kind, path + name);
  }
}

/** Numbers from a URL's query stay texts in ioredis. */
function number(value: unknown): number | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const parsed = Number(value);
  return Number.isFinite(parsed) ? parsed : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Only what is set: an absent option must not stand in the way of a default. */
function compact(options: {
  [Name in keyof ConnectionOptions]: ConnectionOptions[Name] | undefined;
}): ConnectionOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as ConnectionOptions;
}

const TLS_CARRIED = ['ca', 'cert', 'key', 'servername'] as const;
const TLS_REFUSED = [
  'pfx',
  'passphrase',
  'minVersion',
  'maxVersion',
  'ciphers',
  'ALPNProtocols',
  'checkServerIdentity',
  'secureContext',
  'lookup',
  'pskCallback',
  'session',
  'requestOCSP',
  'socket',
  'secureProtocol',
  'sigalgs',
  'ecdhCurve',
  'crl',
] as const;

/** Node's TLS options, where they have a native counterpart. */
function deriveTls(
  user: string,
  kind: ClientKind,
  tls: Bag,
  path: string,
): Exclude<ConnectionOptions['tls'], undefined> {
  refuseSet(user, kind, tls, TLS_REFUSED, path);
  const derived: Bag = {};
  for (const name of TLS_CARRIED) {
    if (isUnset(tls[name])) continue;
    derived[name] = pem(tls[name]);
    if (derived[name] === undefined) throw refuse(user, kind, path + name);
  }
  if (tls.rejectUnauthorized === false) derived.dangerouslyAcceptInvalidCertificates = true;
  return Object.keys(derived).length === 0 ? true : derived;
}

/** One text or several, as text or bytes; undefined for forms that Node alone knows. */
function pem(value: unknown): string | Uint8Array | undefined {
  if (typeof value === 'string' || value instanceof Uint8Array) return value;
  if (!Array.isArray(value)) return undefined;
  const parts = value.map((part: unknown) => (part instanceof Uint8Array ? Buffer.from(part).toString() : part));
  return parts.every((part) => typeof part === 'string') ? parts.join('\n') : undefined;
}

interface NodeRedisClient {
  readonly options: Bag;
  sendCommand(args: string[]): Promise<unknown>;
}

const NODE_REDIS_REFUSED = ['keyPrefix', 'readonly', 'clientSideCache'] as const;

async function fromNodeRedis(user: string, client: NodeRedisClient): Promise<ConnectionOptions> {
  const kind = 'node-redis client';
  const { options } = client;
  const socket = isBag(options.socket) ? options.socket : {};
  refuseSet(user, kind, options, NODE_REDIS_REFUSED);
  if (socket.tls === true) refuseSet(user, kind, socket, ['lookup'], 'socket.');
  const credentials = await nodeRedisCredentials(user, options);
  const path = text(socket.path);
  return compact({
    ...(path === undefined ? { host: text(socket.host) ?? 'localhost', port: number(socket.port) ?? 6379 } : { path }),
    ...credentials,
    db: await selectedDatabase(client),
    tls: socket.tls === true ? deriveTls(user, kind, socket, 'socket.') : undefined,
    connectTimeout: number(socket.connectTimeout),
    callTimeout: number(isBag(options.commandOptions) ? options.commandOptions.timeout : undefined),
    failFast: options.disableOfflineQueue === true ? true : undefined,
    clientName: text(options.name),
  });
}

/** node-redis wraps a plain user and password in a provider too, so the provider comes first. */
async function nodeRedisCredentials(
  user: string,
  options: Bag,
): Promise<{ username: string | undefined; password: string | undefined }> {
  const provider = options.credentialsProvider;
  if (!isBag(provider)) return { username: text(options.username), password: text(options.password) };
  if (provider.type !== 'async-credentials-provider' || typeof provider.credentials !== 'function') {
    throw refuse(user, 'node-redis client', 'streaming credentialsProvider');
  }
  const given = (await (provider as { credentials(): Promise<unknown> }).credentials()) as Bag | undefined;
  return { username: text(given?.username), password: text(given?.password) };
}

/** What `select()` chose is private to node-redis; the server knows. Where it will not say, the option counts. */
async function selectedDatabase(client: NodeRedisClient): Promise<number | undefined> {
  try {
    const info = await client.sendCommand(['CLIENT', 'INFO']);
    const found = /(?:^|\s)db=(\d+)/.exec(String(info));
    if (found !== null) return Number(found[1]);
  } catch {
    // The server is older than 6.2, or the user may not ask.
  }
  return number(client.options.database);
}

interface IoredisClient {
  readonly options: Bag;
  readonly condition?: { select?: number } | null;
}

const IOREDIS_REFUSED = [
  'Connector',
  'monitor',
  'sentinels',
  'natMap',
  'reconnectOnError',
  'keyPrefix',
  'readOnly',
] as const;

function fromIoredis(user: string, client: IoredisClient): ConnectionOptions {
  const kind = 'ioredis client';
  const { options } = client;
  refuseSet(user, kind, options, IOREDIS_REFUSED);
  const tls = isBag(options.tls) ? options.tls : {};
  // ioredis spreads these over the address.
  refuseSet(user, kind, tls, ['host', 'port', 'path'], 'tls.');
  const path = text(options.path);
  return compact({
    ...(path === undefined
      ? { host: text(options.host) ?? 'localhost', port: number(options.port) ?? 6379 }
      : { path }),
    username: text(options.username),
    password: text(options.password),
    db: client.condition?.select ?? number(options.db),
    tls: isUnset(options.tls) ? undefined : deriveTls(user, kind, tls, 'tls.'),
    connectTimeout: number(options.connectTimeout),
    callTimeout: number(options.commandTimeout),
    failFast: options.enableOfflineQueue === false ? true : undefined,
    clientName: text(options.connectionName),
  });
}

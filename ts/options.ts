/** Connection options: what users may give, and its check before it crosses. */
import process from 'node:process';
import { ConfigError } from './errors.js';
import type { NativeOptions } from './native.js';

/** TLS settings. Certificates and keys are PEM, as text or bytes. */
export interface TlsOptions {
  /** Certificates to trust instead of the built-in and the system's. */
  ca?: string | Uint8Array;
  /** Own certificate chain; `key` belongs to it. */
  cert?: string | Uint8Array;
  /** Own private key, not encrypted. */
  key?: string | Uint8Array;
  /** The name that the server's certificate must carry. Default: the host that is dialled. */
  servername?: string;
  /** Only `true` is accepted; see `dangerouslyAcceptInvalidCertificates`. */
  rejectUnauthorized?: boolean;
  /** Accepts any certificate. Refused in production unless the environment repeats it. */
  dangerouslyAcceptInvalidCertificates?: boolean;
  /** @internal Because a client that the user brought does, so that nothing is weakened. */
  asAnotherClient?: boolean;
  /** The oldest version of TLS that is accepted. Default `TLSv1.2`. */
  minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** The newest version of TLS that is offered. Default `TLSv1.3`. */
  maxVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** Application protocols that are offered. */
  ALPNProtocols?: string[];
}

/** A server's place. */
export interface ServerAddress {
  /** Host name or address. Default `localhost`. */
  host?: string | undefined;
  /** TCP port. Default 26379 for a sentinel, 6379 for others. */
  port?: number | undefined;
}

/** Where and how to connect. Everything is optional; the default is `localhost:6379` without TLS. */
export interface ConnectionOptions {
  /**
   * `redis:`, `rediss:`, `valkey:`, `valkeys:` or `unix:` URL, or `redis+sentinel://host,host/name`. Options beside it
   * go before its parts.
   */
  url?: string | undefined;
  /** Host name or address. Default `localhost`. */
  host?: string | undefined;
  /** TCP port. Default 6379. */
  port?: number | undefined;
  /** 4 or 6: only such addresses of a host name are tried. Default 0, any. */
  family?: 0 | 4 | 6 | undefined;
  /** Path of a unix socket, instead of host and port. */
  path?: string | undefined;
  /** ACL user. */
  username?: string | undefined;
  /** Password. */
  password?: string | undefined;
  /** Database number. Default 0. */
  db?: number | undefined;
  /** Lets a replica of a cluster answer reads (READONLY). Default false. */
  readOnly?: boolean | undefined;
  /** `true`, or settings, for TLS. A `rediss:` or `valkeys:` URL means `true`. */
  tls?: boolean | TlsOptions | undefined;
  /** Insist on RESP2 or RESP3. */
  protocol?: 2 | 3 | undefined;
  /** What `CLIENT LIST` shows. */
  clientName?: string | undefined;
  /** ms for name resolution, connecting, TLS and handshake together. Default 5000. */
  connectTimeout?: number | undefined;
  /** ms for one call. Default 10000. */
  callTimeout?: number | undefined;
  /** ms for one round trip of a bulk or listing call. Default 30000. */
  bulkTimeout?: number | undefined;
  /** Calls that may be pending; more wait. Default 16384. */
  maxInFlight?: number | undefined;
  /** Bytes of requests that may wait for their answer; beyond, calls wait. Default 64 MiB. */
  maxQueuedBytes?: number | undefined;
  /** Bytes of one reply. Default 64 MiB, at most 512 MiB. */
  maxReplyBytes?: number | undefined;
  /** Reject a call at once where it would have to wait for room or for a lost connection. Default false. */
  failFast?: boolean | undefined;
  /** Which lane carries the calls: `loop` (Node only, no TLS), `runtime`, or whichever fits. Default `auto`. */
  lane?: 'auto' | 'loop' | 'runtime' | undefined;
  /** Sentinels to ask for the master, instead of `host` and `port`. They are asked in this order. */
  sentinels?: readonly ServerAddress[] | undefined;
  /** The name by which the sentinels know the master. Needed with `sentinels`. */
  sentinelName?: string | undefined;
  /** ACL user of the sentinels. `username` and `password` are the master's only. */
  sentinelUsername?: string | undefined;
  /** Password of the sentinels. */
  sentinelPassword?: string | undefined;
  /** `true`, or settings, for TLS to the sentinels. `tls` is the master's only. */
  sentinelTls?: boolean | TlsOptions | undefined;
  /** Nodes of a Redis Cluster to begin with, instead of `host` and `port`: they tell of the others. */
  cluster?: readonly ServerAddress[] | undefined;
  /** Where to dial for a `host:port` that the sentinels or the cluster name, when their network is not ours. */
  natMap?: Readonly<Record<string, ServerAddress>> | undefined;
}

const TYPES: Readonly<Record<keyof ConnectionOptions, 'string' | 'number' | 'boolean' | keyof typeof readers>> = {
  url: 'string',
  host: 'string',
  port: 'number',
  family: 'number',
  path: 'string',
  username: 'string',
  password: 'string',
  db: 'number',
  readOnly: 'boolean',
  tls: 'tls',
  protocol: 'number',
  clientName: 'string',
  connectTimeout: 'number',
  callTimeout: 'number',
  bulkTimeout: 'number',
  maxInFlight: 'number',
  maxQueuedBytes: 'number',
  maxReplyBytes: 'number',
  failFast: 'boolean',
  lane: 'string',
  sentinels: 'addresses',
  sentinelName: 'string',
  sentinelUsername: 'string',
  sentinelPassword: 'string',
  sentinelTls: 'tls',
  cluster: 'addresses',
  natMap: 'natMap',
};

/** Whether connections have an option of this name. */
export function isConnectionOption(name: string): boolean {
  return Object.hasOwn(TYPES, name);
}

/** Options that are more than one value: each reads what was given under a name, or throws. */
const readers = { tls: nativeTls, addresses: nativeAddresses, natMap: nativeNatMap };

/**
 * The options as native code takes them. Unknown options are errors, since a misspelt one would be silently without
 * effect.
 *
 * @throws {ConfigError} naming the option
 */
export function nativeOptions(options: ConnectionOptions): NativeOptions {
  if (typeof options !== 'object' || options === null) throw new ConfigError('options: must be an object');
  const checked: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    const type = isConnectionOption(name) ? TYPES[name as keyof ConnectionOptions] : undefined;
    if (type === undefined) throw new ConfigError(`${name}: is not a connection option`);
    if (value === undefined || value === null) continue;
    if (type === 'tls' || type === 'addresses' || type === 'natMap') {
      const read = readers[type](name, value);
      if (read !== undefined) checked[name] = read;
    } else if (typeof value !== type) {
      throw new ConfigError(`${name}: must be a ${type}`);
    } else {
      checked[name] = value;
    }
  }
  // The whole test suite runs on either lane by this variable.
  checked['lane'] ??= process.env['FERRODIS_LANE'] ?? 'auto';
  return checked as NativeOptions;
}

function nativeAddress(path: string, value: unknown): ServerAddress {
  if (typeof value !== 'object' || value === null)
    throw new ConfigError(`${path}: must be an object with host and port`);
  const checked: ServerAddress = {};
  for (const [name, part] of Object.entries(value)) {
    if (name !== 'host' && name !== 'port') throw new ConfigError(`${path}.${name}: is not a part of an address`);
    if (part === undefined || part === null) continue;
    const type = name === 'host' ? 'string' : 'number';
    if (typeof part !== type) throw new ConfigError(`${path}.${name}: must be a ${type}`);
    (checked as Record<string, unknown>)[name] = part;
  }
  return checked;
}

function nativeAddresses(path: string, value: unknown): ServerAddress[] {
  if (!Array.isArray(value)) throw new ConfigError(`${path}: must be an array of objects with host and port`);
  return value.map((address, index) => nativeAddress(`${path}[${index}]`, address));
}

function nativeNatMap(path: string, value: unknown): Record<string, ServerAddress> {
  if (typeof value !== 'object' || value === null) throw new ConfigError(`${path}: must be an object`);
  return Object.fromEntries(Object.entries(value).map(([from, to]) => [from, nativeAddress(`${path}['${from}']`, to)]));
}

function nativeTls(path: string, tls: unknown): NonNullable<NativeOptions['tls']> | undefined {
  if (tls === false) return undefined;
  if (tls === true) return {};
  if (typeof tls !== 'object' || tls === null) throw new ConfigError(`${path}: must be true, false or an object`);
  const checked: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(tls)) {
    if (value === undefined || value === null) continue;
    switch (name) {
      case 'ca':
      case 'cert':
      case 'key':
        if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
          throw new ConfigError(`${path}.${name}: must be PEM as a string or bytes`);
        }
        checked[name] = typeof value === 'string' ? new TextEncoder().encode(value) : new Uint8Array(value);
        break;
      case 'servername':
      case 'minVersion':
      case 'maxVersion':
        if (typeof value !== 'string') throw new ConfigError(`${path}.${name}: must be a string`);
        checked[name] = value;
        break;
      case 'ALPNProtocols':
        if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) {
          throw new ConfigError(`${path}.ALPNProtocols: must be an array of strings`);
        }
        checked[name] = value;
        break;
      case 'asAnotherClient':
      case 'rejectUnauthorized':
      case 'dangerouslyAcceptInvalidCertificates':
        if (typeof value !== 'boolean') throw new ConfigError(`${path}.${name}: must be a boolean`);
        checked[name] = value;
        break;
      default:
        throw new ConfigError(`${path}.${name}: is not a TLS option`);
    }
  }
  return checked;
}

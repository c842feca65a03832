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
}

/** Where and how to connect. Everything is optional; the default is `localhost:6379` without TLS. */
export interface ConnectionOptions {
  /** `redis:`, `rediss:`, `valkey:`, `valkeys:` or `unix:` URL. Options beside it go before its parts. */
  url?: string | undefined;
  /** Host name or address. Default `localhost`. */
  host?: string | undefined;
  /** TCP port. Default 6379. */
  port?: number | undefined;
  /** Path of a unix socket, instead of host and port. */
  path?: string | undefined;
  /** ACL user. */
  username?: string | undefined;
  /** Password. */
  password?: string | undefined;
  /** Database number. Default 0. */
  db?: number | undefined;
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
}

const TYPES: Readonly<Record<keyof ConnectionOptions, 'string' | 'number' | 'boolean' | 'tls'>> = {
  url: 'string',
  host: 'string',
  port: 'number',
  path: 'string',
  username: 'string',
  password: 'string',
  db: 'number',
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
};

/** Whether connections have an option of this name. */
export function isConnectionOption(name: string): boolean {
  return Object.hasOwn(TYPES, name);
}

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
    if (type === 'tls') {
      const tls = nativeTls(value as boolean | TlsOptions);
      if (tls !== undefined) checked['tls'] = tls;
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

function nativeTls(tls: boolean | TlsOptions): NonNullable<NativeOptions['tls']> | undefined {
  if (tls === false) return undefined;
  if (tls === true) return {};
  if (typeof tls !== 'object') throw new ConfigError('tls: must be true, false or an object');
  const checked: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(tls)) {
    if (value === undefined || value === null) continue;
    switch (name) {
      case 'ca':
      case 'cert':
      case 'key':
        if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
          throw new ConfigError(`tls.${name}: must be PEM as a string or bytes`);
        }
        checked[name] = typeof value === 'string' ? new TextEncoder().encode(value) : new Uint8Array(value);
        break;
      case 'servername':
        if (typeof value !== 'string') throw new ConfigError('tls.servername: must be a string');
        checked[name] = value;
        break;
      case 'rejectUnauthorized':
      case 'dangerouslyAcceptInvalidCertificates':
        if (typeof value !== 'boolean') throw new ConfigError(`tls.${name}: must be a boolean`);
        checked[name] = value;
        break;
      default:
        throw new ConfigError(`tls.${name}: is not a TLS option`);
    }
  }
  return checked;
}

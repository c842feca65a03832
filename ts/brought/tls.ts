/** TLS settings as Node's `tls.connect` takes them, where they have a native counterpart. */
import { createPrivateKey } from 'node:crypto';
import process from 'node:process';

import type { ConnectionOptions, TlsOptions } from '../options.js';
import { type Bag, compact, isUnset, text } from './foreign.js';
import { refuseSet, Uncarriable } from './unsupported.js';

/** What only Node's own TLS can do. A function among them must never be replaced by a weaker check. */
const UNCARRIABLE = [
  'pfx',
  'ciphers',
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

/**
 * The native settings.
 *
 * @param path where the settings were found, as `tls.`
 * @throws Uncarriable
 */
export function deriveTls(tls: Bag, path: string): Exclude<ConnectionOptions['tls'], undefined> {
  refuseSet(tls, UNCARRIABLE, path);
  const derived = compact<TlsOptions>({
    ca: pem(tls, 'ca', path),
    cert: pem(tls, 'cert', path),
    key: decrypted(pem(tls, 'key', path), tls.passphrase, path),
    servername: text(tls.servername),
    minVersion: version(tls, 'minVersion', path),
    maxVersion: version(tls, 'maxVersion', path),
    ALPNProtocols: protocols(tls.ALPNProtocols, path),
    ...(isVerified(tls) ? {} : { dangerouslyAcceptInvalidCertificates: true, asAnotherClient: true }),
  });
  return Object.keys(derived).length === 0 ? true : derived;
}

/** As Node decides it: the environment counts where the options say nothing. */
function isVerified(tls: Bag): boolean {
  if (typeof tls.rejectUnauthorized === 'boolean') return tls.rejectUnauthorized;
  return process.env['NODE_TLS_REJECT_UNAUTHORIZED'] !== '0';
}

/** One text or several, as text or bytes. Other forms Node alone knows. */
function pem(tls: Bag, name: string, path: string): string | Uint8Array | undefined {
  const value = tls[name];
  if (isUnset(value)) return undefined;
  if (typeof value === 'string' || value instanceof Uint8Array) return value;
  const parts = Array.isArray(value)
    ? value.map((part: unknown) => (part instanceof Uint8Array ? Buffer.from(part).toString() : part))
    : [value];
  if (!parts.every((part) => typeof part === 'string')) throw new Uncarriable(path + name);
  return parts.join('\n');
}

/** Native code takes keys only as they are. */
function decrypted(
  key: string | Uint8Array | undefined,
  passphrase: unknown,
  path: string,
): string | Uint8Array | undefined {
  if (key === undefined || isUnset(passphrase)) return key;
  try {
    const locked = typeof key === 'string' ? key : Buffer.from(key);
    return createPrivateKey({ key: locked, passphrase: passphrase as string }).export({ type: 'pkcs8', format: 'pem' });
  } catch {
    throw new Uncarriable(`${path}passphrase`);
  }
}

/** Native code begins at TLS 1.2, which every older lower limit allows. */
function version(tls: Bag, name: 'minVersion' | 'maxVersion', path: string): TlsOptions['minVersion'] {
  const value = tls[name];
  if (isUnset(value)) return undefined;
  if (value === 'TLSv1.2' || value === 'TLSv1.3') return value;
  if (name === 'minVersion' && (value === 'TLSv1' || value === 'TLSv1.1')) return undefined;
  throw new Uncarriable(path + name);
}

function protocols(value: unknown, path: string): string[] | undefined {
  if (isUnset(value)) return undefined;
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value as string[];
  throw new Uncarriable(`${path}ALPNProtocols`);
}

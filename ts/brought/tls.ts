/** TLS settings as Node's `tls.connect` takes them, where they have a native counterpart. */
import type { ConnectionOptions } from '../options.js';
import { type Bag, isUnset } from './foreign.js';
import { refuseSet, Uncarriable } from './unsupported.js';

const CARRIED = ['ca', 'cert', 'key', 'servername'] as const;

/** What only Node's own TLS can do. A function among them must never be replaced by a weaker check. */
const UNCARRIABLE = [
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

/**
 * The native settings.
 *
 * @param path where the settings were found, as `tls.`
 * @throws Uncarriable
 */
export function deriveTls(tls: Bag, path: string): Exclude<ConnectionOptions['tls'], undefined> {
  refuseSet(tls, UNCARRIABLE, path);
  const derived: Bag = {};
  for (const name of CARRIED) {
    if (isUnset(tls[name])) continue;
    derived[name] = pem(tls[name]);
    if (derived[name] === undefined) throw new Uncarriable(path + name);
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

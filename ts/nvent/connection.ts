/** Where nvent's configuration says the server is. */
import type { ConnectionOptions } from '../options.js';

/** A connection as `nuxt.config` and the environment give it: numbers may be strings, and what is empty is not there. */
export interface NventConnection extends Omit<ConnectionOptions, 'port' | 'db'> {
  /** Default 6379. */
  port?: number | string | undefined;
  /** Default 0. */
  db?: number | string | undefined;
}

/** Texts, which may come as numbers: Nitro turns `NUXT_…_PASSWORD=123456` into one. */
const TEXTS = ['url', 'host', 'path', 'username', 'password', 'clientName'] as const satisfies ReadonlyArray<
  keyof ConnectionOptions
>;

/** What else is taken from a connection. It may hold more, which was meant for another client. */
const KNOWN = [
  'tls',
  'protocol',
  'connectTimeout',
  'callTimeout',
  'bulkTimeout',
  'maxInFlight',
  'maxQueuedBytes',
  'maxReplyBytes',
  'failFast',
  'lane',
] as const satisfies ReadonlyArray<keyof ConnectionOptions>;

/** Instead of an address. With one, they are meant for another client: the original takes the address. */
const PLACES = [
  'sentinels',
  'sentinelName',
  'sentinelUsername',
  'sentinelPassword',
  'sentinelTls',
  'cluster',
  'natMap',
] as const satisfies ReadonlyArray<keyof ConnectionOptions>;

/** The connection options that a connection of nvent's configuration stands for. */
export function connectionOptions(connection: NventConnection | null | undefined): ConnectionOptions {
  const given: Record<string, unknown> = { ...connection };
  const options: Record<string, unknown> = {};
  const take = (names: readonly string[], read: (value: unknown) => unknown = (value) => value): void => {
    for (const name of names) {
      const value = given[name];
      if (value !== undefined && value !== null && value !== '') options[name] = read(value);
    }
  };
  const number = (value: unknown): number | undefined => (value ? Number(value) : undefined);
  take(TEXTS, String);
  take(KNOWN);
  take(['db', 'family'], number);
  const hasAddress = 'url' in options || 'host' in options || 'path' in options;
  if (!hasAddress && (given['sentinels'] || given['cluster'])) take(PLACES);
  else take(['port'], number);
  return options as ConnectionOptions;
}

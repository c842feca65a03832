/** Secrets, sealed before they leave the process. */

import { KeyRing, type RedisSecretServiceConfig } from './key-ring.js';
import { Link, type RedisConnection } from './link.js';
import { hasJsonSecrets, hasSaltedKeys, type SecretValue, secretValues } from './optional-core.js';
import { newSalt, openValue, sealEnvelope, wrapDEK } from './secret-crypto.js';
import { type Rewrap, type Salts, type SecretRow, SecretRows, type WrappedRow } from './secret-rows.js';

export type { RedisSecretServiceConfig } from './key-ring.js';

/**
 * The `SecretService` of pikku on Redis: one hash for each secret, `P:secret:NAME`. Stands for that of `@pikku/redis`
 * 0.12.18, and has the methods of 0.12.3 too. What it returns, and the form that it writes, are those of the core it runs
 * with; it reads all forms.
 */
export class RedisSecretService {
  readonly #link: Link;
  readonly #rows: SecretRows;
  readonly #ring: KeyRing;
  readonly #salts: Salts = new Map();

  /**
   * @param connection a client, or where to connect; an own connection is closed with the service
   * @param config the passphrase and its version
   */
  constructor(connection: RedisConnection, config: RedisSecretServiceConfig) {
    const keyPrefix = config.keyPrefix ?? 'pikku';
    this.#link = new Link('RedisSecretService', connection, keyPrefix);
    this.#rows = new SecretRows(this.#link, keyPrefix);
    this.#ring = new KeyRing(config);
  }

  /**
   * A secret: wrapped where core has `createSecretValue` (0.12.76 and later), bare before.
   *
   * @throws Error (rejects) `Requested secret not found`; with cores that know `getSecretJSON`, `Secret not found: <name>`
   * @throws DOMException (rejects) `OperationError`: the key is another one
   */
  async getSecret<T = string>(key: string): Promise<SecretValue<T>> {
    const value = (await this.#value(key)) as T;
    // Bare where the host knows no other form: its type says so too.
    return (await secretValues())?.createSecretValue(value) ?? (value as unknown as SecretValue<T>);
  }

  /** Whether there is a secret. */
  async hasSecret(key: string): Promise<boolean> {
    return this.#rows.has(key);
  }

  /**
   * Stores a secret, which may be wrapped.
   *
   * @throws TypeError (rejects) the value has no JSON
   */
  async setSecret(key: string, value: unknown): Promise<void> {
    const wrapped = (await secretValues())?.isSecretValue(value) === true;
    const json = JSON.stringify(wrapped ? (value as SecretValue<unknown>).reveal() : value) as string | undefined;
    if (json === undefined) throw new TypeError('RedisSecretService: the value of a secret must not be undefined');
    const { version } = this.#ring;
    const kek = await this.#ring.kek(version, (await hasSaltedKeys()) ? await this.#saltFor(version) : undefined);
    await this.#rows.write(key, await sealEnvelope(kek, json), version);
  }

  /** Deletes a secret, if there is one. */
  async deleteSecret(key: string): Promise<void> {
    await this.#rows.delete(key);
  }

  /**
   * Several secrets in one round trip; those that are not there are left out.
   *
   * @throws Error (rejects) `Failed to decrypt secret "<name>" …`, with the reason as its cause
   */
  async getSecrets<T extends Record<string, unknown> = Record<string, unknown>>(
    keys: Array<keyof T & string>,
  ): Promise<Partial<{ [Key in keyof T]: SecretValue<T[Key]> }>> {
    const found: Record<string, unknown> = {};
    if (keys.length === 0) return found as never;
    const wrap = (await secretValues())?.createSecretValue;
    for (const row of await this.#read(keys)) {
      if (row.ciphertext === '') continue;
      const value = await this.#open(row).catch((cause: unknown) => Promise.reject(undecryptable(row, cause)));
      found[row.name] = wrap === undefined ? value : wrap(value);
    }
    return found as never;
  }

  /**
   * Wraps what older key versions wrapped, and what was wrapped without a salt, under the key of this version. A secret
   * that is set meanwhile keeps what was set.
   *
   * @returns how many secrets were changed
   * @throws Error (rejects) without `previousKey`; and, after all others were changed, `Failed to decrypt secret "<name>" …`
   */
  async rotateKEK(): Promise<number> {
    if (!this.#ring.hasPrevious) throw new Error('No previousKey configured — nothing to rotate from');
    let cursor = '0';
    let count = 0;
    let failure: Error | undefined;
    do {
      const page = await this.#rows.scan(cursor);
      cursor = page.next;
      let rows: WrappedRow[] = page.rows;
      while (rows.length > 0) {
        const changes: Rewrap[] = [];
        for (const row of rows) {
          try {
            const to = await this.#rewrapped(row);
            if (to !== undefined) changes.push({ name: row.name, from: row.wrappedDEK, to });
          } catch (cause) {
            failure ??= undecryptable(row, cause);
          }
        }
        const done = changes.length === 0 ? [] : await this.#rows.rewrap(changes, this.#ring.version);
        count += done.filter(Boolean).length;
        // Set, or rotated by somebody else, since they were read: look at them again.
        const changed = changes.filter((_, at) => !done[at]).map(({ name }) => name);
        rows = changed.length === 0 ? [] : (await this.#rows.read(changed, false)).rows;
      }
    } while (cursor !== '0');
    if (failure !== undefined) throw failure;
    return count;
  }

  /**
   * The JSON value of a secret, for hosts of the days of 0.12.3.
   *
   * @throws Error (rejects) as {@link getSecret}
   */
  async getSecretJSON<T = unknown>(key: string): Promise<T> {
    const value = await this.#value(key);
    // What `setSecretJSON` stored is a text of JSON; `setSecret` stores the value itself.
    return (typeof value === 'string' ? JSON.parse(value) : value) as T;
  }

  /** Stores a JSON value, for hosts of the days of 0.12.3: as a text of JSON. */
  async setSecretJSON(key: string, value: unknown): Promise<void> {
    await this.setSecret(key, JSON.stringify(value));
  }

  /** Closes the service's own connection. A client that was given stays open. */
  async close(): Promise<void> {
    await this.#link.close();
  }

  async #value(key: string): Promise<unknown> {
    const [row] = await this.#read([key]);
    if (row === undefined || row.ciphertext === '') {
      throw new Error((await hasJsonSecrets()) ? `Secret not found: ${key}` : 'Requested secret not found');
    }
    return this.#open(row);
  }

  async #open({ wrappedDEK, ciphertext, keyVersion }: SecretRow): Promise<unknown> {
    const { dek } = await this.#ring.unwrap(wrappedDEK, keyVersion, this.#salts.get(keyVersion));
    return openValue(dek, ciphertext);
  }

  /** Reads secrets, and sees to it that the salts of their key versions are known, where there are any. */
  async #read(keys: readonly string[]): Promise<SecretRow[]> {
    const { salts, rows } = await this.#rows.read(keys, this.#salts.size === 0);
    this.#learn(salts);
    if (salts === undefined && rows.some((row) => row.ciphertext !== '' && !this.#salts.has(row.keyVersion))) {
      await this.#loadSalts();
    }
    return rows;
  }

  async #loadSalts(): Promise<void> {
    this.#learn((await this.#rows.read([], true)).salts);
  }

  #learn(salts: Salts | undefined): void {
    for (const [version, salt] of salts ?? []) this.#salts.set(version, salt);
  }

  /** The salt under which this version writes; made on first use. */
  async #saltFor(version: number): Promise<string> {
    const known = this.#salts.get(version);
    if (known !== undefined) return known;
    const salt = await this.#rows.salt(version, newSalt());
    if (!salt) throw new Error(`Failed to persist a KEK salt for key_version ${version}`);
    this.#salts.set(version, salt);
    return salt;
  }

  /** The data key of a row wrapped under this version's KEK; undefined where it is, or where there is none. */
  async #rewrapped({ wrappedDEK, keyVersion }: WrappedRow): Promise<string | undefined> {
    const { version } = this.#ring;
    if (wrappedDEK === '' || keyVersion > version) return undefined;
    const isSalted = await hasSaltedKeys();
    if (keyVersion === version && !isSalted) return undefined;
    const salt = isSalted ? await this.#saltFor(version) : undefined;
    if (!this.#salts.has(keyVersion)) await this.#loadSalts();
    const unwrap = () => this.#ring.unwrap(wrappedDEK, keyVersion, this.#salts.get(keyVersion));
    // Of this version already: only the form may be old, and what cannot be read is left as it is.
    const known = keyVersion === version ? await unwrap().catch(() => undefined) : await unwrap();
    if (known === undefined || (keyVersion === version && !known.isHashed)) return undefined;
    return wrapDEK(await this.#ring.kek(version, salt), known.dek);
  }
}

function undecryptable({ name, keyVersion }: WrappedRow, cause: unknown): Error {
  return new Error(
    `Failed to decrypt secret "${name}" (key_version ${keyVersion}): the configured KEK does not match the key it was ` +
      'wrapped under',
    { cause },
  );
}

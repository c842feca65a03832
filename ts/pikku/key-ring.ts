/** The key encryption keys (KEKs) of a secret service, by version. Each is derived once. */

import { hashedKEK, type Key, saltedKEK, unwrapDEK } from './secret-crypto.js';

/** What a secret service is configured with. */
export interface RedisSecretServiceConfig {
  /** The passphrase under which secrets are written. */
  key: string;
  /** Its version. Default 1. */
  keyVersion?: number;
  /** The passphrase of the versions before, for reading and for `rotateKEK()`. */
  previousKey?: string;
  /** Default `pikku`. */
  keyPrefix?: string;
}

/** A data key, and whether its KEK was a plain hash, as up to 0.12.13. */
export interface Unwrapped {
  dek: string;
  isHashed: boolean;
}

/** See the file's text. */
export class KeyRing {
  /** The version under which secrets are written. */
  readonly version: number;
  readonly #key: string;
  readonly #previousKey: string | undefined;
  readonly #keks = new Map<string, Promise<Key>>();

  constructor({ key, keyVersion = 1, previousKey }: RedisSecretServiceConfig) {
    this.version = keyVersion;
    this.#key = key;
    this.#previousKey = previousKey;
  }

  /** Whether there is a passphrase to rotate from. */
  get hasPrevious(): boolean {
    return Boolean(this.#previousKey);
  }

  /**
   * The KEK of a version; without a salt, that of the days before salts.
   *
   * @throws Error (rejects) `No KEK available for key_version <n>`
   */
  async kek(version: number, salt: string | undefined): Promise<Key> {
    const passphrase = version === this.version ? this.#key : this.#previousKey;
    if (!passphrase) throw new Error(`No KEK available for key_version ${version}`);
    const name = `${version} ${salt ?? ''}`;
    let kek = this.#keks.get(name);
    if (kek === undefined) {
      kek = salt === undefined ? hashedKEK(passphrase) : saltedKEK(passphrase, salt);
      this.#keks.set(name, kek);
    }
    return kek;
  }

  /**
   * A data key, whichever kind of KEK wrapped it.
   *
   * @throws DOMException (rejects) `OperationError`: none of ours did
   */
  async unwrap(wrappedDEK: string, version: number, salt: string | undefined): Promise<Unwrapped> {
    if (salt === undefined) {
      return { dek: await unwrapDEK(await this.kek(version, undefined), wrappedDEK), isHashed: true };
    }
    const kek = await this.kek(version, salt);
    try {
      return { dek: await unwrapDEK(kek, wrappedDEK), isHashed: false };
    } catch (error) {
      // Written before salts, and not rotated since: the passphrase is the same.
      const hashed = await this.kek(version, undefined);
      const dek = await unwrapDEK(hashed, wrappedDEK).catch(() => Promise.reject(error));
      return { dek, isHashed: true };
    }
  }
}

/** Secrets as they lie in Redis: sealed texts and salts, natively or through a client that has to be driven. */

import type { Reply } from '../client.js';
import { scanIds } from './ioredis.js';
import type { Link } from './link.js';
import { readHash, readInt, readNothing, readTexts } from './replies.js';
import type { Envelope } from './secret-crypto.js';

/** A secret as it is stored; empty texts where there is none. */
export interface SecretRow {
  name: string;
  ciphertext: string;
  wrappedDEK: string;
  keyVersion: number;
}

/** The part of a row that rotation changes. */
export type WrappedRow = Omit<SecretRow, 'ciphertext'>;

/** A data key to be wrapped anew: written only where the one that was read still stands. */
export interface Rewrap {
  name: string;
  from: string;
  to: string;
}

/** Salts by key version. */
export type Salts = Map<number, string>;

interface Found {
  salts: Salts | undefined;
  rows: SecretRow[];
}

interface Page {
  next: string;
  rows: WrappedRow[];
}

/** See the file's text. */
export class SecretRows {
  readonly #link: Link;
  readonly #keyPrefix: string;

  constructor(link: Link, keyPrefix: string) {
    this.#link = link;
    this.#keyPrefix = keyPrefix;
  }

  /** Reads secrets, and the salts if they are wanted, in one round trip. */
  read(names: readonly string[], withSalts: boolean): Promise<Found> {
    return this.#link.either(
      'read',
      () => this.#link.callWith('readSecrets', readFound(names), [withSalts ? '1' : '0'], names),
      async () => {
        const { client } = this.#link;
        const hashes = await Promise.all(names.map((name) => client.hgetall(this.#key(name))));
        return {
          salts: withSalts ? saltsOf(await client.hgetall(this.#saltKey())) : undefined,
          rows: hashes.map((hash, at) => ({
            name: names[at] as string,
            ciphertext: hash.ciphertext ?? '',
            wrappedDEK: hash.wrapped_dek ?? '',
            keyVersion: Number(hash.key_version),
          })),
        };
      },
    );
  }

  /** Stores a secret. */
  async write(name: string, { ciphertext, wrappedDEK }: Envelope, keyVersion: number): Promise<void> {
    const version = keyVersion.toString();
    await this.#link.either<unknown>(
      'setSecret',
      () => this.#link.call('writeSecret', readNothing, name, ciphertext, wrappedDEK, version),
      () => this.#link.client.hset(this.#key(name), { ciphertext, wrapped_dek: wrappedDEK, key_version: version }),
    );
  }

  /** Whether there is a secret. */
  async has(name: string): Promise<boolean> {
    const count = await this.#link.either(
      'hasSecret',
      () => this.#link.call('hasSecret', readInt, name),
      () => this.#link.client.exists(this.#key(name)),
    );
    return count === 1;
  }

  /** Deletes a secret, if there is one. */
  async delete(name: string): Promise<void> {
    await this.#link.either<unknown>(
      'deleteSecret',
      () => this.#link.call('deleteSecret', readNothing, name),
      () => this.#link.client.del(this.#key(name)),
    );
  }

  /** The salt of a key version: the candidate, unless another process was first. */
  salt(keyVersion: number, candidate: string): Promise<string | null> {
    const version = keyVersion.toString();
    return this.#link.either(
      'kekSalt',
      () => this.#link.call('kekSalt', readSecondText, version, candidate),
      async () => {
        const { client } = this.#link;
        const salt = await client.hget(this.#saltKey(), version);
        if (salt) return salt;
        await client.hsetnx(this.#saltKey(), version, candidate);
        return client.hget(this.#saltKey(), version);
      },
    );
  }

  /** One step through all secrets, from cursor `0` until the next one is `0` again. A secret may come twice. */
  scan(cursor: string): Promise<Page> {
    return this.#link.either(
      'scan',
      () => this.#link.call('scanSecrets', readPage, cursor),
      async () => {
        const rows: WrappedRow[] = [];
        for (const name of await scanIds(this.#link.client, this.#key(''))) {
          const { wrapped_dek: wrappedDEK = '', key_version } = await this.#link.client.hgetall(this.#key(name));
          rows.push({ name, wrappedDEK, keyVersion: Number(key_version) });
        }
        return { next: '0', rows };
      },
    );
  }

  /** Writes wrapped keys. False for each secret whose wrapped key is no longer the one that was read. */
  rewrap(changes: readonly Rewrap[], keyVersion: number): Promise<boolean[]> {
    const version = keyVersion.toString();
    const args = changes.flatMap(({ name, from, to }) => [name, from, to]);
    return this.#link.either(
      'rewrap',
      () => this.#link.callWith('rewrapSecrets', readFlags, [version], args),
      async () => {
        for (const { name, to } of changes) {
          await this.#link.client.hset(this.#key(name), { wrapped_dek: to, key_version: version });
        }
        return changes.map(() => true);
      },
    );
  }

  #key(name: string): string {
    return `${this.#keyPrefix}:secret:${name}`;
  }

  #saltKey(): string {
    return `${this.#keyPrefix}:kek-salt`;
  }
}

function saltsOf(hash: Record<string, string>): Salts {
  return new Map(Object.entries(hash).map(([version, salt]) => [Number(version), salt]));
}

function readFound(names: readonly string[]): (reply: Reply) => Found {
  return (reply) => {
    reply.list();
    let salts: Salts | undefined;
    if (reply.isNil()) reply.skip();
    else salts = saltsOf(readHash(reply));
    const rows = names.map((name) => {
      const [ciphertext, wrappedDEK, version] = readTexts(reply);
      return {
        name,
        ciphertext: ciphertext ?? '',
        wrappedDEK: wrappedDEK ?? '',
        keyVersion: Number(version ?? undefined),
      };
    });
    return { salts, rows };
  };
}

function readPage(reply: Reply): Page {
  const length = reply.list();
  const next = reply.text() ?? '0';
  const rows: WrappedRow[] = [];
  for (let at = 1; at < length; at += 3) {
    const name = reply.text() ?? '';
    const wrappedDEK = reply.text() ?? '';
    const version = reply.text();
    rows.push({ name, wrappedDEK, keyVersion: Number(version ?? undefined) });
  }
  return { next, rows };
}

function readSecondText(reply: Reply): string | null {
  reply.list();
  reply.skip();
  return reply.text();
}

function readFlags(reply: Reply): boolean[] {
  const flags: boolean[] = [];
  for (let left = reply.list(); left > 0; left--) flags.push(reply.int() === 1);
  return flags;
}

/** Sessions of users. */

import { Link, type RedisConnection } from './link.js';
import { readNothing, readText } from './replies.js';

/** A session, as `@pikku/core` has it. */
export interface CoreUserSession {
  userId?: string;
}

/**
 * The `SessionStore` of pikku on Redis: one key for each user, `P:session:USERID`. Stands for that of `@pikku/redis`
 * 0.12.18.
 */
export class RedisSessionStore {
  readonly #link: Link;
  readonly #keyPrefix: string;
  readonly #ttl: string | undefined;

  /**
   * @param connection a client, or where to connect; an own connection is closed with the store
   * @param keyPrefix default `pikku`
   * @param ttlSeconds how long a session lives after it was set; for ever when absent or 0
   */
  constructor(connection: RedisConnection, keyPrefix: string = 'pikku', ttlSeconds?: number) {
    this.#link = new Link('RedisSessionStore', connection, keyPrefix);
    this.#keyPrefix = keyPrefix;
    this.#ttl = ttlSeconds ? String(ttlSeconds) : undefined;
  }

  /** Waits for an answer of the server. */
  async init(): Promise<void> {
    await this.#link.ping();
  }

  /**
   * The session of a user. Reading does not make it live longer.
   *
   * @throws SyntaxError (rejects) what is stored is not JSON
   */
  async get(pikkuUserId: string): Promise<CoreUserSession | undefined> {
    const json = await this.#link.either(
      'get',
      () => this.#link.call('getSession', readText, pikkuUserId),
      () => this.#link.client.get(this.#key(pikkuUserId)),
    );
    return json ? JSON.parse(json) : undefined;
  }

  /** Stores a session; its time to live begins anew. */
  async set(pikkuUserId: string, session: CoreUserSession): Promise<void> {
    // What has no JSON is stored as nothing, and read as no session.
    const json = (JSON.stringify(session) as string | undefined) ?? '';
    const ttl = this.#ttl;
    await this.#link.either<unknown>(
      'set',
      () => this.#link.call('setSession', readNothing, pikkuUserId, json, ttl),
      () => this.#link.client.set(this.#key(pikkuUserId), json, ...(ttl === undefined ? [] : ['EX', Number(ttl)])),
    );
  }

  /** Deletes the session of a user, if there is one. */
  async clear(pikkuUserId: string): Promise<void> {
    await this.#link.either<unknown>(
      'clear',
      () => this.#link.call('clearSession', readNothing, pikkuUserId),
      () => this.#link.client.del(this.#key(pikkuUserId)),
    );
  }

  /** Closes the store's own connection. A client that was given stays open. */
  async close(): Promise<void> {
    await this.#link.close();
  }

  #key(pikkuUserId: string): string {
    return `${this.#keyPrefix}:session:${pikkuUserId}`;
  }
}

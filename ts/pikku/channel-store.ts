/** Channels: who is connected, with what, and as whom. */

import { ChannelBase } from './host.js';
import { together } from './ioredis.js';
import { Link, type RedisConnection } from './link.js';
import { readNothing, readText, readTexts } from './replies.js';
import type { CoreUserSession } from './session-store.js';

/** A channel that is opened. */
export interface NewChannel {
  channelId: string;
  channelName: string;
  /** Not stored: it lives in the process that holds the socket. */
  channelObject?: unknown;
  openingData?: unknown;
}

/** A channel as it is stored. */
export interface StoredChannel {
  channelId: string;
  channelName: string;
  // The host's own type says `any`: it is what the application put there.
  openingData?: unknown;
  pikkuUserId?: string;
}

/** A channel with the session that the hosts before 0.12.5 kept in it; `{}` when there is none. */
export interface ChannelAndSession {
  channelId: string;
  channelName: string;
  openingData?: unknown;
  session: CoreUserSession;
}

/** The fields of a channel, in the order in which `pikku.getChannel` answers. */
type Fields = Array<string | null | undefined>;

/**
 * The `ChannelStore` of pikku on Redis: one hash for each channel, `P:channel:CHANNELID`. Stands for that of
 * `@pikku/redis` 0.12.18, and has the session methods of 0.12.4 too.
 */
export class RedisChannelStore extends ChannelBase {
  readonly #link: Link;
  readonly #keyPrefix: string;

  /**
   * @param connection a client, or where to connect; an own connection is closed with the store
   * @param keyPrefix default `pikku`
   */
  constructor(connection: RedisConnection, keyPrefix: string = 'pikku') {
    super();
    this.#link = new Link('RedisChannelStore', connection, keyPrefix);
    this.#keyPrefix = keyPrefix;
  }

  /** Waits for an answer of the server. */
  async init(): Promise<void> {
    await this.#link.ping();
  }

  /** Stores a channel. One of the same id keeps its user and its state. */
  async addChannel({ channelId, channelName, openingData }: NewChannel): Promise<void> {
    const name = channelName ?? '';
    const data = JSON.stringify(openingData || {});
    const createdAt = Date.now().toString();
    const fields = ['channelId', channelId, 'channelName', name, 'openingData', data, 'createdAt', createdAt];
    await this.#link.either<unknown>(
      'addChannel',
      () => this.#link.call('addChannel', readNothing, channelId, name, data, createdAt),
      () => this.#link.client.hmset(this.#key(channelId), ...fields),
    );
  }

  /** Deletes channels, and takes them out of the topics that they follow. */
  async removeChannels(channelIds: string[]): Promise<void> {
    if (channelIds.length === 0) return;
    await this.#link.either<unknown>(
      'removeChannels',
      () => this.#link.callWith('removeChannels', readNothing, [], channelIds),
      () => this.#removeDriven(channelIds),
    );
  }

  /** Says whose channel it is; nobody's with null. */
  async setPikkuUserId(channelId: string, pikkuUserId: string | null): Promise<void> {
    await this.#setField('setPikkuUserId', channelId, 'pikkuUserId', pikkuUserId || undefined);
  }

  /**
   * A channel.
   *
   * @throws Error (rejects) `Channel not found: <id>`
   */
  async getChannel(channelId: string): Promise<StoredChannel> {
    const [id, name, openingData, pikkuUserId] = await this.#read('getChannel', channelId);
    return {
      channelId: id,
      channelName: name ?? '',
      openingData: openingData ? JSON.parse(openingData) : {},
      pikkuUserId: pikkuUserId || undefined,
    } as StoredChannel;
  }

  /** Stores what the application wants to remember of a channel, as JSON. */
  async setState(channelId: string, state: unknown): Promise<void> {
    // Functions and symbols have no JSON: they count as null, as undefined does.
    const json = (JSON.stringify(state ?? null) as string | undefined) ?? 'null';
    await this.#setField('setState', channelId, 'state', json);
  }

  /** What {@link setState} stored; undefined when that was nothing, null, or is not JSON. */
  async getState(channelId: string): Promise<unknown> {
    const json = await this.#link.either(
      'getState',
      () => this.#link.call('getChannelField', readText, channelId, 'state'),
      () => this.#link.client.hget(this.#key(channelId), 'state'),
    );
    if (!json) return undefined;
    try {
      return JSON.parse(json) ?? undefined;
    } catch {
      return undefined;
    }
  }

  /** Forgets the state. */
  async clearState(channelId: string): Promise<void> {
    await this.#setField('clearState', channelId, 'state', undefined);
  }

  /** Stores a session in the channel, for hosts before 0.12.5; null takes it away. */
  async setUserSession(channelId: string, session: CoreUserSession | null): Promise<void> {
    const json = session ? JSON.stringify(session) : undefined;
    await this.#setField('setUserSession', channelId, 'userSession', json);
  }

  /**
   * A channel and the session in it, for hosts before 0.12.5.
   *
   * @throws Error (rejects) `Channel not found: <id>`
   */
  async getChannelAndSession(channelId: string): Promise<ChannelAndSession> {
    const [id, name, openingData, , session] = await this.#read('getChannelAndSession', channelId);
    return {
      channelId: id,
      channelName: name ?? '',
      openingData: openingData ? JSON.parse(openingData) : {},
      session: session ? JSON.parse(session) : {},
    };
  }

  /** Closes the store's own connection. A client that was given stays open. */
  async close(): Promise<void> {
    await this.#link.close();
  }

  async #read(method: string, channelId: string): Promise<[id: string, ...Fields]> {
    const [id, ...others] = await this.#link.either<Fields>(
      method,
      () => this.#link.call('getChannel', readTexts, channelId),
      async () => {
        const row = await this.#link.client.hgetall(this.#key(channelId));
        return [row.channelId, row.channelName, row.openingData, row.pikkuUserId, row.userSession];
      },
    );
    if (!id) throw new Error(`Channel not found: ${channelId}`);
    return [id, ...others];
  }

  async #setField(method: string, channelId: string, field: string, value: string | undefined): Promise<void> {
    const { client } = this.#link;
    await this.#link.either<unknown>(
      method,
      () => this.#link.call('setChannelField', readNothing, channelId, field, value),
      () =>
        value === undefined
          ? client.hdel(this.#key(channelId), field)
          : client.hset(this.#key(channelId), field, value),
    );
  }

  async #removeDriven(channelIds: readonly string[]): Promise<void> {
    await together(this.#link.client, (pipeline) => {
      for (const id of channelIds) {
        pipeline.del(this.#key(id));
        pipeline.del(`${this.#keyPrefix}:subs:${id}`);
      }
    });
  }

  #key(channelId: string): string {
    return `${this.#keyPrefix}:channel:${channelId}`;
  }
}

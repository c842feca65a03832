/** Store and cache on the user's own client, with exactly the calls of `@ayepi/redis`: mocks are asked for these. */
import { isClusterClient } from '../brought/recognise.js';
import type { Commands, Work } from './commands.js';
import type { CacheEntry, RedisCommandClient } from './types.js';

const SCAN_COUNT = 256;

/** See the file's text. */
export class DrivenCommands implements Commands {
  private readonly client: RedisCommandClient;
  private readonly prefix: string;
  private readonly isCluster: boolean;

  constructor(client: RedisCommandClient, prefix: string) {
    this.client = client;
    this.prefix = prefix;
    this.isCluster = isClusterClient(client);
  }

  async get<T>(key: string, as: (text: string | null | undefined) => T): Promise<T> {
    return as(await this.client.get(this.prefix + key));
  }

  async set(key: string, value: string, ttl: number | undefined): Promise<void> {
    if (ttl === undefined) await this.client.set(this.prefix + key, value);
    else await this.client.set(this.prefix + key, value, 'PX', ttl);
  }

  async del<T>(key: string, as: (removed: number) => T): Promise<T> {
    return as(await this.client.del(this.prefix + key));
  }

  setIfNotExists(key: string, value: string, ttl: number | undefined): Work<boolean> {
    return async () => {
      const reply = await (ttl === undefined
        ? this.client.set(this.prefix + key, value, 'NX')
        : this.client.set(this.prefix + key, value, 'PX', ttl, 'NX'));
      return reply !== null;
    };
  }

  increment(key: string, by: number, ttl: number | undefined): Work<number> {
    return async () => {
      const sum = await this.client.incrby(this.prefix + key, by);
      if (ttl !== undefined) await this.client.pexpire(this.prefix + key, ttl);
      return sum;
    };
  }

  async clear(): Promise<void> {
    await this.remove(await this.scan());
  }

  async invalidate(isDoomed: (entry: CacheEntry) => unknown): Promise<number> {
    const doomed: string[] = [];
    for (const key of await this.scan()) {
      const text = await this.client.get(key);
      if (text && isDoomed(JSON.parse(text) as CacheEntry)) doomed.push(key);
    }
    await this.remove(doomed);
    return doomed.length;
  }

  private async scan(): Promise<string[]> {
    const found: string[] = [];
    let cursor: string | number = '0';
    do {
      const page: [string, string[]] = await this.client.scan(cursor, 'MATCH', `${this.prefix}*`, 'COUNT', SCAN_COUNT);
      cursor = page[0];
      for (const key of page[1]) found.push(key);
    } while (cursor !== '0');
    return found;
  }

  private async remove(keys: string[]): Promise<void> {
    if (keys.length === 0) return;
    if (!this.isCluster) await this.client.del(...keys);
    // In a cluster one command has keys of one slot only.
    else for (const key of keys) await this.client.del(key);
  }
}

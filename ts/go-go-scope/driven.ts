/** The adapters on the user's own client, with exactly the calls of `@go-go-scope/persistence-redis`. */
import { isClusterClient } from '../brought/recognise.js';
import { UnsupportedError } from '../errors.js';
import { type Renewal, renewBy } from '../renewal.js';
import type { Commands, LockTerms, Taken } from './commands.js';
import type { DrivenClient } from './types.js';

/** See the file's text. Not atomic where the original is not: a double knows no scripts. */
export class DrivenCommands implements Commands {
  private readonly client: DrivenClient;
  private readonly isCluster: boolean;

  constructor(client: DrivenClient) {
    this.client = client;
    this.isCluster = isClusterClient(client);
  }

  async get(key: string): Promise<string | null> {
    return this.client.get(key);
  }

  async getWithTtl(key: string): Promise<{ value: string; ttl: number } | null> {
    const value = await this.client.get(key);
    return value ? { value, ttl: await this.client.pttl(key) } : null;
  }

  async set(key: string, value: string, seconds: number | undefined): Promise<void> {
    if (seconds === undefined) await this.client.set(key, value);
    else await this.client.setex(key, seconds, value);
  }

  async delete(key: string): Promise<void> {
    await this.client.del(key);
  }

  async has(key: string): Promise<boolean> {
    return (await this.client.exists(key)) === 1;
  }

  async clear(prefix: string): Promise<void> {
    const found = await this.client.keys(`${prefix}*`);
    await this.remove(found);
  }

  async keys(prefix: string, pattern: string | undefined): Promise<string[]> {
    const found = await this.client.keys(prefix + (pattern ?? '*'));
    return found.map((key) => (key.startsWith(prefix) ? key.slice(prefix.length) : key));
  }

  async acquire(prefix: string, key: string, owner: string, ttl: unknown, terms: LockTerms): Promise<Taken | null> {
    if (terms.fencePrefix !== undefined) {
      throw new UnsupportedError('RedisAdapter: `fencing` needs a client that native code can stand in for');
    }
    return (await this.client.set(prefix + key, owner, 'PX', ttl as number, 'NX')) ? {} : null;
  }

  async release(lock: string, owner: unknown): Promise<void> {
    if ((await this.client.get(lock)) === owner) await this.client.del(lock);
  }

  async extend(lock: string, owner: unknown, ttl: unknown): Promise<boolean> {
    if ((await this.client.get(lock)) !== owner) return false;
    await this.client.pexpire(lock, ttl as number);
    return true;
  }

  async renew(lock: string, owner: string, ttl: number, onLost: () => void): Promise<Renewal> {
    return renewBy(() => this.extend(lock, owner, ttl), ttl, onLost);
  }

  async setState(circuit: string, json: string): Promise<void> {
    await this.client.setex(circuit, 3600, json);
  }

  async recordFailure(): Promise<undefined> {
    return undefined;
  }

  async replaceState(circuit: string, _before: string, json: string): Promise<boolean> {
    await this.client.setex(circuit, 3600, json);
    return true;
  }

  async saveCheckpoint(index: string, sequence: unknown, json: string): Promise<void> {
    const key = `${index}:${String(sequence)}`;
    await this.client.set(key, json);
    await this.client.zadd(index, sequence as number, key);
  }

  async loadLatest(index: string): Promise<string | null> {
    const [newest] = await this.client.zrevrange(index, 0, 0);
    return newest === undefined ? null : this.client.get(newest);
  }

  async listCheckpoints(index: string): Promise<Array<string | null>> {
    const found: Array<string | null> = [];
    for (const key of await this.client.zrange(index, 0, -1)) found.push(await this.client.get(key));
    return found;
  }

  async cleanupCheckpoints(index: string, keep: number): Promise<void> {
    const members = await this.client.zrange(index, 0, -1);
    for (const key of members.slice(0, Math.max(0, members.length - keep))) {
      await this.client.del(key);
      await this.client.zrem(index, key);
    }
  }

  async deleteCheckpoints(index: string): Promise<void> {
    const members = await this.client.zrange(index, 0, -1);
    await this.remove(members);
    await this.client.del(index);
  }

  private async remove(keys: string[]): Promise<void> {
    if (keys.length === 0) return;
    if (!this.isCluster) await this.client.del(...keys);
    // In a cluster one command has keys of one slot only.
    else for (const key of keys) await this.client.del(key);
  }
}

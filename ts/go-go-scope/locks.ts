/** Locks and their handles. */
import { ArgumentError, LeaseLostError } from '../errors.js';
import type { Renewal } from '../renewal.js';
import { argument } from '../text.js';
import type { Commands } from './commands.js';
import type { LockHandle, RedisAdapterOptions } from './types.js';

/** What a handle extends through: the adapter, whose methods a subclass may have replaced. */
interface Adapter {
  prefix(key: string): string;
  extend(key: string, ttl: number, owner: string): Promise<boolean>;
  generateOwner(): string;
}

/** A text that no other holder has, in the original's form. */
export function generateOwner(): string {
  return `${Date.now()}-${Math.random().toString(36).slice(2)}`;
}

/** See the file's text. */
export class Locks {
  private readonly commands: Commands;
  private readonly renewed: boolean;
  private readonly fenced: boolean;

  constructor(commands: Commands, { renewLocks = false, fencing = false }: RedisAdapterOptions) {
    this.commands = commands;
    this.renewed = renewLocks;
    this.fenced = fencing;
  }

  async acquire(adapter: Adapter, key: string, ttl: number, owner: string | undefined): Promise<LockHandle | null> {
    const { commands } = this;
    if (this.renewed && !(ttl > 0)) throw new ArgumentError('ttl: must be more than 0 ms for a lock that is renewed');
    const holder = argument(owner ?? adapter.generateOwner());
    const fencePrefix = this.fenced ? adapter.prefix('fence:') : undefined;
    const terms = { unique: (owner ?? null) === null, fencePrefix };
    const taken = await commands.acquire(adapter.prefix('lock:'), key, holder, ttl, terms);
    if (taken === null) return null;
    const lock = adapter.prefix(`lock:${key}`);
    const { fence } = taken;
    const isValid = async (): Promise<boolean> => (await commands.get(lock)) === holder;
    const extend = (life: number): Promise<boolean> => adapter.extend(key, life, holder);
    const release = (): Promise<void> => commands.release(lock, holder);
    const extras = fence === undefined ? {} : { fence };
    if (!this.renewed) return { release, extend, isValid, ...extras };
    const { renewal, lost } = await this.renew(lock, holder, ttl);
    const stopAndRelease = (): Promise<void> => {
      renewal.stop();
      return release();
    };
    return { release: stopAndRelease, extend, isValid, ...extras, lost };
  }

  private async renew(lock: string, owner: string, ttl: number): Promise<{ renewal: Renewal; lost: AbortSignal }> {
    const loss = new AbortController();
    const renewal = await this.commands.renew(lock, owner, ttl, () => {
      loss.abort(new LeaseLostError('the lock is no longer held', { operation: 'go-go-scope.acquire' }));
    });
    return { renewal, lost: loss.signal };
  }
}

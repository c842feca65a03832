/** `RedisAdapter`: locks, circuits, a cache and checkpoints behind one prefix. */
import { RedisCacheAdapter } from './cache-adapter.js';
import { Checkpoints } from './checkpoints.js';
import { afterFailure, afterSuccess } from './circuit.js';
import { type Commands, commandsOf } from './commands.js';
import { parsed, stored } from './json.js';
import { generateOwner, Locks } from './locks.js';
import { Notices } from './notices.js';
import type {
  Checkpoint,
  CircuitBreakerPersistedState,
  LivingClient,
  LockHandle,
  RedisAdapterOptions,
  RedisClient,
} from './types.js';

/**
 * The `PersistenceAdapter` of go-go-scope on Redis: its lock, circuit breaker, cache and checkpoint provider. Stands for
 * that of `@go-go-scope/persistence-redis` 2.9.1. Does no I/O before its first call. Methods reject with the server's
 * `ReplyError`, and with `Connection is closed.` once the client has ended.
 */
export class RedisAdapter {
  readonly redis: RedisClient;
  readonly keyPrefix: string;
  /** {@link saveCheckpoint}, bound. */
  readonly save: <T>(checkpoint: Checkpoint<T>) => Promise<void>;
  /** {@link loadCheckpoint}, bound. */
  readonly load: <T>(checkpointId: string) => Promise<Checkpoint<T> | undefined>;
  /** {@link loadLatestCheckpoint}, bound. */
  readonly loadLatest: <T>(taskId: string) => Promise<Checkpoint<T> | undefined>;
  /** {@link listCheckpoints}, bound. */
  readonly list: (taskId: string) => Promise<Checkpoint<unknown>[]>;
  /** {@link cleanupCheckpoints}, bound. */
  readonly cleanup: (taskId: string, keepCount: number) => Promise<void>;
  /** {@link deleteAllCheckpoints}, bound. */
  readonly deleteAll: (taskId: string) => Promise<void>;
  /**
   * With `circuitEvents`: calls `callback` with every state that an adapter with this option stores for a circuit, in
   * any process. Returns the end of it.
   */
  declare readonly subscribe?: (key: string, callback: (state: CircuitBreakerPersistedState) => void) => () => void;
  readonly #commands: Commands;
  readonly #locks: Locks;
  readonly #cache: RedisCacheAdapter;
  readonly #checkpoints: Checkpoints;
  readonly #notices: Notices | undefined;

  /** @param redis an ioredis or node-redis client, which stays the caller's */
  constructor(redis: RedisClient, options?: RedisAdapterOptions) {
    this.redis = redis;
    this.keyPrefix = options?.keyPrefix ?? '';
    this.#commands = commandsOf('RedisAdapter', redis);
    this.#locks = new Locks(this.#commands, options ?? {});
    this.#cache = new RedisCacheAdapter(redis, { keyPrefix: this.prefix('cache:') });
    this.#checkpoints = new Checkpoints(this.#commands, this.prefix('checkpoint:'));
    this.save = this.saveCheckpoint.bind(this);
    this.load = this.loadCheckpoint.bind(this);
    this.loadLatest = this.loadLatestCheckpoint.bind(this);
    this.list = this.listCheckpoints.bind(this);
    this.cleanup = this.cleanupCheckpoints.bind(this);
    this.deleteAll = this.deleteAllCheckpoints.bind(this);
    this.#notices = options?.circuitEvents ? new Notices('RedisAdapter', redis) : undefined;
    const notices = this.#notices;
    if (notices !== undefined) {
      this.subscribe = (key, callback) => notices.subscribe(this.prefix(`circuit:${key}`), callback);
    }
  }

  /** @internal */
  prefix(key: string): string {
    return this.keyPrefix + key;
  }

  /** @internal */
  generateOwner(): string {
    return generateOwner();
  }

  /**
   * Takes a lock. Not for the same owner twice.
   *
   * @param ttl ms until the lock lapses
   * @param owner what tells this holder from others; made up when absent
   * @returns null when the lock is held
   */
  async acquire(key: string, ttl: number, owner?: string): Promise<LockHandle | null> {
    return this.#locks.acquire(this, key, ttl, owner);
  }

  /** Makes a lock last `ttl` ms from now on, if it still is the owner's. 0 or less deletes it. */
  async extend(key: string, ttl: number, owner: string): Promise<boolean> {
    return this.#commands.extend(this.prefix(`lock:${key}`), owner, ttl);
  }

  /** Takes a lock away from whoever holds it. */
  async forceRelease(key: string): Promise<void> {
    await this.#commands.delete(this.prefix(`lock:${key}`));
  }

  /** The state of a circuit; null where there is none that is JSON. */
  async getState(key: string): Promise<CircuitBreakerPersistedState | null> {
    return parsed<CircuitBreakerPersistedState>(await this.#commands.get(this.prefix(`circuit:${key}`))) ?? null;
  }

  /** Stores the state of a circuit for an hour. */
  async setState(key: string, state: CircuitBreakerPersistedState): Promise<void> {
    const circuit = this.prefix(`circuit:${key}`);
    await this.#commands.setState(circuit, stored(state), this.#channel(circuit));
  }

  /** Counts a failure, which opens the circuit when there are `maxFailures`. Exact under any number of callers. */
  async recordFailure(key: string, maxFailures: number): Promise<number> {
    const { getState, setState } = RedisAdapter.prototype;
    if (this.getState !== getState || this.setState !== setState) {
      const next = afterFailure(await this.getState(key), maxFailures, Date.now());
      await this.setState(key, next);
      return next.failureCount;
    }
    const circuit = this.prefix(`circuit:${key}`);
    const channel = this.#channel(circuit);
    const count = await this.#commands.recordFailure(circuit, Number(maxFailures), Date.now(), channel);
    if (count !== undefined) return count;
    for (;;) {
      const before = (await this.#commands.get(circuit)) ?? '';
      const next = afterFailure(parsed(before), maxFailures, Date.now());
      if (before.includes('\uFFFD')) {
        // Bytes that are no text cannot be told again by what was read of them. They are nobody's count.
        await this.#commands.setState(circuit, stored(next), channel);
        return next.failureCount;
      }
      if (await this.#commands.replaceState(circuit, before, stored(next), channel)) return next.failureCount;
    }
  }

  /** Closes a circuit and forgets its failures. */
  async recordSuccess(key: string): Promise<void> {
    await this.setState(key, afterSuccess(Date.now()));
  }

  /** Connects a client that waits for its first command. */
  async connect(): Promise<void> {
    const client = this.redis as LivingClient;
    if (client.status === 'wait' || client.isOpen === false) await client.connect();
  }

  /** Ends the client, also for others that use it. */
  async disconnect(): Promise<void> {
    await (this.redis as LivingClient).quit();
  }

  isConnected(): boolean {
    const { status, isReady } = this.redis as LivingClient;
    return status === 'ready' || isReady === true;
  }

  /** A cached value; null where there is none that is JSON. */
  async get<T>(key: string): Promise<T | null> {
    return this.#cache.get<T>(key);
  }

  /**
   * Caches a value.
   *
   * @param ttl ms, rounded up to whole seconds; for ever when absent or 0
   */
  async set<T>(key: string, value: T, ttl?: number): Promise<void> {
    await this.#cache.set(key, value, ttl);
  }

  async delete(key: string): Promise<void> {
    await this.#cache.delete(key);
  }

  async has(key: string): Promise<boolean> {
    return this.#cache.has(key);
  }

  /** Removes everything that is cached, page by page. */
  async clear(): Promise<void> {
    await this.#cache.clear();
  }

  /**
   * Keys of what is cached, in no order.
   *
   * @param pattern a glob of Redis; all keys when absent or empty
   */
  async keys(pattern?: string): Promise<string[]> {
    return this.#cache.keys(pattern);
  }

  /** Stores a checkpoint under its task. The same sequence again replaces it. */
  async saveCheckpoint<T>(checkpoint: Checkpoint<T>): Promise<void> {
    await this.#checkpoints.save(checkpoint);
  }

  /** A checkpoint by its Redis key without the client's own prefix, as the original has it, or by its id. */
  async loadCheckpoint<T>(checkpointId: string): Promise<Checkpoint<T> | undefined> {
    return this.#checkpoints.load<T>(checkpointId);
  }

  /** The checkpoint of a task with the highest sequence. */
  async loadLatestCheckpoint<T>(taskId: string): Promise<Checkpoint<T> | undefined> {
    return this.#checkpoints.loadLatest<T>(taskId);
  }

  /** All checkpoints of a task, by their sequence. */
  async listCheckpoints(taskId: string): Promise<Checkpoint<unknown>[]> {
    return this.#checkpoints.list(taskId);
  }

  /** Deletes all but the newest `keepCount` checkpoints of a task. */
  async cleanupCheckpoints(taskId: string, keepCount: number): Promise<void> {
    await this.#checkpoints.cleanup(taskId, keepCount);
  }

  async deleteAllCheckpoints(taskId: string): Promise<void> {
    await this.#checkpoints.deleteAll(taskId);
  }

  #channel(circuit: string): string | undefined {
    return this.#notices === undefined ? undefined : circuit;
  }
}

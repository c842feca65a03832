/** What go-go-scope declares, and what users give. The host's own package holds types only, so none of it is loaded. */

/** An ioredis client, a node-redis client, or a double with the methods of {@link DrivenClient}. */
export type RedisClient = object;

/** The calls by which a client is driven. */
export interface DrivenClient {
  get(key: string): Promise<string | null>;
  set(key: string, value: string, ...args: Array<string | number>): Promise<unknown>;
  setex(key: string, seconds: number, value: string): Promise<unknown>;
  del(...keys: string[]): Promise<number>;
  exists(key: string): Promise<number>;
  keys(pattern: string): Promise<string[]>;
  pexpire(key: string, ms: number): Promise<number>;
  pttl(key: string): Promise<number>;
  zadd(key: string, score: number, member: string): Promise<unknown>;
  zrange(key: string, start: number, stop: number): Promise<string[]>;
  zrevrange(key: string, start: number, stop: number): Promise<string[]>;
  zrem(key: string, member: string): Promise<number>;
}

/** What tells the life of a client: `status` in ioredis, the flags in node-redis. */
export interface LivingClient {
  readonly status?: string;
  readonly isOpen?: boolean;
  readonly isReady?: boolean;
  connect(): Promise<unknown>;
  quit(): Promise<unknown>;
}

/** A lock that is held. */
export interface LockHandle {
  /** Gives the lock up, if it still is this holder's. */
  release(): Promise<void>;
  /** Makes it last `ttl` ms from now on. False when it is no longer this holder's. */
  extend(ttl: number): Promise<boolean>;
  /** Whether it still is this holder's. */
  isValid(): Promise<boolean>;
  /** With `fencing`: a number that grew with every holder of this lock. */
  readonly fence?: number;
  /** With `renewLocks`: aborted when the lock was lost, with a `LeaseLostError` as its reason. */
  readonly lost?: AbortSignal;
}

/** What is known of a circuit breaker. */
export interface CircuitBreakerPersistedState {
  state: 'closed' | 'open' | 'half-open';
  failureCount: number;
  /** Epoch ms. */
  lastFailureTime?: number;
  /** Epoch ms. */
  lastSuccessTime?: number;
}

/** Figures of a cache. This one counts neither hits nor misses. */
export interface CacheStats {
  hits: number;
  misses: number;
  size: number;
  hitRatio: number;
}

/** How far a task had come. */
export interface Checkpoint<T = unknown> {
  id: string;
  taskId: string;
  sequence: number;
  /** Epoch ms. */
  timestamp: number;
  progress: number;
  data: T;
  estimatedTimeRemaining?: number;
}

/** Options of `RedisAdapter`. The second and third are the host's and have no effect on Redis. */
export interface RedisAdapterOptions {
  /** What all keys begin with. Default: nothing. */
  keyPrefix?: string;
  defaultLockTTL?: number;
  createTables?: boolean;
  /**
   * Ours: locks are renewed until they are released, from outside the event loop but only while it answers; a lock that
   * was lost aborts `handle.lost`. Default false.
   */
  renewLocks?: boolean;
  /** Ours: handles carry a fencing token, counted in a key of its own, `fence:` in place of `lock:`. Default false. */
  fencing?: boolean;
  /** Ours: changes of circuits are published, and the adapter has `subscribe`. Default false. */
  circuitEvents?: boolean;
}

/** Options of the two small adapters. */
export interface KeyPrefixOptions {
  /** What all keys begin with, in place of the default. */
  keyPrefix?: string;
}

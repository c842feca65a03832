/** The store interface of nvent 0.5.15, as its host declares it. */

/** An event as it is read: always these nine properties, `undefined` where the entry has no such field. */
export interface EventRecord {
  /** Id of the stream entry. */
  id: string;
  /** When it was appended, by the clock of the process that did, in ms. */
  ts: number;
  type: string;
  runId: string;
  flowName: string;
  stepName?: string;
  stepId?: string;
  attempt?: number;
  data?: unknown;
}

/** Which events to read. */
export interface EventReadOptions {
  /** Only events of these types. Without `strict`, among the first `limit` events. */
  types?: string[];
  /** Only events behind this id. Goes before `from`. */
  after?: string;
  /** Only events in front of this id. Goes before `to`. */
  before?: string;
  /** ms; from this instant on. */
  from?: number;
  /** ms; up to this instant. Without `strict`, of the events of this very millisecond only the first. */
  to?: number;
  /** At most so many. Default 1000; with `strict`, all. */
  limit?: number;
  /** Default `asc`: the oldest first. */
  order?: 'asc' | 'desc';
}

/** Streams of events. */
export interface EventStream {
  /** Appends an event, and returns it with `id` and `ts`. */
  append(subject: string, event: Omit<EventRecord, 'id' | 'ts'>): Promise<EventRecord>;
  read(subject: string, opts?: EventReadOptions): Promise<EventRecord[]>;
  /** Whether there was something to delete. */
  delete(subject: string): Promise<boolean>;
}

/** Values by key. */
export interface KeyValue {
  /** The value, null when there is none. */
  get<T = unknown>(key: string): Promise<T | null>;
  /** @param ttl lifetime in seconds; without it the value stays, even where an earlier one had a lifetime */
  set<T = unknown>(key: string, value: T, ttl?: number): Promise<void>;
  delete(key: string): Promise<void>;
  /** Deletes every key of the database that matches a glob pattern of Redis, and returns how many there were. */
  clear(pattern: string): Promise<number>;
  /**
   * Adds to a counter and returns its value. A key of three or more segments (`a:b:c`) counts in field `c` of the hash
   * `a:b`.
   */
  increment(key: string, by?: number): Promise<number>;
}

/** An entry of an index, as `get` answers it. */
export interface IndexEntry {
  id: string;
  score: number;
  /** What was stored with it, decoded. `get` leaves it out, and `read` has `undefined`, where nothing was. */
  metadata?: Record<string, unknown> | undefined;
}

/** Which entries to read. */
export interface IndexReadOptions {
  /** Default 0. */
  offset?: number;
  /** Default 50. */
  limit?: number;
  /** Values that top-level properties of the metadata must have; an array lists those that will do. */
  filter?: Record<string, unknown>;
}

/** Entries ordered by score, with metadata. */
export interface SortedIndex {
  /** Adds an entry, or gives one another score and merges into its metadata, whose version starts again. */
  add(key: string, id: string, score: number, metadata?: Record<string, unknown>): Promise<void>;
  get(key: string, id: string): Promise<IndexEntry | null>;
  /** Entries with the highest score first. */
  read(key: string, opts?: IndexReadOptions): Promise<IndexEntry[]>;
  /** Merges into the metadata; null deletes a property. False: the entry has no version, and nothing was done. */
  update(key: string, id: string, metadata: Record<string, unknown>): Promise<boolean>;
  /** `update`, again after a pause while it answers false. */
  updateWithRetry(key: string, id: string, metadata: Record<string, unknown>, maxRetries?: number): Promise<void>;
  /** Adds to a number of the metadata (`stats.total`: to a nested one) and returns it. */
  increment(key: string, id: string, field: string, increment?: number): Promise<number>;
  /** Whether there was such an entry. */
  delete(key: string, id: string): Promise<boolean>;
}

/** What nvent asks of a store. */
export interface StoreAdapter {
  readonly stream: EventStream;
  readonly kv: KeyValue;
  readonly index: SortedIndex;
  close(): Promise<void>;
}

/**
 * The shapes that the conveyor host and a store exchange. They are structural twins of the host's own types, so a
 * `RedisStore` is assignable wherever the host asks for its `StoreInterface`.
 */

/** Where a job is in its life. A cancelled job is `failed` (or still `active`) with `cancelledAt` set. */
export type JobState = 'waiting' | 'waiting-children' | 'delayed' | 'active' | 'completed' | 'failed';

/** What happened in one attempt at running a job. Times are ISO strings; `attempt` counts from 1. */
export interface AttemptRecord {
  attempt: number;
  startedAt: string;
  endedAt: string | null;
  status: 'completed' | 'failed';
  error: string | null;
  stacktrace: string | null;
  logs: string[];
}

/** When a job comes again. */
export interface RepeatOptions {
  cron?: string;
  /** Milliseconds, or a duration such as `'5m'`. */
  every?: number | string;
  limit?: number;
  startDate?: Date;
  endDate?: Date;
  /** IANA time zone of `cron`. */
  tz?: string;
}

/** What the caller of `queue.add` asked for. */
export interface JobOptions {
  attempts?: number;
  backoff?: {
    type: 'fixed' | 'exponential' | 'custom';
    delay: number;
    customStrategy?: (attemptsMade: number) => number;
  };
  /** Milliseconds, or a duration such as `'5m'`. */
  delay?: number | string;
  repeat?: RepeatOptions;
  /** Lower runs first. Default 0. */
  priority?: number;
  lifo?: boolean;
  /** `ttl` in milliseconds; without a positive one the key is held until the job ends. */
  deduplication?: { hash?: boolean; key?: string; ttl?: number };
  removeOnComplete?: boolean | number;
  removeOnFail?: boolean | number;
  /** Milliseconds. */
  timeout?: number;
  jobId?: string;
  failParentOnChildFailure?: 'fail' | 'ignore' | 'remove';
  group?: { id: string; maxSize?: number };
}

/** A job, whole. Every decoded job has all 28 fields. */
export interface JobData<T = unknown> {
  id: string;
  name: string;
  queueName: string;
  state: JobState;
  data: T;
  attemptsMade: number;
  /** 0 to 100. */
  progress: number;
  returnvalue: unknown;
  failedReason: string | null;
  opts: JobOptions;
  deduplicationKey: string | null;
  logs: string[];
  stacktrace: string[];
  createdAt: Date;
  processedAt: Date | null;
  completedAt: Date | null;
  failedAt: Date | null;
  delayUntil: Date | null;
  lockUntil: Date | null;
  lockedBy: string | null;
  parentId: string | null;
  parentQueueName: string | null;
  pendingChildrenCount: number;
  cancelledAt: Date | null;
  groupId: string | null;
  discarded: boolean;
  childrenIds: string[];
  attemptLogs: AttemptRecord[];
}

/** A job to save. An `id` is used when there is one; else a random UUID is given. */
export type NewJob<T = unknown> = Omit<JobData<T>, 'id'> & { id?: string | null };

/** Which job a worker wants. */
export interface FetchOptions {
  /** Newest first. Default false. */
  lifo?: boolean;
  /** Only jobs of this name. */
  jobName?: string;
  /** How many jobs of one group may be active at once. Absent or negative: no cap. */
  groupConcurrency?: number;
  /** Groups to pass over. */
  excludeGroups?: string[];
  /** At most `max` leases in `duration` milliseconds. `max` 0: no limit. */
  rateLimit?: { max: number; duration: number };
}

/** Conditions of an update. */
export interface UpdateJobOptions {
  /** Reject with `InvalidJobStateError` unless the job is in (one of) these. */
  expectedState?: JobState | JobState[];
}

/** What an event tells. */
export type StoreEventType =
  | 'job:waiting'
  | 'job:waiting-children'
  | 'job:active'
  | 'job:completed'
  | 'job:failed'
  | 'job:progress'
  | 'job:stalled'
  | 'job:delayed'
  | 'job:removed'
  | 'job:cancelled'
  | 'queue:drained'
  | 'queue:paused'
  | 'queue:resumed'
  | 'queue:error';

/** One event of one queue. */
export interface StoreEvent {
  type: StoreEventType;
  queueName: string;
  jobId?: string | undefined;
  data?: unknown;
  timestamp: Date;
}

/** A subscriber. */
export type StoreEventCallback = (event: StoreEvent) => void;

/** What a dashboard shows of a queue. */
export interface QueueInfo {
  name: string;
  counts: Record<JobState, number>;
  isPaused: boolean;
  latestActivity: Date | null;
  /** How many of its jobs repeat. */
  scheduledCount: number;
}

/** The length of a metrics bucket. */
export type MetricsGranularity = 'minute' | 'hour';

/** What finished in one minute or hour. `jobName` is `__all__` in the sum over all names. */
export interface MetricsBucket {
  queueName: string;
  jobName: string;
  periodStart: Date;
  granularity: MetricsGranularity;
  completedCount: number;
  failedCount: number;
  totalProcessMs: number;
  minProcessMs: number | null;
  maxProcessMs: number | null;
}

/** Which buckets to read. Both ends are inclusive. */
export interface MetricsQueryOptions {
  granularity: MetricsGranularity;
  from: Date;
  to: Date;
}

/** All conditions given must hold. */
export interface SearchJobsFilter {
  queueName?: string;
  /** Empty or absent: all states. */
  states?: JobState[];
  /** Part of the name, in any case. */
  name?: string;
  /** Inclusive. */
  createdAfter?: Date;
  /** Inclusive. */
  createdBefore?: Date;
}

/** One page of jobs, and how many match in all. */
export interface SearchJobsResult {
  jobs: JobData[];
  total: number;
}

/** Where warnings go. */
export interface Logger {
  debug(message: string, ...args: unknown[]): void;
  info(message: string, ...args: unknown[]): void;
  warn(message: string, ...args: unknown[]): void;
  error(message: string, ...args: unknown[]): void;
}

/** The options that every store of the host takes. */
export interface StoreOptions {
  /** Accepted for the host's sake: there is nothing to migrate in Redis. */
  autoMigrate?: boolean;
  /** Default: silent. */
  logger?: Logger;
  /** Called with what a subscriber threw, instead of a warning. */
  onEventHandlerError?: (error: unknown) => void;
  /** Records finished jobs per minute and hour. Default off; 1440 minutes and 720 hours are kept. */
  metrics?: { enabled: boolean; retentionMinutes?: number; retentionHours?: number };
}

/** The states a job can be in, as the job hash stores them. */
export const JOB_STATES = ['waiting', 'waiting-children', 'delayed', 'active', 'completed', 'failed'] as const;

export type JobState = (typeof JOB_STATES)[number];

export interface AttemptRecord {
  attempt: number;
  startedAt: string;
  endedAt: string | null;
  status: 'completed' | 'failed';
  error: string | null;
  stacktrace: string | null;
  logs: string[];
}

/** The 28 fields of a job as the tests build and compare them. */
export interface Job {
  id: string;
  queueName: string;
  name: string;
  state: JobState;
  data: unknown;
  attemptsMade: number;
  progress: number;
  pendingChildrenCount: number;
  returnvalue: unknown;
  failedReason: string | null;
  opts: Record<string, unknown>;
  deduplicationKey: string | null;
  logs: string[];
  stacktrace: string[];
  attemptLogs: AttemptRecord[];
  createdAt: Date;
  processedAt: Date | null;
  completedAt: Date | null;
  failedAt: Date | null;
  cancelledAt: Date | null;
  delayUntil: Date | null;
  lockUntil: Date | null;
  lockedBy: string | null;
  parentId: string | null;
  parentQueueName: string | null;
  groupId: string | null;
  discarded: boolean;
  childrenIds: string[];
}

/** A job as a producer hands it to a store: the id is the store's to choose unless it is given. */
export type NewJob = Omit<Job, 'id'> & { id?: string };

/** The options of one lease. */
export interface FetchOptions {
  lifo?: boolean;
  jobName?: string;
  groupConcurrency?: number;
  excludeGroups?: string[];
  rateLimit?: { max: number; duration: number };
}

/** A fresh waiting job with every field at the value the host gives it; `fields` win. */
export function newJob(queueName: string, fields: Partial<Job> = {}): NewJob {
  return {
    name: 'task',
    queueName,
    state: 'waiting',
    data: { n: 1 },
    attemptsMade: 0,
    progress: 0,
    pendingChildrenCount: 0,
    returnvalue: null,
    failedReason: null,
    opts: {},
    deduplicationKey: null,
    logs: [],
    stacktrace: [],
    attemptLogs: [],
    createdAt: new Date(),
    processedAt: null,
    completedAt: null,
    failedAt: null,
    cancelledAt: null,
    delayUntil: null,
    lockUntil: null,
    lockedBy: null,
    parentId: null,
    parentQueueName: null,
    groupId: null,
    discarded: false,
    childrenIds: [],
    ...fields,
  };
}

/** What a worker writes when it completes a job. */
export function completion(returnvalue: unknown = null): Partial<Job> {
  return {
    state: 'completed',
    returnvalue,
    completedAt: new Date(),
    lockUntil: null,
    lockedBy: null,
  };
}

/** What a worker writes when it fails a job for good. */
export function failure(reason = 'broken'): Partial<Job> {
  return {
    state: 'failed',
    failedReason: reason,
    failedAt: new Date(),
    lockUntil: null,
    lockedBy: null,
  };
}

import type { FetchOptions, JobData, JobState, NewJob } from 'ferrodis/conveyor';

export type { FetchOptions, JobData as Job, JobState, NewJob };

/** The states a job can be in, as the job hash stores them. */
export const JOB_STATES = [
  'waiting',
  'waiting-children',
  'delayed',
  'active',
  'completed',
  'failed',
] as const satisfies readonly JobState[];

/** A fresh waiting job with every field at the value the host gives it; `fields` win. */
export function newJob(queueName: string, fields: Partial<JobData> = {}): NewJob {
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
export function completion(returnvalue: unknown = null): Partial<JobData> {
  return {
    state: 'completed',
    returnvalue,
    completedAt: new Date(),
    lockUntil: null,
    lockedBy: null,
  };
}

/** What a worker writes when it fails a job for good. */
export function failure(reason = 'broken'): Partial<JobData> {
  return {
    state: 'failed',
    failedReason: reason,
    failedAt: new Date(),
    lockUntil: null,
    lockedBy: null,
  };
}

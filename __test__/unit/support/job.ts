import type { JobData } from '../../../ts/conveyor/types.js';

/** A job as the host makes one, fresh. */
export function freshJob(fields: Partial<JobData> = {}): JobData {
  return {
    id: 'j1',
    name: 'send',
    queueName: 'mail',
    state: 'waiting',
    data: { to: 'a@b' },
    attemptsMade: 0,
    progress: 0,
    returnvalue: null,
    failedReason: null,
    opts: {},
    deduplicationKey: null,
    logs: [],
    stacktrace: [],
    createdAt: new Date(1_700_000_000_000),
    processedAt: null,
    completedAt: null,
    failedAt: null,
    delayUntil: null,
    lockUntil: null,
    lockedBy: null,
    parentId: null,
    parentQueueName: null,
    pendingChildrenCount: 0,
    cancelledAt: null,
    groupId: null,
    discarded: false,
    childrenIds: [],
    attemptLogs: [],
    ...fields,
  };
}

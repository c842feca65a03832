import { type Job, JOB_STATES, type JobState, type NewJob } from './job.js';

const STRINGS = ['failedReason', 'deduplicationKey', 'lockedBy', 'parentId', 'parentQueueName', 'groupId'] as const;
const DATES = ['processedAt', 'completedAt', 'failedAt', 'delayUntil', 'lockUntil', 'cancelledAt'] as const;
const LISTS = ['logs', 'stacktrace', 'attemptLogs', 'childrenIds'] as const;

/** Encodes a job as the original writes it: nulls are left out, the order is the contract's. */
export function encodeJob(job: NewJob & { id: string }): Record<string, string> {
  const hash: Record<string, string> = {};
  const text = (field: string, value: string | null | undefined): void => {
    if (value !== null && value !== undefined) hash[field] = value;
  };
  const date = (field: string, value: Date | null | undefined): void => {
    if (value !== null && value !== undefined) hash[field] = String(value.getTime());
  };
  const json = (field: string, value: unknown): void => {
    if (value !== null && value !== undefined) hash[field] = JSON.stringify(value);
  };
  text('id', job.id);
  text('queueName', job.queueName);
  text('name', job.name);
  text('state', job.state);
  text('attemptsMade', String(job.attemptsMade));
  text('progress', String(job.progress));
  text('pendingChildrenCount', String(job.pendingChildrenCount));
  for (const field of STRINGS) text(field, job[field]);
  text('discarded', job.discarded ? '1' : '0');
  date('createdAt', job.createdAt);
  for (const field of DATES) date(field, job[field]);
  json('data', job.data);
  json('returnvalue', job.returnvalue);
  json('opts', job.opts);
  for (const field of LISTS) json(field, job[field]);
  return hash;
}

/** Decodes a job hash; `null` for an empty one. Throws on what the original refuses. */
export function decodeJob(hash: Record<string, string>): Job | null {
  if (Object.keys(hash).length === 0) return null;
  const { id, queueName, name, state } = hash;
  if (!id || !queueName || !name || !state) {
    throw new Error('[Conveyor] Redis hash is missing required job fields');
  }
  if (!JOB_STATES.includes(state as JobState)) throw new Error(`Invalid job state: "${state}"`);
  const date = (field: string): Date | null => {
    const raw = hash[field];
    if (raw === undefined) return null;
    const ms = Number(raw);
    if (!Number.isFinite(ms)) {
      throw new Error(`[Conveyor] Invalid date encoding for field "${field}": ${JSON.stringify(raw)}`);
    }
    return new Date(ms);
  };
  const json = <T>(field: string, fallback: T): T => {
    const raw = hash[field];
    return raw === undefined ? fallback : (JSON.parse(raw) as T);
  };
  return {
    id,
    queueName,
    name,
    state: state as JobState,
    attemptsMade: Number(hash.attemptsMade ?? 0),
    progress: Number(hash.progress ?? 0),
    pendingChildrenCount: Number(hash.pendingChildrenCount ?? 0),
    failedReason: hash.failedReason ?? null,
    deduplicationKey: hash.deduplicationKey ?? null,
    lockedBy: hash.lockedBy ?? null,
    parentId: hash.parentId ?? null,
    parentQueueName: hash.parentQueueName ?? null,
    groupId: hash.groupId ?? null,
    discarded: hash.discarded === '1',
    createdAt: date('createdAt') ?? new Date(0),
    processedAt: date('processedAt'),
    completedAt: date('completedAt'),
    failedAt: date('failedAt'),
    delayUntil: date('delayUntil'),
    lockUntil: date('lockUntil'),
    cancelledAt: date('cancelledAt'),
    data: json<unknown>('data', null),
    returnvalue: json<unknown>('returnvalue', null),
    opts: json('opts', {}),
    logs: json('logs', []),
    stacktrace: json('stacktrace', []),
    attemptLogs: json('attemptLogs', []),
    childrenIds: json('childrenIds', []),
  };
}

/**
 * A job as Redis holds it: 28 text fields, in one fixed order. Payloads are JSON made and read by V8, so that `toJSON`,
 * key order and `undefined` behave as in any JavaScript program.
 */

import type { Reply } from '../client.js';
import { badRecord, unserialisable } from './errors.js';
import type { AttemptRecord, JobData, JobOptions, JobState, NewJob } from './types.js';

/** The fields of a job's hash; absent fields are left out. */
export type JobHash = Record<string, string>;

/** The text of one field, or null when the field is absent. */
type Text = string | null;

const FIELDS: readonly (keyof JobData)[] = [
  'id',
  'queueName',
  'name',
  'state',
  'attemptsMade',
  'progress',
  'pendingChildrenCount',
  'failedReason',
  'deduplicationKey',
  'lockedBy',
  'parentId',
  'parentQueueName',
  'groupId',
  'discarded',
  'createdAt',
  'processedAt',
  'completedAt',
  'failedAt',
  'delayUntil',
  'lockUntil',
  'cancelledAt',
  'data',
  'returnvalue',
  'opts',
  'logs',
  'stacktrace',
  'attemptLogs',
  'childrenIds',
];

const STATES: ReadonlySet<string> = new Set<JobState>([
  'waiting',
  'waiting-children',
  'delayed',
  'active',
  'completed',
  'failed',
]);

/** Whether a text names a job state. */
export function isJobState(text: unknown): text is JobState {
  return STATES.has(text as string);
}

function encodeNumber(value: number | null | undefined): Text {
  return value === null || value === undefined ? null : String(value);
}

function encodeDate(value: Date | null | undefined): Text {
  return value === null || value === undefined ? null : String(value.getTime());
}

function encodeBoolean(value: boolean | null | undefined): Text {
  return value === null || value === undefined ? null : value ? '1' : '0';
}

function encodeJson(field: string, value: unknown): Text {
  if (value === null || value === undefined) return null;
  const json = JSON.stringify(value) as string | undefined;
  if (json === undefined) throw unserialisable(field);
  return json;
}

/** Lists are empty more often than not. */
function encodeList(field: string, value: readonly unknown[] | null | undefined): Text {
  return Array.isArray(value) && value.length === 0 ? '[]' : encodeJson(field, value);
}

/** The 28 fields of a job, in order; null where absent. @throws TypeError when a value has no encoding. */
export function encodeJob(job: NewJob, id: Text | undefined): Text[] {
  return [
    id ?? null,
    job.queueName ?? null,
    job.name ?? null,
    job.state ?? null,
    encodeNumber(job.attemptsMade),
    encodeNumber(job.progress),
    encodeNumber(job.pendingChildrenCount),
    job.failedReason ?? null,
    job.deduplicationKey ?? null,
    job.lockedBy ?? null,
    job.parentId ?? null,
    job.parentQueueName ?? null,
    job.groupId ?? null,
    encodeBoolean(job.discarded),
    encodeDate(job.createdAt),
    encodeDate(job.processedAt),
    encodeDate(job.completedAt),
    encodeDate(job.failedAt),
    encodeDate(job.delayUntil),
    encodeDate(job.lockUntil),
    encodeDate(job.cancelledAt),
    encodeJson('data', job.data),
    encodeJson('returnvalue', job.returnvalue),
    encodeJson('opts', job.opts),
    encodeList('logs', job.logs),
    encodeList('stacktrace', job.stacktrace),
    encodeList('attemptLogs', job.attemptLogs),
    encodeList('childrenIds', job.childrenIds),
  ];
}

/** The text of one field of an update: null clears the field, undefined means that there is no such field. */
export function encodeField(field: string, value: unknown): Text | undefined {
  switch (field) {
    case 'id':
    case 'queueName':
    case 'name':
    case 'state':
    case 'failedReason':
    case 'deduplicationKey':
    case 'lockedBy':
    case 'parentId':
    case 'parentQueueName':
    case 'groupId':
      return (value as Text | undefined) ?? null;
    case 'attemptsMade':
    case 'progress':
    case 'pendingChildrenCount':
      return encodeNumber(value as number | null | undefined);
    case 'discarded':
      return encodeBoolean(value as boolean | null | undefined);
    case 'createdAt':
    case 'processedAt':
    case 'completedAt':
    case 'failedAt':
    case 'delayUntil':
    case 'lockUntil':
    case 'cancelledAt':
      return encodeDate(value as Date | null | undefined);
    case 'data':
    case 'returnvalue':
    case 'opts':
    case 'logs':
    case 'stacktrace':
    case 'attemptLogs':
    case 'childrenIds':
      return encodeJson(field, value);
    default:
      return undefined;
  }
}

function decodeNumber(text: Text): number {
  return text === null ? 0 : Number(text);
}

function decodeDate(field: string, text: Text): Date | null {
  if (text === null) return null;
  const time = Number(text);
  if (!Number.isFinite(time)) throw badRecord.date(field, text);
  return new Date(time);
}

function decodeList<T>(text: Text): T[] {
  return text === null || text === '[]' ? [] : (JSON.parse(text) as T[]);
}

/** The two dates of a repeating job are Dates to whoever saved it, so they are to whoever reads it. */
function decodeOptions(text: Text): JobOptions {
  if (text === null || text === '{}') return {};
  const opts = JSON.parse(text) as JobOptions | null;
  const repeat = opts?.repeat as Record<string, unknown> | null | undefined;
  if (typeof repeat === 'object' && repeat !== null) {
    reviveDate(repeat, 'startDate');
    reviveDate(repeat, 'endDate');
  }
  return opts as JobOptions;
}

function reviveDate(repeat: Record<string, unknown>, field: string): void {
  const value = repeat[field];
  if (typeof value !== 'string') return;
  const date = new Date(value);
  if (!Number.isNaN(date.getTime())) repeat[field] = date;
}

/**
 * Builds a job from its 28 texts. `id` and `name` count as present even when empty: both can be saved so.
 * One literal, so that all jobs share one hidden class.
 */
function decodeJob(
  id: Text,
  queueName: Text,
  name: Text,
  state: Text,
  attemptsMade: Text,
  progress: Text,
  pendingChildrenCount: Text,
  failedReason: Text,
  deduplicationKey: Text,
  lockedBy: Text,
  parentId: Text,
  parentQueueName: Text,
  groupId: Text,
  discarded: Text,
  createdAt: Text,
  processedAt: Text,
  completedAt: Text,
  failedAt: Text,
  delayUntil: Text,
  lockUntil: Text,
  cancelledAt: Text,
  data: Text,
  returnvalue: Text,
  opts: Text,
  logs: Text,
  stacktrace: Text,
  attemptLogs: Text,
  childrenIds: Text,
): JobData {
  if (id === null || name === null || !queueName || !state) throw badRecord.missing();
  if (!isJobState(state)) throw badRecord.state(state);
  return {
    id,
    name,
    queueName,
    state,
    data: data === null ? null : JSON.parse(data),
    attemptsMade: decodeNumber(attemptsMade),
    progress: decodeNumber(progress),
    returnvalue: returnvalue === null ? null : JSON.parse(returnvalue),
    failedReason,
    opts: decodeOptions(opts),
    deduplicationKey,
    logs: decodeList<string>(logs),
    stacktrace: decodeList<string>(stacktrace),
    createdAt: decodeDate('createdAt', createdAt) ?? new Date(0),
    processedAt: decodeDate('processedAt', processedAt),
    completedAt: decodeDate('completedAt', completedAt),
    failedAt: decodeDate('failedAt', failedAt),
    delayUntil: decodeDate('delayUntil', delayUntil),
    lockUntil: decodeDate('lockUntil', lockUntil),
    lockedBy,
    parentId,
    parentQueueName,
    pendingChildrenCount: decodeNumber(pendingChildrenCount),
    cancelledAt: decodeDate('cancelledAt', cancelledAt),
    groupId,
    discarded: discarded === '1',
    childrenIds: decodeList<string>(childrenIds),
    attemptLogs: decodeList<AttemptRecord>(attemptLogs),
  };
}

/** How many fields of the record being read are there. */
let present = 0;
/** What could not be read of it: kept aside, so that the whole record is consumed before it is thrown. */
let unreadable: unknown;

function next(reply: Reply): Text {
  try {
    const text = reply.text();
    if (text !== null) present++;
    return text;
  } catch (error) {
    unreadable ??= error;
    present++;
    return null;
  }
}

/**
 * Reads one job, or null when there is none. The reply stands behind the record afterwards, whether or not this throws.
 *
 * @throws Error when a field is missing or has no meaning; its `jobId` tells which job it is, as far as that can be read.
 */
export function readJob(reply: Reply): JobData | null {
  if (reply.list() < 0) return null;
  present = 0;
  unreadable = undefined;
  const id = next(reply);
  const queueName = next(reply);
  const name = next(reply);
  const state = next(reply);
  const attemptsMade = next(reply);
  const progress = next(reply);
  const pendingChildrenCount = next(reply);
  const failedReason = next(reply);
  const deduplicationKey = next(reply);
  const lockedBy = next(reply);
  const parentId = next(reply);
  const parentQueueName = next(reply);
  const groupId = next(reply);
  const discarded = next(reply);
  const createdAt = next(reply);
  const processedAt = next(reply);
  const completedAt = next(reply);
  const failedAt = next(reply);
  const delayUntil = next(reply);
  const lockUntil = next(reply);
  const cancelledAt = next(reply);
  const data = next(reply);
  const returnvalue = next(reply);
  const opts = next(reply);
  const logs = next(reply);
  const stacktrace = next(reply);
  const attemptLogs = next(reply);
  const childrenIds = next(reply);
  // A job that does not exist may also come as 28 absent fields.
  if (present === 0) return null;
  try {
    if (unreadable !== undefined) throw unreadable;
    return decodeJob(
      id,
      queueName,
      name,
      state,
      attemptsMade,
      progress,
      pendingChildrenCount,
      failedReason,
      deduplicationKey,
      lockedBy,
      parentId,
      parentQueueName,
      groupId,
      discarded,
      createdAt,
      processedAt,
      completedAt,
      failedAt,
      delayUntil,
      lockUntil,
      cancelledAt,
      data,
      returnvalue,
      opts,
      logs,
      stacktrace,
      attemptLogs,
      childrenIds,
    );
  } catch (error) {
    throw error instanceof Error && id !== null ? Object.assign(error, { jobId: id }) : error;
  }
}

/** A job as the fields of its hash; null and undefined are left out. @throws TypeError when a value has no encoding. */
export function jobDataToHash(job: JobData): JobHash {
  const values = encodeJob(job, job.id);
  const hash: JobHash = {};
  for (const [at, field] of FIELDS.entries()) {
    const value = values[at];
    if (value !== null && value !== undefined) hash[field] = value;
  }
  return hash;
}

/** The fields of a hash as a job; unknown fields are ignored. @throws Error when a field is missing or has no meaning. */
export function hashToJobData(hash: JobHash): JobData {
  if (Object.keys(hash).length === 0) throw badRecord.empty();
  const texts = FIELDS.map((field) => (Object.hasOwn(hash, field) ? (hash[field] ?? null) : null));
  return decodeJob(...(texts as Parameters<typeof decodeJob>));
}

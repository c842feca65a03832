/** What an update means: its arguments, and in whose name it speaks. */

import type { Arg } from '../client.js';
import { encodeField } from './record.js';
import type { JobData, JobState } from './types.js';

/** Appends the changed fields as pairs; an absent value clears its field. Unknown properties are dropped. */
export function appendChanges(args: Arg[], updates: Partial<JobData>): void {
  for (const field of Object.keys(updates)) {
    const text = encodeField(field, updates[field as keyof JobData]);
    if (text !== undefined) args.push(field, text);
  }
}

/** `expectedState` as a list; undefined when the caller expects nothing. */
export function expectedStates(expected: JobState | JobState[] | undefined): JobState[] | undefined {
  return expected === undefined ? undefined : Array.isArray(expected) ? expected : [expected];
}

/** The priority as the index of priorities takes it: lower first, 0 when absent. */
export function priorityText(opts: { priority?: number } | null | undefined): string {
  const priority = opts?.priority ?? 0;
  return Number.isFinite(priority) ? String(priority) : '0';
}

/** How long the deduplication key is held: null when until the job ends. */
export function dedupTtlText(job: Pick<JobData, 'deduplicationKey' | 'opts'>): string | null {
  if (!job.deduplicationKey) return null;
  const ttl = job.opts?.deduplication?.ttl;
  return typeof ttl === 'number' && Number.isFinite(ttl) && ttl > 0 ? String(ttl) : null;
}

/** Whether the job ends with this update. */
export function endsJob(updates: Partial<JobData>): boolean {
  return updates.state === 'completed' || updates.state === 'failed';
}

/**
 * Whether an update is one that only the holder of the lease sends: it ends the attempt, gives the lock up, or reports
 * on the work. Updates by others (a retry, a cancellation, new data) go through whoever holds the lease.
 */
export function speaksForHolder(updates: Partial<JobData>): boolean {
  if (endsJob(updates) || Object.hasOwn(updates, 'lockedBy') || Object.hasOwn(updates, 'attemptLogs')) return true;
  return updates.state === undefined && Object.hasOwn(updates, 'progress');
}

/** Whether the lease, as the hash holds it, is over or another one after this update. */
export function endsLease(updates: Partial<JobData>): boolean {
  if (updates.state !== undefined && updates.state !== 'active') return true;
  return Object.hasOwn(updates, 'lockedBy') || Object.hasOwn(updates, 'processedAt');
}

/**
 * Whether an update has exactly the shape that a sweep of stalled jobs sends: back to waiting, or failed, with the lock
 * taken off and nothing to report of the attempt itself.
 */
export function looksLikeSweep(updates: Partial<JobData>): boolean {
  return (
    (updates.state === 'waiting' || updates.state === 'failed') &&
    updates.attemptsMade !== undefined &&
    updates.lockUntil === null &&
    updates.lockedBy === null &&
    !Object.hasOwn(updates, 'stacktrace') &&
    !Object.hasOwn(updates, 'attemptLogs') &&
    !Object.hasOwn(updates, 'returnvalue')
  );
}

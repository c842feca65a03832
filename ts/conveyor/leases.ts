/**
 * What a store instance remembers of the jobs it leased and of the stalled jobs it reported. The host's interface passes
 * no owner to `extendLock`, `releaseLock` and `updateJob`, so this memory is what tells a live lease from a lost one.
 */

import type { JobData } from './types.js';

/** A lease as the job's hash holds it: who, and since when (epoch milliseconds as text). */
export interface Lease {
  readonly owner: string;
  readonly leasedAt: string;
}

/** How many entries a table holds before the oldest one goes. A lost entry means the original store's behaviour. */
const DEFAULT_CAPACITY = 100_000;

/** Entries by queue and job id, bounded, oldest out first. */
class JobTable<T> {
  private readonly entries = new Map<string, T>();
  private readonly capacity: number;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get(queueName: string, jobId: string): T | undefined {
    return this.entries.get(key(queueName, jobId));
  }

  set(queueName: string, jobId: string, entry: T): void {
    const at = key(queueName, jobId);
    // A map keeps the place of an entry that is overwritten; the newest has to be last.
    this.entries.delete(at);
    this.entries.set(at, entry);
    if (this.entries.size <= this.capacity) return;
    for (const oldest of this.entries.keys()) {
      this.entries.delete(oldest);
      return;
    }
  }

  delete(queueName: string, jobId: string): void {
    this.entries.delete(key(queueName, jobId));
  }

  deleteQueue(queueName: string): void {
    const start = key(queueName, '');
    for (const at of this.entries.keys()) {
      if (at.startsWith(start)) this.entries.delete(at);
    }
  }

  clear(): void {
    this.entries.clear();
  }
}

/** Queue names have no control characters, so two jobs never share a key. */
function key(queueName: string, jobId: string): string {
  return `${queueName}\0${jobId}`;
}

/** The leases taken, and the expiries reported by `getStalledJobs`, of one store instance. */
export class Leases {
  private readonly taken: JobTable<Lease>;
  private readonly stalled: JobTable<string>;

  constructor(capacity: number = DEFAULT_CAPACITY) {
    this.taken = new JobTable(capacity);
    this.stalled = new JobTable(capacity);
  }

  /** Remembers a job as `fetchNextJob` handed it out. */
  take(queueName: string, job: JobData): void {
    if (job.lockedBy === null || job.processedAt === null) return;
    this.taken.set(queueName, job.id, { owner: job.lockedBy, leasedAt: String(job.processedAt.getTime()) });
    this.stalled.delete(queueName, job.id);
  }

  /** The lease taken on a job, if any. */
  of(queueName: string, jobId: string): Lease | undefined {
    return this.taken.get(queueName, jobId);
  }

  /** Forgets a lease that was given up, unless a newer one has taken its place. */
  giveUp(queueName: string, jobId: string, lease: Lease | undefined): void {
    if (lease !== undefined && this.taken.get(queueName, jobId) === lease) this.taken.delete(queueName, jobId);
  }

  /** Remembers when the lock of a stalled job ran out. */
  reportStalled(queueName: string, job: JobData): void {
    if (job.lockUntil !== null) this.stalled.set(queueName, job.id, String(job.lockUntil.getTime()));
  }

  /** The expiry under which a job was last reported as stalled; forgets it. */
  takeStalled(queueName: string, jobId: string): string | undefined {
    const lockUntil = this.stalled.get(queueName, jobId);
    if (lockUntil !== undefined) this.stalled.delete(queueName, jobId);
    return lockUntil;
  }

  /** Forgets a removed job. */
  forget(queueName: string, jobId: string): void {
    this.taken.delete(queueName, jobId);
    this.stalled.delete(queueName, jobId);
  }

  /** Forgets a removed queue. */
  forgetQueue(queueName: string): void {
    this.taken.deleteQueue(queueName);
    this.stalled.deleteQueue(queueName);
  }

  /** Forgets everything. */
  clear(): void {
    this.taken.clear();
    this.stalled.clear();
  }
}

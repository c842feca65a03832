/**
 * Claims of steps that come through the job queue. The host reads the step and sets it running under the step's lock; here
 * the row comes with the lock, and the change that makes the claim gives the lock back.
 *
 * Whoever claims a step gets a lease on it, which is renewed until the job has ended. When a job is delivered again
 * because its worker died, the lease has run out, and the step is given to the new worker. Without leases such a step would be
 * `running` for ever.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Backend, LockedClaim, LockedStep } from './backend.js';
import type { Hold } from './locks.js';
import type { StepRow } from './record.js';
import { splitStepId, stepLease } from './workflow-keys.js';

/** Steps under whose lock the host does more than to claim them: suspensions and approvals. */
const OWN_STEPS = '__workflow_';

/** What the job of a step that is executed here holds. */
interface Job {
  lease?: { readonly key: string; readonly token: string; readonly renewal: { stop(): void } } | undefined;
}

/** A step whose lock is held in the present context. */
interface Locked {
  readonly runId: string;
  readonly stepName: string;
  readonly hold: Hold;
  /** The step as it was when the lock was taken, until it is asked for or written. */
  look: LockedStep | undefined;
}

/** See the file's text. */
export class Claims {
  private readonly backend: Backend;
  private readonly lockTTL: () => number;
  private readonly jobs = new AsyncLocalStorage<Job>();
  private readonly locked = new AsyncLocalStorage<Locked | undefined>();

  constructor(backend: Backend, lockTTL: () => number) {
    this.backend = backend;
    this.lockTTL = lockTTL;
  }

  /** Runs the job of a step. A lease that it still has afterwards is given up, so that the next delivery gets the step. */
  async job<T>(body: () => Promise<T>): Promise<T> {
    const job: Job = {};
    try {
      return await this.jobs.run(job, body);
    } finally {
      const { lease } = job;
      if (lease !== undefined) {
        lease.renewal.stop();
        // What cannot be given up runs out.
        await this.backend.releaseLock(lease.key, lease.token).catch(() => {});
      }
    }
  }

  /** Runs `body` under the lock of a step. */
  under<T>(locked: Locked, body: () => Promise<T>): Promise<T> {
    return this.locked.run(locked, body);
  }

  /** The step as it was when its lock was taken here; undefined: ask Redis. An abandoned step has failed. */
  look(runId: string, stepName: string): StepRow | undefined {
    const locked = this.locked.getStore();
    if (locked?.runId !== runId || locked.stepName !== stepName || locked.look === undefined) return undefined;
    const { row, isAbandoned } = locked.look;
    locked.look = undefined;
    return isAbandoned ? { ...row, status: 'failed' } : row;
  }

  /** A step was written. */
  wrote(): void {
    const locked = this.locked.getStore();
    if (locked !== undefined) locked.look = undefined;
  }

  /** How the change of a step to `running` claims it; undefined when it is no claim of a job. */
  claim(stepId: string, token: string): LockedClaim | undefined {
    const locked = this.locked.getStore();
    const { runId, stepName } = splitStepId(stepId);
    const isOurs = locked?.runId === runId && locked.stepName === stepName && !stepName.startsWith(OWN_STEPS);
    if (!isOurs || this.jobs.getStore() === undefined) return undefined;
    return { token, ttl: this.leaseTTL(), lock: locked.hold };
  }

  /** The claim was made. */
  claimed(stepId: string, { token }: LockedClaim): void {
    this.locked.getStore()?.hold.givenBack();
    this.leased(stepId, token);
  }

  /** How long the lease of a claim lives that is made without a lock, in ms; undefined outside of a job. */
  unlockedTTL(): number | undefined {
    return this.jobs.getStore() === undefined ? undefined : this.leaseTTL();
  }

  /** The present job has the step. */
  leased(stepId: string, token: string): void {
    const job = this.jobs.getStore();
    if (job === undefined) return;
    const { runId, stepName } = splitStepId(stepId);
    const key = stepLease(runId, stepName);
    // A lease that is gone needs no word: the step was ended by somebody who may do so.
    const renewal = this.backend.renewLock(key, token, this.leaseTTL(), () => {});
    job.lease = { key, token, renewal };
  }

  /** The step of the present job has ended, or is driven by a child. The lease went with that change. */
  ended(stepId: string): void {
    const job = this.jobs.getStore();
    const { runId, stepName } = splitStepId(stepId);
    if (job?.lease?.key !== stepLease(runId, stepName)) return;
    job.lease.renewal.stop();
    job.lease = undefined;
  }

  /** Shorter than the lock's: it has to be over before a queue delivers the job of a dead worker again. */
  private leaseTTL(): number {
    return Math.max(1, Math.floor(this.lockTTL() / 3));
  }
}

/** The part of the store that works on single jobs: saving, reading, updating, leasing. */

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Arg, Reply } from '../client.js';
import { FerrodisError, LeaseLostError } from '../errors.js';
import {
  checkArray,
  checkFetchOptions,
  checkJobAddress,
  checkNewJob,
  checkObject,
  checkPositive,
  checkString,
} from './arguments.js';
import { delayedWithoutDate } from './errors.js';
import type { Lease } from './leases.js';
import { encodeJob, readJob } from './record.js';
import { readFlag, readText, readTexts } from './replies.js';
import { OPERATIONS, StoreCore } from './store-core.js';
import type { FetchOptions, JobData, JobState, NewJob, StoreEvent, UpdateJobOptions } from './types.js';
import {
  appendChanges,
  dedupTtlText,
  endsJob,
  endsLease,
  expectedStates,
  looksLikeSweep,
  priorityText,
  speaksForHolder,
} from './update.js';

// The hot methods use the numbers as constants.
const SAVE_JOB = OPERATIONS.saveJob as number;
const GET_JOB = OPERATIONS.getJob as number;
const UPDATE_JOB = OPERATIONS.updateJob as number;
const FETCH_NEXT_JOB = OPERATIONS.fetchNextJob as number;

/** The pause before the second try to extend a lock, in milliseconds; doubled each time, up to the longest. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 1_000;

/** The wishes of a worker without any. */
const ANY_JOB: readonly Arg[] = ['0'];

/** What one job needs to be saved: how long its deduplication key is held, its priority, its fields. */
function savedJob(job: NewJob): Arg[] {
  return [dedupTtlText(job), priorityText(job.opts), ...encodeJob(job, job.id ?? randomUUID())];
}

/** What a worker wants, in the order of the operation. */
function fetchWishes(opts: FetchOptions | null | undefined): readonly Arg[] {
  if (opts === undefined || opts === null) return ANY_JOB;
  checkFetchOptions('fetchNextJob', opts);
  const { lifo, jobName, rateLimit, groupConcurrency: cap, excludeGroups } = opts;
  const limit = rateLimit && rateLimit.max > 0 && rateLimit.max < Infinity ? rateLimit : null;
  return [
    lifo === true ? '1' : '0',
    jobName || null,
    limit && String(limit.max),
    limit && String(Math.ceil(limit.duration)),
    typeof cap === 'number' && cap >= 0 && cap < Infinity ? String(cap) : null,
    ...(excludeGroups ?? []),
  ];
}

/** Operations on single jobs. */
export class JobStore extends StoreCore {
  /**
   * Saves a job and returns its id: its own, a random one, or that of the live job that holds its deduplication key or
   * its id, in which case nothing is written.
   */
  saveJob(queueName: string, job: NewJob): Promise<string> {
    try {
      checkString('saveJob', 'queueName', queueName);
      checkNewJob('saveJob', 'job', job);
      return this.lifecycle
        .use()
        .call(SAVE_JOB, readText, this.prefix, queueName, this.instanceId, this.nextCall(), ...savedJob(job));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Saves many jobs of one queue, hundreds at a stroke. Returns their ids in the order given; see `saveJob`. */
  async saveBulk(queueName: string, jobs: NewJob[]): Promise<string[]> {
    checkString('saveBulk', 'queueName', queueName);
    checkArray('saveBulk', 'jobs', jobs);
    if (jobs.length === 0) return [];
    const staged = jobs.map((job, at) => {
      checkNewJob('saveBulk', `jobs[${at}]`, job);
      return savedJob(job);
    });
    const connection = this.lifecycle.use();
    for (const args of staged) connection.stage(...args);
    return this.call('saveBulk', readTexts, queueName, this.instanceId, this.nextCall());
  }

  /** Saves a parent and its children, of any queues. Returns their ids in the order given; see `saveJob`. */
  async saveFlow(jobs: Array<{ queueName: string; job: NewJob }>): Promise<string[]> {
    checkArray('saveFlow', 'jobs', jobs);
    if (jobs.length === 0) return [];
    const staged = jobs.map((entry, at) => {
      checkObject('saveFlow', `jobs[${at}]`, entry);
      checkString('saveFlow', `jobs[${at}].queueName`, entry.queueName);
      checkNewJob('saveFlow', `jobs[${at}].job`, entry.job);
      return [entry.queueName, ...savedJob(entry.job)];
    });
    const connection = this.lifecycle.use();
    for (const args of staged) connection.stage(...args);
    return this.call('saveFlow', readTexts, this.instanceId, this.nextCall());
  }

  /** A job, or null when there is none of that id. */
  getJob(queueName: string, jobId: string): Promise<JobData | null> {
    try {
      checkJobAddress('getJob', queueName, jobId);
      return this.lifecycle.use().call(GET_JOB, readJob, this.prefix, queueName, jobId);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Changes fields of a job; null and undefined clear them. A job that does not exist is left so.
   *
   * @throws InvalidJobStateError when the job is not in `options.expectedState`; LeaseLostError when this store leased
   *   the job and has lost it to another since, so that the update would speak for a lease that is over; Error when the
   *   job would be delayed without an end
   */
  updateJob(queueName: string, jobId: string, updates: Partial<JobData>, options?: UpdateJobOptions): Promise<void> {
    try {
      checkJobAddress('updateJob', queueName, jobId);
      checkObject('updateJob', 'updates', updates);
      const connection = this.lifecycle.use();
      const expected = expectedStates(options?.expectedState);
      const sweep = looksLikeSweep(updates) ? this.leases.takeStalled(queueName, jobId) : undefined;
      // A sweep leaves the lease known: the worker that lost it may still come back with its result.
      const held = sweep === undefined ? this.leases.of(queueName, jobId) : undefined;
      const lease = speaksForHolder(updates) ? held : undefined;
      const args: Arg[] = [];
      if (expected === undefined) args.push('0');
      // An empty list expects the impossible: no job is in a state without a name.
      else if (expected.length === 0) args.push('1', '');
      else args.push(String(expected.length), ...expected);
      appendChanges(args, updates);
      return connection.call(
        UPDATE_JOB,
        (reply) => this.readUpdate(reply, queueName, jobId, updates, expected, held),
        this.prefix,
        queueName,
        this.instanceId,
        this.nextCall(),
        jobId,
        lease?.owner,
        lease?.leasedAt,
        sweep,
        this.options.metrics?.enabled === true && endsJob(updates) ? '1' : '0',
        Object.hasOwn(updates, 'opts') ? priorityText(updates.opts) : null,
        ...args,
      );
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Removes a job with everything that points to it. */
  async removeJob(queueName: string, jobId: string): Promise<void> {
    checkJobAddress('removeJob', queueName, jobId);
    await this.call('removeJob', readFlag, queueName, jobId);
    this.leases.forget(queueName, jobId);
  }

  /** The live job that holds a deduplication key, or null. */
  async findByDeduplicationKey(queueName: string, key: string): Promise<JobData | null> {
    checkString('findByDeduplicationKey', 'queueName', queueName);
    checkString('findByDeduplicationKey', 'key', key);
    return this.call('findByDeduplicationKey', readJob, queueName, key);
  }

  /**
   * Leases the next job to a worker, or null when none is due. The lease is remembered, and with it the right to
   * extend, release and finish it.
   *
   * @param lockDuration milliseconds, above 0; rounded up
   */
  async fetchNextJob(
    queueName: string,
    workerId: string,
    lockDuration: number,
    opts?: FetchOptions,
  ): Promise<JobData | null> {
    checkString('fetchNextJob', 'queueName', queueName);
    checkString('fetchNextJob', 'workerId', workerId);
    checkPositive('fetchNextJob', 'lockDuration', lockDuration);
    const wishes = fetchWishes(opts);
    const lockMs = String(Math.ceil(lockDuration));
    const decode = (reply: Reply): JobData | null => this.readLeased(reply, queueName);
    for (;;) {
      const call = this.nextCall();
      const connection = this.lifecycle.use();
      try {
        return await connection.call(
          FETCH_NEXT_JOB,
          decode,
          this.prefix,
          queueName,
          this.instanceId,
          call,
          workerId,
          lockMs,
          ...wishes,
        );
      } catch (error) {
        const { jobId } = error as { jobId?: unknown };
        if (typeof jobId !== 'string') throw error;
        await this.failUnreadable(queueName, jobId, error as Error);
      }
    }
  }

  /**
   * Prolongs a lease by `duration` milliseconds from now; false when it is lost. Passing faults are waited out within
   * that time, because a worker that sees this reject stops renewing.
   */
  async extendLock(queueName: string, jobId: string, duration: number): Promise<boolean> {
    checkJobAddress('extendLock', queueName, jobId);
    checkPositive('extendLock', 'duration', duration);
    this.lifecycle.use();
    const lease = this.leases.of(queueName, jobId);
    const deadline = performance.now() + duration;
    const durationMs = String(Math.ceil(duration));
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      try {
        return await this.call('extendLock', readFlag, queueName, jobId, durationMs, lease?.owner, lease?.leasedAt);
      } catch (error) {
        const passing = error instanceof FerrodisError && error.retryable;
        if (!passing || performance.now() + pause >= deadline) {
          this.logger.warn('[Conveyor] A lock could not be extended:', error);
          return false;
        }
        await sleep(pause, undefined, { ref: false });
      }
    }
  }

  /** Gives a lease up. The job stays `active` until it is updated. */
  async releaseLock(queueName: string, jobId: string): Promise<void> {
    checkJobAddress('releaseLock', queueName, jobId);
    const lease = this.leases.of(queueName, jobId);
    await this.call('releaseLock', readFlag, queueName, jobId, lease?.owner, lease?.leasedAt);
    this.leases.giveUp(queueName, jobId, lease);
  }

  /** Marks an active job as cancelled, for its worker to notice, and tells subscribers. False when it is not active. */
  async cancelJob(queueName: string, jobId: string): Promise<boolean> {
    checkJobAddress('cancelJob', queueName, jobId);
    const timestamp = new Date();
    const event: StoreEvent = { type: 'job:cancelled', queueName, jobId, timestamp };
    const payload = this.events.encode(event);
    const done = await this.call('cancelJob', readFlag, queueName, jobId, String(timestamp.getTime()), payload);
    if (done) this.events.dispatch(event);
    return done;
  }

  private readUpdate(
    reply: Reply,
    queueName: string,
    jobId: string,
    updates: Partial<JobData>,
    expected: JobState[] | undefined,
    held: Lease | undefined,
  ): void {
    if (!reply.isInt()) {
      const { InvalidJobStateError } = this.lifecycle.hostErrors;
      throw new InvalidJobStateError(jobId, readText(reply) as JobState, expected ?? []);
    }
    switch (reply.int()) {
      case 1:
        if (endsLease(updates)) this.leases.giveUp(queueName, jobId, held);
        return;
      case -1:
        throw delayedWithoutDate(jobId);
      case -2:
        throw new LeaseLostError(`Job ${jobId} is no longer leased to this worker`, {
          operation: 'conveyor.updateJob',
        });
      default:
      // The job does not exist, or another sweep of stalled jobs came first: there is nothing to do.
    }
  }

  /** A payload that cannot be read never will be: the job fails instead of being leased for ever. */
  private async failUnreadable(queueName: string, jobId: string, error: Error): Promise<void> {
    this.logger.warn(`[Conveyor] Job ${jobId} of queue "${queueName}" cannot be decoded and has failed:`, error);
    await this.updateJob(queueName, jobId, {
      state: 'failed',
      failedReason: `Cannot be decoded: ${error.message}`,
      failedAt: new Date(),
      lockUntil: null,
      lockedBy: null,
    });
  }

  private readLeased(reply: Reply, queueName: string): JobData | null {
    if (reply.list() < 0) return null;
    let job: JobData | null = null;
    try {
      job = readJob(reply);
    } finally {
      for (const id of readTexts(reply)) {
        this.warnLater(`[Conveyor] Job ${id} of queue "${queueName}" cannot be decoded and was set aside`);
      }
    }
    if (job !== null) this.leases.take(queueName, job);
    return job;
  }
}

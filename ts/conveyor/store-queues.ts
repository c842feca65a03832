/** The part of the store that works on whole queues and flows: counting, listing, sweeping, pausing. */

import type { Reply } from '../client.js';
import {
  checkFinite,
  checkJobAddress,
  checkObject,
  checkOneOf,
  checkState,
  checkString,
  rangeEnd,
} from './arguments.js';
import { activeJobsExist } from './errors.js';
import { readJob } from './record.js';
import {
  readCount,
  readFlag,
  readJobCounts,
  readNothing,
  readNumberOrNull,
  readQueues,
  readText,
  readTexts,
} from './replies.js';
import { JobStore } from './store-jobs.js';
import type { JobData, JobState, QueueInfo } from './types.js';

/** What `obliterate` answers when it must not. */
const ACTIVE_JOBS_EXIST = -3;

/** Operations on whole queues and flows. */
export class QueueStore extends JobStore {
  /** How many jobs are leased. */
  getActiveCount(queueName: string): Promise<number> {
    return this.countJobs(queueName, 'active');
  }

  /** How many jobs are in a state. */
  async countJobs(queueName: string, state: JobState): Promise<number> {
    checkString('countJobs', 'queueName', queueName);
    checkState(state);
    return this.call('countJobs', readCount, queueName, state);
  }

  /** How many jobs are in each state. */
  async getJobCounts(queueName: string): Promise<Record<JobState, number>> {
    checkString('getJobCounts', 'queueName', queueName);
    return this.call('getJobCounts', readJobCounts, queueName);
  }

  /** How many jobs of a group are leased. */
  async getGroupActiveCount(queueName: string, groupId: string): Promise<number> {
    checkString('getGroupActiveCount', 'queueName', queueName);
    checkString('getGroupActiveCount', 'groupId', groupId);
    return this.call('getGroupActiveCount', readCount, queueName, groupId);
  }

  /** How many jobs of a group wait. */
  async getWaitingGroupCount(queueName: string, groupId: string): Promise<number> {
    checkString('getWaitingGroupCount', 'queueName', queueName);
    checkString('getWaitingGroupCount', 'groupId', groupId);
    return this.call('getWaitingGroupCount', readCount, queueName, groupId);
  }

  /**
   * A page of the jobs in a state: waiting ones in their order, finished ones newest first, others oldest first.
   *
   * @param start first position; negative ones count from the end
   * @param end position behind the last
   */
  async listJobs(queueName: string, state: JobState, start = 0, end = 100): Promise<JobData[]> {
    checkString('listJobs', 'queueName', queueName);
    if (end <= start) return [];
    checkState(state);
    const from = rangeEnd('listJobs', 'start', start);
    return this.call('listJobs', this.readJobs, queueName, state, from, rangeEnd('listJobs', 'end', end));
  }

  /** When the next delayed job is due, in epoch milliseconds; null when there is none. */
  async getNextDelayedTimestamp(queueName: string): Promise<number | null> {
    checkString('getNextDelayedTimestamp', 'queueName', queueName);
    return this.call('getNextDelayedTimestamp', readNumberOrNull, queueName);
  }

  /** Makes the delayed jobs that are due at `timestamp` (epoch milliseconds) wait. Returns how many. */
  async promoteDelayedJobs(queueName: string, timestamp: number): Promise<number> {
    checkString('promoteDelayedJobs', 'queueName', queueName);
    checkFinite('promoteDelayedJobs', 'timestamp', timestamp);
    const promoted = this.promote(queueName, String(timestamp));
    if (this.options.expireFinishedJobs === true) await this.expire(queueName);
    return promoted;
  }

  /** Makes all delayed jobs wait. Returns how many. */
  async promoteJobs(queueName: string): Promise<number> {
    checkString('promoteJobs', 'queueName', queueName);
    return this.promote(queueName, '+inf');
  }

  /** Stops jobs of a name from being leased; `__all__` stops the queue. */
  async pauseJobName(queueName: string, jobName: string): Promise<void> {
    checkString('pauseJobName', 'queueName', queueName);
    checkString('pauseJobName', 'jobName', jobName);
    await this.call('pauseJobName', readNothing, queueName, jobName);
  }

  /** Undoes `pauseJobName`. */
  async resumeJobName(queueName: string, jobName: string): Promise<void> {
    checkString('resumeJobName', 'queueName', queueName);
    checkString('resumeJobName', 'jobName', jobName);
    await this.call('resumeJobName', readNothing, queueName, jobName);
  }

  /** The names that are paused. */
  async getPausedJobNames(queueName: string): Promise<string[]> {
    checkString('getPausedJobNames', 'queueName', queueName);
    return this.call('getPausedJobNames', readTexts, queueName);
  }

  /**
   * The leased jobs whose lock has run out. When several stores sweep, only the first to update such a job has an
   * effect.
   *
   * @param _stalledThreshold not used: the lock itself tells
   */
  async getStalledJobs(queueName: string, _stalledThreshold?: number): Promise<JobData[]> {
    checkString('getStalledJobs', 'queueName', queueName);
    const jobs = await this.call('getStalledJobs', this.readJobs, queueName);
    for (const job of jobs) this.leases.reportStalled(queueName, job);
    return jobs;
  }

  /** Removes the jobs of a state that are at least `grace` milliseconds old. Returns how many. */
  async clean(queueName: string, state: JobState, grace: number): Promise<number> {
    checkString('clean', 'queueName', queueName);
    checkState(state, ' in clean');
    checkFinite('clean', 'grace', grace);
    return this.call('clean', readCount, queueName, state, String(grace));
  }

  /** Removes all jobs that are neither active nor finished. */
  async drain(queueName: string): Promise<void> {
    checkString('drain', 'queueName', queueName);
    await this.call('drain', readNothing, queueName);
  }

  /** Makes all finished jobs of one kind wait again, as if never tried. Returns how many. */
  async retryJobs(queueName: string, state: 'failed' | 'completed'): Promise<number> {
    checkString('retryJobs', 'queueName', queueName);
    checkOneOf('retryJobs', 'state', state, ['failed', 'completed']);
    return this.call('retryJobs', readCount, queueName, this.instanceId, this.nextCall(), state);
  }

  /** Removes a queue with everything in it. @throws Error when jobs are active, unless forced. */
  async obliterate(queueName: string, opts?: { force?: boolean }): Promise<void> {
    checkString('obliterate', 'queueName', queueName);
    if (opts !== undefined) checkObject('obliterate', 'opts', opts);
    const outcome = await this.call('obliterate', readCount, queueName, opts?.force === true ? '1' : '0');
    if (outcome === ACTIVE_JOBS_EXIST) throw activeJobsExist(queueName);
    this.leases.forgetQueue(queueName);
  }

  /** Counts one child of a parent as done; the last one makes the parent wait. Returns the parent's state. */
  async notifyChildCompleted(parentQueueName: string, parentId: string): Promise<JobState> {
    checkJobAddress('notifyChildCompleted', parentQueueName, parentId);
    const state = await this.call(
      'notifyChildCompleted',
      readText,
      parentQueueName,
      this.instanceId,
      this.nextCall(),
      parentId,
    );
    return state as JobState;
  }

  /** Fails a parent that still waits, because a child failed. False when there was nothing to fail. */
  async failParentOnChildFailure(parentQueueName: string, parentId: string, reason: string): Promise<boolean> {
    checkJobAddress('failParentOnChildFailure', parentQueueName, parentId);
    checkString('failParentOnChildFailure', 'reason', reason);
    return this.call('failParentOnChildFailure', readFlag, parentQueueName, parentId, reason);
  }

  /** The children of a parent, oldest first. */
  async getChildrenJobs(parentQueueName: string, parentId: string): Promise<JobData[]> {
    checkJobAddress('getChildrenJobs', parentQueueName, parentId);
    return this.call('getChildrenJobs', this.readJobs, parentQueueName, parentId);
  }

  /** All queues, by name. */
  async listQueues(): Promise<QueueInfo[]> {
    return this.call('listQueues', readQueues);
  }

  /** A job of any queue. */
  async findJobById(jobId: string): Promise<JobData | null> {
    checkString('findJobById', 'jobId', jobId);
    return this.call('findJobById', (reply: Reply) => readJob(reply), jobId);
  }

  /** Housekeeping beside a promotion: a fault of it is told, and the next promotion tries again. */
  private async expire(queueName: string): Promise<void> {
    try {
      await this.call('expireJobs', readCount, queueName);
    } catch (error) {
      this.logger.warn('[Conveyor] Finished jobs could not be expired:', error);
    }
  }

  private promote(queueName: string, bound: string): Promise<number> {
    return this.call('promoteDelayedJobs', readCount, queueName, this.instanceId, this.nextCall(), bound);
  }
}

/** What the host asks of a store, method by method: the structural twin of its `StoreInterface`. */

import type {
  FetchOptions,
  JobData,
  JobState,
  MetricsBucket,
  MetricsQueryOptions,
  NewJob,
  QueueInfo,
  SearchJobsFilter,
  SearchJobsResult,
  StoreEvent,
  StoreEventCallback,
  UpdateJobOptions,
} from './types.js';

/** A store of jobs. The last six methods are optional: hosts test whether they are there. */
export interface StoreInterface extends AsyncDisposable {
  connect(): Promise<void>;
  disconnect(): Promise<void>;

  saveJob(queueName: string, job: NewJob): Promise<string>;
  saveBulk(queueName: string, jobs: NewJob[]): Promise<string[]>;
  getJob(queueName: string, jobId: string): Promise<JobData | null>;
  updateJob(queueName: string, jobId: string, updates: Partial<JobData>, options?: UpdateJobOptions): Promise<void>;
  removeJob(queueName: string, jobId: string): Promise<void>;
  findByDeduplicationKey(queueName: string, key: string): Promise<JobData | null>;

  fetchNextJob(queueName: string, workerId: string, lockDuration: number, opts?: FetchOptions): Promise<JobData | null>;
  extendLock(queueName: string, jobId: string, duration: number): Promise<boolean>;
  releaseLock(queueName: string, jobId: string): Promise<void>;

  getActiveCount(queueName: string): Promise<number>;
  listJobs(queueName: string, state: JobState, start?: number, end?: number): Promise<JobData[]>;
  countJobs(queueName: string, state: JobState): Promise<number>;
  getNextDelayedTimestamp(queueName: string): Promise<number | null>;
  promoteDelayedJobs(queueName: string, timestamp: number): Promise<number>;
  pauseJobName(queueName: string, jobName: string): Promise<void>;
  resumeJobName(queueName: string, jobName: string): Promise<void>;
  getPausedJobNames(queueName: string): Promise<string[]>;
  getStalledJobs(queueName: string, stalledThreshold: number): Promise<JobData[]>;
  clean(queueName: string, state: JobState, grace: number): Promise<number>;
  drain(queueName: string): Promise<void>;

  subscribe(queueName: string, callback: StoreEventCallback): void;
  unsubscribe(queueName: string, callback?: StoreEventCallback): void;
  publish(event: StoreEvent): Promise<void>;

  saveFlow(jobs: Array<{ queueName: string; job: NewJob }>): Promise<string[]>;
  notifyChildCompleted(parentQueueName: string, parentId: string): Promise<JobState>;
  failParentOnChildFailure(parentQueueName: string, parentId: string, reason: string): Promise<boolean>;
  getChildrenJobs(parentQueueName: string, parentId: string): Promise<JobData[]>;

  getGroupActiveCount(queueName: string, groupId: string): Promise<number>;
  getWaitingGroupCount(queueName: string, groupId: string): Promise<number>;
  getJobCounts(queueName: string): Promise<Record<JobState, number>>;
  obliterate(queueName: string, opts?: { force?: boolean }): Promise<void>;
  retryJobs(queueName: string, state: 'failed' | 'completed'): Promise<number>;
  promoteJobs(queueName: string): Promise<number>;
  listQueues(): Promise<QueueInfo[]>;
  findJobById(jobId: string): Promise<JobData | null>;
  cancelJob(queueName: string, jobId: string): Promise<boolean>;

  getMetrics?(queueName: string, options: MetricsQueryOptions): Promise<MetricsBucket[]>;
  aggregateMetrics?(): Promise<void>;
  searchByPayload?(queueName: string, query: string, limit?: number): Promise<JobData[]>;
  searchByName?(query: string, queueName?: string, limit?: number): Promise<JobData[]>;
  listFlowParents?(state?: JobState, limit?: number): Promise<JobData[]>;
  searchJobs?(filter: SearchJobsFilter, start?: number, end?: number): Promise<SearchJobsResult>;
}

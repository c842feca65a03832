/** Readers of the store's replies, other than of one job. */

import type { Decode, Reply } from '../client.js';
import { readJob } from './record.js';
import type { JobData, JobState, MetricsBucket, MetricsGranularity, QueueInfo } from './types.js';

/** Writes a warning to the log. */
export type Warn = (message: string, ...args: unknown[]) => void;

/** Drops the reply. */
export function readNothing(reply: Reply): void {
  reply.skip();
}

/** A text that is always there. */
export function readText(reply: Reply): string {
  return reply.text() ?? '';
}

/** A number that is always there. */
export function readCount(reply: Reply): number {
  return reply.int();
}

/** 1 for yes. */
export function readFlag(reply: Reply): boolean {
  return reply.int() === 1;
}

/** A number, or null when nil. */
export function readNumberOrNull(reply: Reply): number | null {
  const value = reply.int();
  return Number.isNaN(value) ? null : value;
}

/** A list of texts. */
export function readTexts(reply: Reply): string[] {
  const length = reply.list();
  const texts: string[] = [];
  for (let at = 0; at < length; at++) texts.push(readText(reply));
  return texts;
}

/** The six counts of a queue, in the order of the table of operations. */
export function readStateCounts(reply: Reply): Record<JobState, number> {
  return {
    waiting: reply.int(),
    'waiting-children': reply.int(),
    delayed: reply.int(),
    active: reply.int(),
    completed: reply.int(),
    failed: reply.int(),
  };
}

/** A list of just the six counts. */
export function readJobCounts(reply: Reply): Record<JobState, number> {
  reply.list();
  return readStateCounts(reply);
}

/** What the dashboard shows of each queue. */
export function readQueues(reply: Reply): QueueInfo[] {
  const length = reply.list();
  const queues: QueueInfo[] = [];
  for (let at = 0; at < length; at++) {
    reply.list();
    const name = readText(reply);
    const counts = readStateCounts(reply);
    const isPaused = readFlag(reply);
    const latest = readNumberOrNull(reply);
    const scheduledCount = reply.int();
    queues.push({
      name,
      counts,
      isPaused,
      latestActivity: latest === null ? null : new Date(latest),
      scheduledCount,
    });
  }
  return queues;
}

/** Reads the buckets of one queue. */
export function metricsReader(queueName: string, granularity: MetricsGranularity): Decode<MetricsBucket[]> {
  return (reply) => {
    const length = reply.list();
    const buckets: MetricsBucket[] = [];
    for (let at = 0; at < length; at++) {
      reply.list();
      buckets.push({
        queueName,
        jobName: readText(reply),
        periodStart: new Date(reply.int()),
        granularity,
        completedCount: reply.int(),
        failedCount: reply.int(),
        totalProcessMs: reply.int(),
        minProcessMs: readNumberOrNull(reply),
        maxProcessMs: readNumberOrNull(reply),
      });
    }
    return buckets;
  };
}

/**
 * Reads lists of jobs. One record that cannot be read must not hide the others: it is left out, with a warning. Made
 * once per store, so that a call makes no closure.
 *
 * @param warn may run foreign code, so it must come after the reply is read
 */
export function jobListReader(warn: Warn): Decode<JobData[]> {
  return (reply) => {
    const length = reply.list();
    const jobs: JobData[] = [];
    for (let at = 0; at < length; at++) {
      try {
        const job = readJob(reply);
        if (job !== null) jobs.push(job);
      } catch (error) {
        warn('[Conveyor] Skipping a job that cannot be decoded:', error);
      }
    }
    return jobs;
  };
}

/** The store that the conveyor host is given: job and queue operations, with metrics and search on top. */

import type { Reply } from '../client.js';
import {
  checkDate,
  checkLimit,
  checkObject,
  checkPositive,
  optionalString,
  checkOneOf,
  checkState,
  checkString,
  checkArray,
  rangeEnd,
} from './arguments.js';
import type { StoreInterface } from './interface.js';
import { metricsReader, readNothing } from './replies.js';
import { QueueStore } from './store-queues.js';
import type {
  JobData,
  JobState,
  MetricsBucket,
  MetricsQueryOptions,
  SearchJobsFilter,
  SearchJobsResult,
} from './types.js';

const RETENTION_MINUTES = 1_440;
const RETENTION_HOURS = 720;

/** Milliseconds of an optional Date. */
function time(argument: string, date: Date | null | undefined): string | null {
  if (date === undefined || date === null) return null;
  checkDate('searchJobs', argument, date);
  return String(date.getTime());
}

/**
 * Keeps the jobs of conveyor queues in Redis. It reads and writes what `RedisStore` of `@conveyor/store-redis` does, so
 * both can work on one Redis at the same time; see `docs/migrate/conveyor.md`.
 *
 * @example
 * const store = new RedisStore({ url: 'redis://localhost:6379' });
 * await store.connect();
 * const queue = new Queue('mail', { store });
 */
export class RedisStore extends QueueStore implements StoreInterface {
  /**
   * What finished per minute or hour, oldest bucket first.
   *
   * @throws MetricsDisabledError unless `metrics.enabled` was set
   */
  async getMetrics(queueName: string, options: MetricsQueryOptions): Promise<MetricsBucket[]> {
    await this.demandMetrics();
    checkString('getMetrics', 'queueName', queueName);
    checkObject('getMetrics', 'options', options);
    const { granularity, from, to } = options;
    checkOneOf('getMetrics', 'options.granularity', granularity, ['minute', 'hour']);
    checkDate('getMetrics', 'options.from', from);
    checkDate('getMetrics', 'options.to', to);
    const decode = metricsReader(queueName, granularity);
    return this.call('getMetrics', decode, queueName, granularity, String(from.getTime()), String(to.getTime()));
  }

  /**
   * Sums minutes up into hours and drops what is older than the retention. May be repeated at will.
   *
   * @throws MetricsDisabledError unless `metrics.enabled` was set
   */
  async aggregateMetrics(): Promise<void> {
    await this.demandMetrics();
    const { retentionMinutes = RETENTION_MINUTES, retentionHours = RETENTION_HOURS } = this.options.metrics ?? {};
    checkPositive('aggregateMetrics', 'metrics.retentionMinutes', retentionMinutes);
    checkPositive('aggregateMetrics', 'metrics.retentionHours', retentionHours);
    await this.call('aggregateMetrics', readNothing, String(retentionMinutes), String(retentionHours));
  }

  /** Jobs of a queue whose data, as JSON, contains a text in any case; oldest first. */
  async searchByPayload(queueName: string, query: string, limit = 50): Promise<JobData[]> {
    checkString('searchByPayload', 'queueName', queueName);
    checkString('searchByPayload', 'query', query);
    const most = checkLimit('searchByPayload', limit);
    return most === 0 ? [] : this.call('searchByPayload', this.readJobs, queueName, query, String(most));
  }

  /** Jobs of one queue, or of all, whose name contains a text in any case; newest first. */
  async searchByName(query: string, queueName?: string, limit = 50): Promise<JobData[]> {
    checkString('searchByName', 'query', query);
    const queue = optionalString('searchByName', 'queueName', queueName);
    const most = checkLimit('searchByName', limit);
    return most === 0 ? [] : this.call('searchByName', this.readJobs, query, queue, String(most));
  }

  /** Jobs that have children, of all queues; newest first. */
  async listFlowParents(state?: JobState, limit = 100): Promise<JobData[]> {
    if (state !== undefined && state !== null) checkState(state);
    const most = checkLimit('listFlowParents', limit);
    return most === 0 ? [] : this.call('listFlowParents', this.readJobs, state, String(most));
  }

  /** A page of the jobs that meet every condition given, newest first, and how many do in all. */
  async searchJobs(filter: SearchJobsFilter, start = 0, end = 50): Promise<SearchJobsResult> {
    checkObject('searchJobs', 'filter', filter);
    const states = filter.states ?? [];
    checkArray('searchJobs', 'filter.states', states);
    for (const state of states) checkState(state);
    return this.call(
      'searchJobs',
      (reply: Reply) => {
        reply.list();
        return { total: reply.int(), jobs: this.readJobs(reply) };
      },
      optionalString('searchJobs', 'filter.queueName', filter.queueName),
      optionalString('searchJobs', 'filter.name', filter.name),
      time('filter.createdAfter', filter.createdAfter),
      time('filter.createdBefore', filter.createdBefore),
      rangeEnd('searchJobs', 'start', start),
      rangeEnd('searchJobs', 'end', end),
      ...states,
    );
  }

  private async demandMetrics(): Promise<void> {
    if (this.options.metrics?.enabled === true) return;
    const { MetricsDisabledError } = await this.lifecycle.loadHostErrors();
    throw new MetricsDisabledError();
  }
}

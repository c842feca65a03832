import { randomUUID } from 'node:crypto';

import { createClient } from 'redis6';

import { childTuple, type QueueKeys, queueKeys, splitChildTuple } from './conveyor-keys.js';
import { type FetchOptions, type Job, JOB_STATES, type JobState, type NewJob } from './job.js';
import { decodeJob, encodeJob } from './original-conveyor-codec.js';
import { addToIndex, removeFromIndex } from './original-conveyor-indexes.js';
import { listQueues, type QueueInfo } from './original-conveyor-listing.js';
import { type ScriptName, SCRIPTS } from './original-conveyor-scripts.js';

type Client = ReturnType<typeof createClient>;
type Multi = ReturnType<Client['multi']>;

const SCAN_DEPTH = 200;
const RETRY_BATCH = 50;

/**
 * Plays the store of `@conveyor/store-redis` 1.5.0 on node-redis 6: the same commands, round trips and faults,
 * written from the contract alone. Tests mix it with ferrodis on one server; benchmarks use it as the baseline.
 */
export class OriginalStore {
  readonly prefix: string;
  readonly instanceId = randomUUID();
  readonly client: Client;
  readonly #shas = new Map<ScriptName, string>();

  /** `client`, when given, must already be open, as the original demands it. */
  constructor(options: { url: string; keyPrefix?: string } | { client: Client; keyPrefix?: string }) {
    this.prefix = options.keyPrefix ?? 'conveyor';
    this.client = 'client' in options ? options.client : createClient({ url: options.url });
    this.client.on('error', () => {});
  }

  async connect(): Promise<void> {
    if (!this.client.isOpen) await this.client.connect();
    await this.client.set(`${this.prefix}:schema`, 'redis-v1');
    for (const [name, source] of Object.entries(SCRIPTS)) {
      this.#shas.set(name as ScriptName, await this.client.scriptLoad(source));
    }
  }

  async disconnect(): Promise<void> {
    if (this.client.isOpen) await this.client.close();
  }

  async saveJob(queueName: string, job: NewJob): Promise<string> {
    const id = job.id ?? randomUUID();
    const owner = await this.#reserve(queueName, id, job);
    if (owner !== null) return owner;
    const multi = this.client.multi();
    this.#addJob(multi, queueName, id, job);
    multi.sAdd(`${this.prefix}:queues`, queueName);
    await multi.exec();
    return id;
  }

  async saveBulk(queueName: string, jobs: NewJob[]): Promise<string[]> {
    if (jobs.length === 0) return [];
    const multi = this.client.multi();
    const decided = new Map<string, string>();
    const ids: string[] = [];
    let saved = 0;
    for (const job of jobs) {
      const key = job.deduplicationKey;
      const known = key ? decided.get(key) : undefined;
      if (known !== undefined) {
        ids.push(known);
        continue;
      }
      const id = job.id ?? randomUUID();
      const owner = await this.#reserve(queueName, id, job);
      if (key) decided.set(key, owner ?? id);
      ids.push(owner ?? id);
      if (owner !== null) continue;
      this.#addJob(multi, queueName, id, job);
      saved += 1;
    }
    if (saved > 0) await multi.sAdd(`${this.prefix}:queues`, queueName).exec();
    return ids;
  }

  async saveFlow(entries: Array<{ queueName: string; job: NewJob }>): Promise<string[]> {
    const ids: string[] = [];
    for (const { queueName, job } of entries) ids.push(await this.saveJob(queueName, job));
    return ids;
  }

  async getJob(queueName: string, id: string): Promise<Job | null> {
    return decodeJob(await this.client.hGetAll(this.#keys(queueName).job(id)));
  }

  async updateJob(
    queueName: string,
    id: string,
    updates: Partial<Job>,
    options: { expectedState?: JobState | JobState[] } = {},
  ): Promise<void> {
    const current = await this.getJob(queueName, id);
    if (current === null) return;
    const expected = options.expectedState === undefined ? [] : [options.expectedState].flat();
    if (expected.length > 0 && !expected.includes(current.state)) {
      const names = expected.map((state) => `"${state}"`).join(' or ');
      throw new Error(`Cannot mutate job ${id}: state is "${current.state}", expected ${names}`);
    }
    const merged = { ...current, ...updates };
    if (merged.state === 'delayed' && !merged.delayUntil) {
      throw new Error(`[Conveyor] updateJob(${id}): state "delayed" requires a non-null delayUntil`);
    }
    const keys = this.#keys(queueName);
    const multi = this.client.multi();
    multi.del(keys.job(id));
    multi.hSet(keys.job(id), encodeJob(merged));
    if (updates.state !== undefined && updates.state !== current.state) {
      removeFromIndex(multi, keys, current);
      addToIndex(multi, keys, merged);
    } else if (merged.state === 'delayed' && updates.delayUntil) {
      multi.zAdd(keys.delayed, { score: updates.delayUntil.getTime(), value: id });
    }
    if ((updates.state === 'completed' || updates.state === 'failed') && merged.deduplicationKey) {
      multi.del(keys.dedup(merged.deduplicationKey));
    }
    await multi.exec();
  }

  async removeJob(queueName: string, id: string): Promise<void> {
    const job = await this.getJob(queueName, id);
    if (job === null) return;
    const keys = this.#keys(queueName);
    const multi = this.client.multi();
    multi.del(keys.job(id));
    removeFromIndex(multi, keys, job);
    if (job.deduplicationKey) multi.del(keys.dedup(job.deduplicationKey));
    if (job.parentId && job.parentQueueName) {
      const parents = this.#keys(job.parentQueueName);
      multi.sRem(parents.flowChildren(job.parentId), childTuple(queueName, id));
    }
    multi.del(keys.lock(id));
    await multi.exec();
  }

  async findByDeduplicationKey(queueName: string, key: string): Promise<Job | null> {
    const pointer = this.#keys(queueName).dedup(key);
    const id = await this.client.get(pointer);
    if (id === null) return null;
    const job = await this.getJob(queueName, id);
    if (job === null) await this.client.del(pointer);
    return job === null || job.state === 'completed' || job.state === 'failed' ? null : job;
  }

  async fetchNextJob(
    queueName: string,
    workerId: string,
    lockDuration: number,
    options: FetchOptions = {},
  ): Promise<Job | null> {
    const keys = this.#keys(queueName);
    const excluded = options.excludeGroups ?? [];
    const flat = await this.#evaluate(
      'fetchNextJob',
      [keys.paused, keys.waiting, keys.active, keys.rateLimit],
      [
        workerId,
        String(lockDuration),
        String(Date.now()),
        options.lifo ? '1' : '0',
        options.jobName ?? '',
        String(options.rateLimit?.max ?? 0),
        String(options.rateLimit?.duration ?? 0),
        String(options.groupConcurrency ?? -1),
        String(excluded.length),
        ...excluded,
        keys.jobPrefix,
        keys.groupPrefix,
        ':active',
        ':waiting',
        keys.lockPrefix,
        String(SCAN_DEPTH),
      ],
    );
    if (!Array.isArray(flat)) return null;
    const hash: Record<string, string> = {};
    for (let i = 0; i < flat.length; i += 2) hash[String(flat[i])] = String(flat[i + 1]);
    return decodeJob(hash);
  }

  async extendLock(queueName: string, id: string, duration: number): Promise<boolean> {
    const keys = this.#keys(queueName);
    const until = String(Date.now() + duration);
    const done = await this.#evaluate('extendLock', [keys.job(id), keys.lock(id)], [until, String(duration)]);
    return done === 1;
  }

  async releaseLock(queueName: string, id: string): Promise<void> {
    const keys = this.#keys(queueName);
    await this.#evaluate('releaseLock', [keys.job(id), keys.lock(id), keys.active], [id]);
  }

  getActiveCount(queueName: string): Promise<number> {
    return this.client.sCard(this.#keys(queueName).active);
  }

  async getJobCounts(queueName: string): Promise<Record<JobState, number>> {
    const keys = this.#keys(queueName);
    const counts = await this.client
      .multi()
      .lLen(keys.waiting)
      .lLen(keys.waitingChildren)
      .zCard(keys.delayed)
      .sCard(keys.active)
      .zCard(keys.completed)
      .zCard(keys.failed)
      .exec();
    return Object.fromEntries(JOB_STATES.map((state, i) => [state, Number(counts[i])])) as Record<JobState, number>;
  }

  async listJobs(queueName: string, state: JobState, start = 0, end = 100): Promise<Job[]> {
    if (end <= start) return [];
    if (state === 'active' || state === 'delayed') {
      const all = await this.#hydrate(queueName, await this.#ids(queueName, state));
      const byAge = all.sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
      return byAge.slice(start, end);
    }
    const keys = this.#keys(queueName);
    const ids =
      state === 'waiting' || state === 'waiting-children'
        ? await this.client.lRange(`${keys.tag}:${state}`, start, end - 1)
        : await this.client.zRange(`${keys.tag}:${state}`, start, end - 1, { REV: true });
    return this.#hydrate(queueName, ids);
  }

  async promoteDelayedJobs(queueName: string, timestamp: number | '+inf'): Promise<number> {
    const keys = this.#keys(queueName);
    const moved = await this.#evaluate(
      'promoteDelayed',
      [keys.delayed, keys.waiting],
      [String(timestamp), keys.jobPrefix, keys.groupPrefix, ':waiting', String(Date.now())],
    );
    return Number(moved);
  }

  async getStalledJobs(queueName: string): Promise<Job[]> {
    const active = await this.#hydrate(queueName, await this.#ids(queueName, 'active'));
    const now = Date.now();
    return active.filter((job) => job.state === 'active' && job.lockUntil !== null && job.lockUntil.getTime() < now);
  }

  async clean(queueName: string, state: JobState, grace: number): Promise<number> {
    const cutoff = Date.now() - grace;
    const keys = this.#keys(queueName);
    let ids: string[];
    if (state === 'completed' || state === 'failed') {
      ids = await this.client.zRangeByScore(`${keys.tag}:${state}`, '-inf', cutoff);
    } else {
      const jobs = await this.#hydrate(queueName, await this.#ids(queueName, state));
      const instant = (job: Job): number =>
        (state === 'active' ? job.processedAt?.getTime() : job.createdAt.getTime()) ?? Infinity;
      ids = jobs.filter((job) => instant(job) <= cutoff).map((job) => job.id);
    }
    for (const id of ids) await this.removeJob(queueName, id);
    return ids.length;
  }

  async drain(queueName: string): Promise<void> {
    for (const state of ['waiting', 'waiting-children', 'delayed'] as const) {
      for (const id of await this.#ids(queueName, state)) await this.removeJob(queueName, id);
    }
  }

  async retryJobs(queueName: string, state: 'failed' | 'completed'): Promise<number> {
    const ids = await this.#ids(queueName, state);
    for (let i = 0; i < ids.length; i += RETRY_BATCH) {
      await Promise.all(
        ids.slice(i, i + RETRY_BATCH).map((id) =>
          this.updateJob(queueName, id, {
            state: 'waiting',
            attemptsMade: 0,
            progress: 0,
            returnvalue: null,
            failedReason: null,
            failedAt: null,
            completedAt: null,
            processedAt: null,
            stacktrace: [],
          }),
        ),
      );
    }
    return ids.length;
  }

  async notifyChildCompleted(queueName: string, parentId: string): Promise<string> {
    const keys = this.#keys(queueName);
    const state = await this.#evaluate(
      'notifyChildCompleted',
      [keys.job(parentId), keys.waitingChildren, keys.waiting],
      [parentId, keys.groupPrefix, ':waiting', String(Date.now())],
    );
    return String(state);
  }

  async getChildrenJobs(queueName: string, parentId: string): Promise<Job[]> {
    const tuples = await this.client.sMembers(this.#keys(queueName).flowChildren(parentId));
    const perQueue = new Map<string, string[]>();
    for (const tuple of tuples) {
      const child = splitChildTuple(tuple);
      perQueue.set(child.queueName, [...(perQueue.get(child.queueName) ?? []), child.id]);
    }
    const jobs: Job[] = [];
    for (const [queue, ids] of perQueue) jobs.push(...(await this.#hydrate(queue, ids)));
    return jobs;
  }

  listQueues(): Promise<QueueInfo[]> {
    return listQueues(this.client, this.prefix);
  }

  async publish(event: {
    type: string;
    queueName: string;
    jobId?: string;
    data?: unknown;
    timestamp: Date;
  }): Promise<void> {
    const { type, queueName, jobId, data, timestamp } = event;
    const payload = JSON.stringify({
      type,
      queueName,
      jobId,
      data,
      timestamp: timestamp.getTime(),
      originId: this.instanceId,
    });
    await this.client.publish(`${this.prefix}:events`, payload);
  }

  #keys(queueName: string): QueueKeys {
    return queueKeys(this.prefix, queueName);
  }

  async #evaluate(name: ScriptName, keys: string[], args: string[]): Promise<unknown> {
    const sha = this.#shas.get(name) ?? '';
    try {
      return await this.client.evalSha(sha, { keys, arguments: args });
    } catch (error) {
      if (!String((error as Error).message).startsWith('NOSCRIPT')) throw error;
      await this.client.scriptLoad(SCRIPTS[name]);
      return this.client.evalSha(sha, { keys, arguments: args });
    }
  }

  async #ids(queueName: string, state: JobState): Promise<string[]> {
    const key = `${this.#keys(queueName).tag}:${state}`;
    if (state === 'active') return this.client.sMembers(key);
    if (state === 'waiting' || state === 'waiting-children') return this.client.lRange(key, 0, -1);
    return this.client.zRange(key, 0, -1);
  }

  async #hydrate(queueName: string, ids: string[]): Promise<Job[]> {
    if (ids.length === 0) return [];
    const keys = this.#keys(queueName);
    const multi = this.client.multi();
    for (const id of ids) multi.hGetAll(keys.job(id));
    const hashes = (await multi.exec()) as unknown as Array<Record<string, string>>;
    return hashes.map((hash) => decodeJob(hash)).filter((job) => job !== null);
  }

  /** The id that already owns the job's deduplication key, or `null` when the job is to be saved. */
  async #reserve(queueName: string, id: string, job: NewJob): Promise<string | null> {
    const key = job.deduplicationKey;
    if (!key) return null;
    const owner = await this.findByDeduplicationKey(queueName, key);
    if (owner !== null) return owner.id;
    const { ttl } = (job.opts.deduplication ?? {}) as { ttl?: number };
    const age = Math.max(0, Date.now() - job.createdAt.getTime());
    const left = ttl !== undefined && ttl > 0 ? ttl - age : undefined;
    if (left !== undefined && left <= 0) return null;
    const pointer = this.#keys(queueName).dedup(key);
    const expiration = left === undefined ? {} : { expiration: { type: 'PX', value: left } as const };
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const won = await this.client.set(pointer, id, { condition: 'NX', ...expiration });
      if (won !== null) return null;
      const winner = await this.findByDeduplicationKey(queueName, key);
      if (winner !== null) return winner.id;
    }
    throw new Error(
      `[Conveyor] Unable to reserve deduplication key "${key}" after retry — another writer keeps winning the NX race. Retry the save from the caller.`,
    );
  }

  #addJob(multi: Multi, queueName: string, id: string, job: NewJob): void {
    const keys = this.#keys(queueName);
    const whole = { ...job, id };
    multi.hSet(keys.job(id), encodeJob(whole));
    addToIndex(multi, keys, whole);
    if (job.parentId && job.parentQueueName) {
      const parents = this.#keys(job.parentQueueName);
      multi.sAdd(parents.flowChildren(job.parentId), childTuple(queueName, id));
    }
  }
}

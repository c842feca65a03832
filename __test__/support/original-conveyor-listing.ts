import type { createClient } from 'redis6';

import { queueKeys } from './conveyor-keys.js';
import { JOB_STATES, type Job, type JobState } from './job.js';
import { decodeJob } from './original-conveyor-codec.js';

type Client = ReturnType<typeof createClient>;

const SCAN_COUNT = 200;

/** What the dashboard shows of one queue. */
export interface QueueInfo {
  name: string;
  counts: Record<JobState, number>;
  isPaused: boolean;
  latestActivity: Date | null;
  scheduledCount: number;
}

/** The original's `listQueues`: every queue walks the whole keyspace, and all its jobs are read in full. */
export async function listQueues(client: Client, prefix: string): Promise<QueueInfo[]> {
  const names = await client.sMembers(`${prefix}:queues`);
  return Promise.all(names.map((name) => describeQueue(client, prefix, name)));
}

async function describeQueue(client: Client, prefix: string, name: string): Promise<QueueInfo> {
  const keys = queueKeys(prefix, name);
  const [waiting, waitingChildren, delayed, active, completed, failed, paused] = await client
    .multi()
    .lLen(keys.waiting)
    .lLen(keys.waitingChildren)
    .zCard(keys.delayed)
    .sCard(keys.active)
    .zCard(keys.completed)
    .zCard(keys.failed)
    .sMembers(keys.paused)
    .exec();
  const counts = [waiting, waitingChildren, delayed, active, completed, failed];
  let latest = -Infinity;
  let scheduledCount = 0;
  for await (const jobKeys of client.scanIterator({ MATCH: `${keys.jobPrefix}*`, COUNT: SCAN_COUNT })) {
    if (jobKeys.length === 0) continue;
    const multi = client.multi();
    for (const key of jobKeys) multi.hGetAll(key);
    const hashes = (await multi.exec()) as unknown as Array<Record<string, string>>;
    for (const job of hashes.map(decodeJob)) {
      if (job === null) continue;
      latest = Math.max(latest, lastActivity(job).getTime());
      if (job.opts.repeat) scheduledCount += 1;
    }
  }
  return {
    name,
    counts: Object.fromEntries(JOB_STATES.map((state, i) => [state, Number(counts[i])])) as Record<JobState, number>,
    isPaused: (paused as unknown as string[]).includes('__all__'),
    latestActivity: Number.isFinite(latest) ? new Date(latest) : null,
    scheduledCount,
  };
}

function lastActivity(job: Job): Date {
  return job.completedAt ?? job.failedAt ?? job.processedAt ?? job.createdAt;
}

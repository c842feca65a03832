import type { QueueKeys } from './conveyor-keys.js';
import { JOB_STATES } from './job.js';
import type { RawClient } from './server.js';

/** What a queue looks like in Redis: the members of its indexes and the hashes of its jobs. */
export interface Snapshot {
  indexes: Record<string, string[]>;
  /** By group: the ids of its active set and of its waiting set. */
  groups: Record<string, { active: string[]; waiting: string[] }>;
  jobs: Map<string, Record<string, string>>;
}

/** Reads a queue whole. Nobody may write meanwhile. */
export async function snapshot(redis: RawClient, keys: QueueKeys): Promise<Snapshot> {
  const lists = await Promise.all([
    redis.lRange(keys.waiting, 0, -1),
    redis.lRange(keys.waitingChildren, 0, -1),
    redis.zRange(keys.delayed, 0, -1),
    redis.sMembers(keys.active),
    redis.zRange(keys.completed, 0, -1),
    redis.zRange(keys.failed, 0, -1),
  ]);
  const indexes = Object.fromEntries(JOB_STATES.map((state, i) => [state, lists[i]]));
  const jobs = new Map<string, Record<string, string>>();
  for (const key of await redis.keys(`${keys.jobPrefix}*`)) {
    jobs.set(key.slice(keys.jobPrefix.length), { ...(await redis.hGetAll(key)) });
  }
  const groups: Snapshot['groups'] = {};
  for (const key of await redis.keys(`${keys.groupPrefix}*`)) {
    const [, group, kind] = /^(.*):(active|waiting)$/.exec(key.slice(keys.groupPrefix.length)) ?? [];
    if (group === undefined) continue;
    groups[group] ??= { active: [], waiting: [] };
    if (kind === 'active') groups[group].active = await redis.sMembers(key);
    else groups[group].waiting = await redis.zRange(key, 0, -1);
  }
  return { indexes, groups, jobs };
}

/**
 * The violations of the invariants V1 to V3 of a queue, as sentences; none when all is well.
 *
 * V1: every acknowledged job that nobody removed is there, in exactly one index.
 * V2: the index is the one of its state, once; no index entry is without a hash and no hash without an entry.
 * V3: a job is active exactly when it has an owner and an expiry; the sets of its group agree with its state.
 */
export function violations(found: Snapshot, acknowledged: Iterable<string>): string[] {
  const broken: string[] = [];
  const places = new Map<string, string[]>();
  for (const [state, ids] of Object.entries(found.indexes)) {
    for (const id of ids) places.set(id, [...(places.get(id) ?? []), state]);
  }
  for (const id of acknowledged) {
    if (!found.jobs.has(id)) broken.push(`V1: acknowledged job ${id} is gone`);
  }
  for (const [id, states] of places) {
    if (!found.jobs.has(id)) broken.push(`V2: ${id} is in ${states.join(', ')} without a hash`);
    if (states.length > 1) broken.push(`V2: ${id} is in ${states.join(' and ')}`);
  }
  for (const [id, hash] of found.jobs) {
    const index = places.get(id)?.[0];
    if (index === undefined) broken.push(`V2: ${id} is in no index`);
    else if (index !== hash.state) broken.push(`V2: ${id} is ${hash.state} but in ${index}`);
    const leased = hash.lockedBy !== undefined && hash.lockUntil !== undefined;
    const active = hash.state === 'active';
    if (active !== leased) broken.push(`V3: ${id} is ${hash.state}, ${leased ? '' : 'not '}leased`);
    const group = hash.groupId === undefined ? undefined : found.groups[hash.groupId];
    if (hash.groupId && active && !group?.active.includes(id)) {
      broken.push(`V3: ${id} is active but not so in its group`);
    }
    if (hash.groupId && hash.state === 'waiting' && !group?.waiting.includes(id)) {
      broken.push(`V3: ${id} waits but not so in its group`);
    }
  }
  for (const [group, { active, waiting }] of Object.entries(found.groups)) {
    for (const [state, ids] of [
      ['active', active],
      ['waiting', waiting],
    ] as const) {
      for (const id of ids) {
        const hash = found.jobs.get(id);
        if (hash?.state !== state || hash.groupId !== group) {
          broken.push(`V3: ${id} is in the ${state} set of group ${group}`);
        }
      }
    }
  }
  return broken;
}

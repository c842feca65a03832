import type { createClient } from 'redis6';

import type { QueueKeys } from './conveyor-keys.js';
import type { Job } from './job.js';

type Multi = ReturnType<ReturnType<typeof createClient>['multi']>;

/** Queues the commands that enter a job into the index of its state. */
export function addToIndex(multi: Multi, keys: QueueKeys, job: Job): void {
  const { id, groupId } = job;
  const at = (score: number): { score: number; value: string } => ({ score, value: id });
  switch (job.state) {
    case 'waiting':
      multi.rPush(keys.waiting, id);
      if (groupId) multi.zAdd(keys.groupWaiting(groupId), at(job.createdAt.getTime()));
      break;
    case 'waiting-children':
      multi.rPush(keys.waitingChildren, id);
      break;
    case 'active':
      multi.sAdd(keys.active, id);
      if (groupId) multi.sAdd(keys.groupActive(groupId), id);
      break;
    case 'delayed':
      multi.zAdd(keys.delayed, at((job.delayUntil ?? job.createdAt).getTime()));
      break;
    case 'completed':
      multi.zAdd(keys.completed, at(job.completedAt?.getTime() ?? Date.now()));
      break;
    case 'failed':
      multi.zAdd(keys.failed, at(job.failedAt?.getTime() ?? Date.now()));
      break;
  }
}

/** Queues the commands that take a job out of the index of its state, as it was read. */
export function removeFromIndex(multi: Multi, keys: QueueKeys, job: Job): void {
  const { id, groupId } = job;
  switch (job.state) {
    case 'waiting':
      multi.lRem(keys.waiting, 0, id);
      if (groupId) multi.zRem(keys.groupWaiting(groupId), id);
      break;
    case 'waiting-children':
      multi.lRem(keys.waitingChildren, 0, id);
      break;
    case 'active':
      multi.sRem(keys.active, id);
      if (groupId) multi.sRem(keys.groupActive(groupId), id);
      break;
    default:
      multi.zRem(`${keys.tag}:${job.state}`, id);
  }
}

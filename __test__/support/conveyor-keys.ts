/** The separator between queue and id in a flow-child tuple. */
const NUL = String.fromCharCode(0);

/** The member of a parent's children set that stands for one child. */
export function childTuple(queueName: string, id: string): string {
  return `${queueName}${NUL}${id}`;
}

/** Splits a member of a parent's children set at its first separator. */
export function splitChildTuple(tuple: string): { queueName: string; id: string } {
  const at = tuple.indexOf(NUL);
  return { queueName: tuple.slice(0, at), id: tuple.slice(at + 1) };
}

/** The Redis keys of one queue, as section 2 of the contract names them. */
export interface QueueKeys {
  readonly tag: string;
  readonly waiting: string;
  readonly waitingChildren: string;
  readonly active: string;
  readonly delayed: string;
  readonly completed: string;
  readonly failed: string;
  readonly paused: string;
  readonly rateLimit: string;
  readonly jobPrefix: string;
  readonly lockPrefix: string;
  readonly groupPrefix: string;
  job(id: string): string;
  lock(id: string): string;
  dedup(key: string): string;
  groupActive(groupId: string): string;
  groupWaiting(groupId: string): string;
  flowChildren(parentId: string): string;
}

/** Builds the key names of a queue. */
export function queueKeys(prefix: string, queueName: string): QueueKeys {
  const tag = `{${prefix}:${queueName}}`;
  return {
    tag,
    waiting: `${tag}:waiting`,
    waitingChildren: `${tag}:waiting-children`,
    active: `${tag}:active`,
    delayed: `${tag}:delayed`,
    completed: `${tag}:completed`,
    failed: `${tag}:failed`,
    paused: `${tag}:paused`,
    rateLimit: `${tag}:rl`,
    jobPrefix: `${tag}:job:`,
    lockPrefix: `${tag}:lock:`,
    groupPrefix: `${tag}:group:`,
    job: (id) => `${tag}:job:${id}`,
    lock: (id) => `${tag}:lock:${id}`,
    dedup: (key) => `${tag}:dedup:${key}`,
    groupActive: (groupId) => `${tag}:group:${groupId}:active`,
    groupWaiting: (groupId) => `${tag}:group:${groupId}:waiting`,
    flowChildren: (parentId) => `${tag}:flow:${parentId}:children`,
  };
}

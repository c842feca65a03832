/** The names of everything that a conveyor store keeps in Redis. */

/** The value of `<prefix>:schema`. */
export const SCHEMA_VERSION = 'redis-v1';
/** The first segment of every key when no other is chosen. */
export const DEFAULT_PREFIX = 'conveyor';
/** Ends the key of the set of a group's active jobs. */
export const GROUP_ACTIVE_SUFFIX = ':active';
/** Ends the key of the sorted set of a group's waiting jobs. */
export const GROUP_WAITING_SUFFIX = ':waiting';
/** Stands between queue name and job id in a flow child. */
export const FLOW_CHILD_SEP = '\x00';

/** Builds key names. All keys of one queue share the hash tag `{<prefix>:<queueName>}`, so they lie in one cluster slot. */
export interface Keys {
  schema(): string;
  queueIndex(): string;
  eventsChannel(): string;
  jobPrefix(queueName: string): string;
  job(queueName: string, id: string): string;
  waiting(queueName: string): string;
  waitingChildren(queueName: string): string;
  active(queueName: string): string;
  delayed(queueName: string): string;
  completed(queueName: string): string;
  failed(queueName: string): string;
  cancelled(queueName: string): string;
  paused(queueName: string): string;
  lockPrefix(queueName: string): string;
  lock(queueName: string, id: string): string;
  rateLimit(queueName: string): string;
  dedup(queueName: string, key: string): string;
  groupIndex(queueName: string): string;
  groupPrefix(queueName: string): string;
  groupActive(queueName: string, groupId: string): string;
  groupWaiting(queueName: string, groupId: string): string;
  flowChildren(queueName: string, parentId: string): string;
  flowPending(queueName: string, parentId: string): string;
}

/**
 * The key names under a prefix.
 *
 * @example
 * createKeys().job('mail', '7') // '{conveyor:mail}:job:7'
 */
export function createKeys(prefix: string = DEFAULT_PREFIX): Keys {
  const key = (queueName: string, rest: string): string => `{${prefix}:${queueName}}:${rest}`;
  return {
    schema: () => `${prefix}:schema`,
    queueIndex: () => `${prefix}:queues`,
    eventsChannel: () => `${prefix}:events`,
    jobPrefix: (queueName) => key(queueName, 'job:'),
    job: (queueName, id) => key(queueName, `job:${id}`),
    waiting: (queueName) => key(queueName, 'waiting'),
    waitingChildren: (queueName) => key(queueName, 'waiting-children'),
    active: (queueName) => key(queueName, 'active'),
    delayed: (queueName) => key(queueName, 'delayed'),
    completed: (queueName) => key(queueName, 'completed'),
    failed: (queueName) => key(queueName, 'failed'),
    cancelled: (queueName) => key(queueName, 'cancelled'),
    paused: (queueName) => key(queueName, 'paused'),
    lockPrefix: (queueName) => key(queueName, 'lock:'),
    lock: (queueName, id) => key(queueName, `lock:${id}`),
    rateLimit: (queueName) => key(queueName, 'rl'),
    dedup: (queueName, dedupKey) => key(queueName, `dedup:${dedupKey}`),
    groupIndex: (queueName) => key(queueName, 'groups:index'),
    groupPrefix: (queueName) => key(queueName, 'group:'),
    groupActive: (queueName, groupId) => key(queueName, `group:${groupId}${GROUP_ACTIVE_SUFFIX}`),
    groupWaiting: (queueName, groupId) => key(queueName, `group:${groupId}${GROUP_WAITING_SUFFIX}`),
    flowChildren: (queueName, parentId) => key(queueName, `flow:${parentId}:children`),
    flowPending: (queueName, parentId) => key(queueName, `flow:${parentId}:pending`),
  };
}

/** The member that names a child in its parent's set of children. */
export function encodeFlowChild(queueName: string, id: string): string {
  return queueName + FLOW_CHILD_SEP + id;
}

/**
 * Takes a member of a parent's set of children apart. Queue names have no control characters, so the first separator
 * is the one.
 *
 * @throws Error when there is no separator.
 */
export function decodeFlowChild(tuple: string): { queueName: string; id: string } {
  const at = tuple.indexOf(FLOW_CHILD_SEP);
  if (at === -1) {
    throw new Error(`[Conveyor] Malformed flow-child tuple: ${JSON.stringify(tuple)} (missing separator)`);
  }
  return { queueName: tuple.slice(0, at), id: tuple.slice(at + 1) };
}

/**
 * Fills a server with jobs as either store would have written them, from a script of our own: a million in seconds.
 */

const CHUNK = 5000;

const FILL_JOBS = `
local tag, queue, state, first, count, now = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
for i = first, first + count - 1 do
  local id = string.format('%08x-0000-4000-8000-%012x', i, i)
  local key = tag .. ':job:' .. id
  redis.call('HSET', key, 'id', id, 'queueName', queue, 'name', 'send-email', 'state', state,
    'attemptsMade', '0', 'progress', '0', 'pendingChildrenCount', '0', 'discarded', '0', 'createdAt', now,
    'data', ARGV[7], 'opts', '{}', 'logs', '[]', 'stacktrace', '[]', 'attemptLogs', '[]', 'childrenIds', '[]')
  if state == 'waiting' then
    redis.call('RPUSH', tag .. ':waiting', id)
  else
    redis.call('HSET', key, 'processedAt', now, state .. 'At', now, 'attemptsMade', '1')
    redis.call('ZADD', tag .. ':' .. state, now, id)
  end
end
`;

const FILL_KEYS = `
for i = tonumber(ARGV[1]), tonumber(ARGV[1]) + tonumber(ARGV[2]) - 1 do redis.call('SET', 'foreign:' .. i, 'x') end
`;

const DATA = JSON.stringify({ to: 'somebody@example.com', subject: 'Welcome', note: 'x'.repeat(64) });

/** The common beginning of a queue's keys. */
export const tagOf = (queue) => `{conveyor:${queue}}`;

/** The id that {@link fillJobs} gives to its job number `i`. */
export function filledId(i) {
  const hex = i.toString(16);
  return `${hex.padStart(8, '0')}-0000-4000-8000-${hex.padStart(12, '0')}`;
}

/** Adds jobs number `first` to `first + count - 1` to a queue, in `state` (waiting, completed or failed). */
export async function fillJobs(admin, queue, state, first, count) {
  const now = String(Date.now() - 1000);
  await admin.sAdd('conveyor:queues', queue);
  for (let filled = 0; filled < count; filled += CHUNK) {
    const step = Math.min(CHUNK, count - filled);
    await admin.eval(FILL_JOBS, { arguments: [tagOf(queue), queue, state, `${first + filled}`, `${step}`, now, DATA] });
  }
}

/** Adds keys that belong to nobody's queue. */
export async function fillForeignKeys(admin, count) {
  for (let filled = 0; filled < count; filled += CHUNK) {
    await admin.eval(FILL_KEYS, { arguments: [`${filled}`, `${Math.min(CHUNK, count - filled)}`] });
  }
}

import type { RawClient } from '../server.js';

/** What the original writes, by the kind of its keys; the rest of what lies there is ours, and no original looks at it. */
const FIELDS: Record<string, string[]> = {
  run: 'id workflow status input output error inline graphHash deterministic plannedSteps wire createdAt updatedAt'.split(
    ' ',
  ),
  step: (
    'stepId rpcName data status attemptCount retries retryDelay fromStepName result error childRunId branchTaken ' +
    'createdAt updatedAt'
  ).split(' '),
  version: 'workflowName graphHash graph source status createdAt'.split(' '),
};

/** Our errors also keep these two of the thrown one; readers must not require them. */
function withoutExtras(error: string | undefined): string | undefined {
  if (error === undefined || error === '') return error;
  const { name: _name, expected: _expected, ...rest } = JSON.parse(error) as Record<string, unknown>;
  return JSON.stringify(rest);
}

/**
 * Every row that the original knows, with its type: hashes with their fields sorted, histories as [score, entry].
 * Ids that differ from run to run are replaced by `names`.
 */
export async function rows(
  redis: RawClient,
  prefix: string,
  names: Map<string, string>,
): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  const renamed = (text: string) => [...names].reduce((result, [id, name]) => result.replaceAll(id, name), text);
  for (const key of (await redis.keys('*')).sort()) {
    if (!key.startsWith(`${prefix}:`)) throw new Error(`${key} is outside the prefix`);
    const [kind = ''] = key.slice(prefix.length + 1).split(':');
    const ttl = await redis.pTTL(key);
    const name = `${renamed(key)}${ttl === -1 ? '' : ' (expires)'}`;
    if (kind === 'step-history') {
      const members = await redis.zRangeWithScores(key, 0, -1);
      found[name] = members.map(({ value, score }) => {
        const entry = JSON.parse(renamed(value)) as Record<string, unknown> & { error?: string };
        return [score, 'error' in entry ? { ...entry, error: withoutExtras(entry.error) } : entry];
      });
    } else if (kind === 'run-state') {
      found[name] = { ...(await redis.hGetAll(key)) };
    } else if (FIELDS[kind] !== undefined) {
      const all = await redis.hGetAll(key);
      const known = FIELDS[kind].filter((field) => all[field] !== undefined);
      found[name] = Object.fromEntries(
        known.map((field) => [field, renamed((field === 'error' ? withoutExtras(all[field]) : all[field]) ?? '')]),
      );
    }
  }
  return found;
}

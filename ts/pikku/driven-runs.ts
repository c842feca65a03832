/** The calls by which the original lists, reads and deletes runs, on a client that has to be driven. */

import { deleteKeys, scanIds } from './ioredis.js';
import type { Link } from './link.js';

type Hash = Record<string, string>;

/** A step with its history. */
export interface DrivenStep {
  name: string;
  row: Hash;
  members: string[];
}

/** See the file's text. */
export interface DrivenRuns {
  run(id: string): Promise<Hash>;
  /** The ids of the runs that match, the newest first. */
  find(workflowName: string | undefined, status: string | undefined): Promise<string[]>;
  names(): Promise<string[]>;
  steps(runId: string, withHistory: boolean): Promise<DrivenStep[]>;
  /** Graph and source. */
  version(name: string, graphHash: string): Promise<Array<string | null>>;
  /** Name, hash, graph, source and status of each version whose name begins so. */
  versions(family: string): Promise<Array<Array<string | null>>>;
  /** 1, or 0 when there is no such run. */
  delete(id: string): Promise<number>;
}

/** The calls for one prefix. */
export function driveRuns(link: Link, keyPrefix: string): DrivenRuns {
  const key = (family: string, id: string): string => `${keyPrefix}:${family}:${id}`;
  const run = (id: string): Promise<Hash> => link.client.hgetall(key('run', id));
  const stepNames = (runId: string): Promise<string[]> => scanIds(link.client, key('step', `${runId}:`));
  const versionRow = async (id: string): Promise<Array<string | null>> => {
    const row = await link.client.hgetall(key('version', id));
    return ['workflowName', 'graphHash', 'graph', 'source', 'status'].map((field) => row[field] ?? null);
  };

  return {
    run,

    async find(workflowName, status) {
      const found: Array<{ id: string; createdAt: number }> = [];
      for (const id of await scanIds(link.client, key('run', ''))) {
        const row = await run(id);
        const wanted = row.id && (!workflowName || row.workflow === workflowName) && (!status || row.status === status);
        if (wanted) found.push({ id, createdAt: Number(row.createdAt) });
      }
      return found.sort((a, b) => b.createdAt - a.createdAt).map(({ id }) => id);
    },

    async names() {
      const names = new Set<string>();
      for (const id of await scanIds(link.client, key('run', ''))) {
        const name = await link.client.hget(key('run', id), 'workflow');
        if (name) names.add(name);
      }
      return [...names];
    },

    async steps(runId, withHistory) {
      const steps: DrivenStep[] = [];
      for (const name of await stepNames(runId)) {
        const row = await link.client.hgetall(key('step', `${runId}:${name}`));
        if (!row.stepId) continue;
        const members = withHistory ? await link.client.zrange(key('step-history', row.stepId), 0, -1) : [];
        steps.push({ name, row, members });
      }
      return steps;
    },

    async version(name, graphHash) {
      const [, , graph, source] = await versionRow(`${name}:${graphHash}`);
      return [graph ?? null, source ?? null];
    },

    async versions(family) {
      const ids = await scanIds(link.client, key('version', family));
      return Promise.all(ids.map((id) => versionRow(family + id)));
    },

    async delete(id) {
      if (!(await link.client.exists(key('run', id)))) return 0;
      const doomed = [key('run', id), key('run-state', id)];
      for (const name of await stepNames(id)) {
        const step = key('step', `${id}:${name}`);
        const stepId = await link.client.hget(step, 'stepId');
        doomed.push(step);
        if (stepId) doomed.push(key('step-history', stepId));
      }
      await deleteKeys(link.client, doomed);
      return 1;
    },
  };
}

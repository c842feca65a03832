/** Runs as a dashboard sees them: listed, looked into, deleted. */

import process from 'node:process';

import { driveRuns, type DrivenRuns } from './driven-runs.js';
import { Link, type RedisConnection } from './link.js';
import { attemptsOf, fromJson, type Row, runOf, STEP_FIELDS, stepOf, type StepRow } from './record.js';
import { readHash, readHashes, readInt, readList, readTexts } from './replies.js';
import type { Reply } from '../client.js';
import type { NamedStepState, StepState, WorkflowRun } from './types.js';

/** Which runs to list. */
export interface RunFilter {
  workflowName?: string;
  status?: string;
  /** Default 50. */
  limit?: number;
  /** Default 0. */
  offset?: number;
}

/** A step with the data that it was made with. */
export type RunStep = Omit<StepState, 'rpcName'> & { stepName: string; rpcName?: string; data?: unknown };

/** A stored version of a workflow. */
export interface StoredVersion {
  graph: unknown;
  source: string;
}

/** A workflow that an agent has written. */
export interface GeneratedWorkflow {
  workflowName: string;
  graphHash: string;
  graph: unknown;
}

/** Options of {@link RedisWorkflowRunService}. */
export interface RunServiceOptions {
  /**
   * Processes of `@pikku/redis` work on the same prefix, and nothing they do may be missed for a moment: every listing
   * then walks through the database, as theirs do. Default false: what they begin is listed within a minute.
   */
  mixedFleet?: boolean;
}

/** The service as pikku knows it. */
export interface WorkflowRunService {
  listRuns(options?: RunFilter): Promise<WorkflowRun[]>;
  getRun(id: string): Promise<WorkflowRun | null>;
  getRunSteps(runId: string): Promise<RunStep[]>;
  getRunHistory(runId: string): Promise<NamedStepState[]>;
  getDistinctWorkflowNames(): Promise<string[]>;
  getWorkflowVersion(name: string, graphHash: string): Promise<StoredVersion | null>;
  deleteRun(id: string): Promise<boolean>;
}

/** A step as it was read: its name, its fields, the members of its history if they were asked for. */
interface ListedStep {
  name: string;
  row: StepRow & { data?: string | null };
  members: string[];
}

/** Enough to order and to page by. */
const MANY = 2 ** 31 - 1;

/** The `WorkflowRunService` of pikku on Redis. Stands for that of `@pikku/redis` 0.12.18. */
export class RedisWorkflowRunService implements WorkflowRunService {
  readonly #link: Link;
  readonly #driven: DrivenRuns;
  /** Present where the index is not to be believed. */
  readonly #mixed: string | undefined;
  /** Runs of which it was said that they cannot be read. */
  readonly #unreadable = new Set<string>();

  /**
   * @param redis a client, or where to connect
   * @param keyPrefix that of the workflow service. Default `workflows`
   */
  constructor(redis: RedisConnection, keyPrefix: string = 'workflows', options: RunServiceOptions = {}) {
    this.#link = new Link('RedisWorkflowRunService', redis, keyPrefix, { manyKeys: true });
    this.#driven = driveRuns(this.#link, keyPrefix);
    this.#mixed = options.mixedFleet === true ? '1' : undefined;
  }

  /** Runs, the newest first. One that cannot be read is left out, with a warning. */
  async listRuns(options: RunFilter = {}): Promise<WorkflowRun[]> {
    const { workflowName, status, limit = 50, offset = 0 } = options;
    const end = offset + limit;
    // A slice counts from the end where a bound is negative: then all are needed.
    const most = offset >= 0 && end >= 0 ? Math.min(Math.ceil(end), MANY) : MANY;
    if (most === 0) return [];
    const found = await this.#link.either(
      'findRuns',
      () =>
        this.#link.call(
          'findRuns',
          readList,
          this.#mixed,
          workflowName || undefined,
          status || undefined,
          String(most),
        ),
      () => this.#driven.find(workflowName, status),
    );
    const page = found.slice(offset, end);
    if (page.length === 0) return [];
    const rows = await this.#link.either<Row[]>(
      'readRuns',
      () => this.#link.callWith('readRuns', readHashes, [], page),
      () => Promise.all(page.map((id) => this.#driven.run(id))),
    );
    return rows.flatMap((row) => this.#readable(row));
  }

  /**
   * A run, or null.
   *
   * @throws SyntaxError (rejects) a stored value is not JSON
   */
  async getRun(id: string): Promise<WorkflowRun | null> {
    const row = await this.#link.either<Row>(
      'getRun',
      () => this.#link.call('getRun', readHash, id),
      () => this.#driven.run(id),
    );
    return runOf(row);
  }

  /** The steps of a run, the oldest first. */
  async getRunSteps(runId: string): Promise<RunStep[]> {
    const steps = (await this.#steps(runId, false)).map(({ name, row }) =>
      Object.assign(stepOf(row), { stepName: name, rpcName: row.rpcName || undefined, data: fromJson(row.data) }),
    );
    return steps.sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
  }

  /** All attempts of all steps of a run, the oldest first. */
  async getRunHistory(runId: string): Promise<NamedStepState[]> {
    const attempts = (await this.#steps(runId, true)).flatMap(({ row, members }) =>
      attemptsOf(members, row.fromStepName),
    );
    return attempts.sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
  }

  /** The names of all workflows that have runs, sorted. */
  async getDistinctWorkflowNames(): Promise<string[]> {
    const names = await this.#link.either(
      'getDistinctWorkflowNames',
      () => this.#link.call('getWorkflowNames', readList, this.#mixed),
      () => this.#driven.names(),
    );
    return names.sort();
  }

  /** A stored version of a workflow, or null. */
  async getWorkflowVersion(name: string, graphHash: string): Promise<StoredVersion | null> {
    const [graph, source] = await this.#link.either(
      'getWorkflowVersion',
      () => this.#link.call('getVersion', readTexts, name, graphHash),
      () => this.#driven.version(name, graphHash),
    );
    return graph ? ({ graph: JSON.parse(graph), source: source ?? undefined } as StoredVersion) : null;
  }

  /** The active workflows that agents, or one of them, have written: for hosts up to 0.12.12. */
  async getAIGeneratedWorkflows(agentName?: string): Promise<GeneratedWorkflow[]> {
    const family = agentName ? `ai:${agentName}:` : 'ai:';
    const versions = await this.#link.either(
      'getAIGeneratedWorkflows',
      () => this.#link.call('findVersions', readVersions, family),
      () => this.#driven.versions(family),
    );
    return versions.flatMap(([workflowName, graphHash, graph, source, status]) =>
      workflowName && graphHash && graph && source === 'ai-agent' && status === 'active'
        ? [{ workflowName, graphHash, graph: JSON.parse(graph) as unknown }]
        : [],
    );
  }

  /** Deletes a run with its variables, its steps and their histories. False when there is none. */
  async deleteRun(id: string): Promise<boolean> {
    const deleted = await this.#link.either(
      'deleteRun',
      () => this.#link.call('deleteRun', readInt, id, this.#mixed),
      () => this.#driven.delete(id),
    );
    return deleted === 1;
  }

  /** Closes the service's own connection. A client that was given stays open. */
  async close(): Promise<void> {
    await this.#link.close();
  }

  /** The run of a row, or none where it cannot be read: one bad run must not hide the others. */
  #readable(row: Row): WorkflowRun[] {
    try {
      const run = runOf(row);
      return run === null ? [] : [run];
    } catch {
      const id = String(row['id']);
      // Dashboards ask again and again.
      if (!this.#unreadable.has(id)) {
        process.emitWarning(`the workflow run ${id} has a field that is not JSON, and is not listed`, {
          code: 'PIKKU_UNREADABLE_RUN',
        });
      }
      this.#unreadable.add(id);
      return [];
    }
  }

  #steps(runId: string, withHistory: boolean): Promise<ListedStep[]> {
    const fields = withHistory ? (['stepId', 'fromStepName'] as const) : ([...STEP_FIELDS, 'data'] as const);
    return this.#link.either(
      'listSteps',
      () =>
        this.#link.call(
          'listSteps',
          readSteps(fields, withHistory),
          runId,
          this.#mixed,
          withHistory ? '1' : undefined,
          ...fields,
        ),
      async () =>
        (await this.#driven.steps(runId, withHistory)).map(({ name, row, members }) => ({
          name,
          row: picked(fields, (field) => row[field] ?? null),
          members,
        })),
    );
  }
}

function picked<Field extends string>(
  fields: readonly Field[],
  read: (field: Field) => string | null,
): ListedStep['row'] {
  return Object.fromEntries(fields.map((field) => [field, read(field)])) as unknown as ListedStep['row'];
}

function readSteps(fields: readonly string[], withHistory: boolean): (reply: Reply) => ListedStep[] {
  return (reply) => {
    const steps: ListedStep[] = [];
    const width = withHistory ? 3 : 2;
    for (let left = reply.list(); left > 0; left -= width) {
      const name = reply.text() ?? '';
      reply.list();
      const row = picked(fields, () => reply.text());
      steps.push({ name, row, members: withHistory ? readList(reply) : [] });
    }
    return steps;
  };
}

function readVersions(reply: Reply): Array<Array<string | null>> {
  const versions: Array<Array<string | null>> = [];
  for (let left = reply.list(); left > 0; left--) versions.push(readTexts(reply));
  return versions;
}

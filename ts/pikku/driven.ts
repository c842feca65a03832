/**
 * The backend that drives the user's own object with the calls that `@pikku/redis` makes: test doubles, and ioredis clients
 * that no native connection can stand in for. It has the original's races, but not its other faults.
 */
import { renewBy } from '../renewal.js';
import {
  type AgentVersion,
  type Backend,
  type Claim,
  GRAPH_FIELDS,
  type GraphStep,
  graphStepOf,
  type ListedStep,
  type LockedClaim,
  type LockedStep,
  type Move,
  type NewStep,
  type Pairs,
  type StepPicture,
} from './backend.js';
import { type IoredisCommands, scanIds } from './ioredis.js';

import { type Row, STEP_FIELDS, type StepRow } from './record.js';
import type { WorkflowStatus, WorkflowVersionStatus } from './types.js';
import { splitStepId, stepLock, type WorkflowKeys } from './workflow-keys.js';

/** What is called on the object. */
interface Client extends IoredisCommands {
  hmget(key: string, ...fields: string[]): Promise<(string | null)[]>;
  expire(key: string, seconds: number): Promise<unknown>;
  zadd(key: string, score: number, member: string): Promise<unknown>;
  eval(script: string, keys: number, ...args: (string | number)[]): Promise<unknown>;
}

const RELEASE = 'if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) else return 0 end';
const EXTEND =
  'if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("pexpire", KEYS[1], ARGV[2]) else return 0 end';

/** See the file's text. */
export class DrivenBackend implements Backend {
  private readonly client: Client;
  private readonly keys: WorkflowKeys;
  private readonly retention: number | undefined;

  constructor(client: object, keys: WorkflowKeys, retentionSeconds: number | undefined) {
    this.client = client as Client;
    this.keys = keys;
    this.retention = retentionSeconds;
  }

  async createRun(runId: string, _now: number, fields: Pairs): Promise<void> {
    await this.client.hmset(this.keys.run(runId), ...fields);
  }

  getRun(runId: string): Promise<Row> {
    return this.client.hgetall(this.keys.run(runId));
  }

  async updateRun(runId: string, now: number, status: WorkflowStatus, fields: Pairs): Promise<void> {
    const key = this.keys.run(runId);
    await this.client.hmset(key, 'status', status, 'updatedAt', String(now), ...fields);
    const ended = status === 'completed' || status === 'failed' || status === 'cancelled';
    if (this.retention === undefined || !ended) return;
    for (const kept of [key, this.keys.runState(runId)]) await this.client.expire(kept, this.retention);
    for (const stepName of await this.stepNames(runId)) {
      const step = this.keys.step(runId, stepName);
      const stepId = await this.client.hget(step, 'stepId');
      await this.client.expire(step, this.retention);
      if (stepId !== null) await this.client.expire(this.keys.stepHistory(stepId), this.retention);
    }
  }

  async insertStep(step: NewStep): Promise<StepRow | null> {
    const { runId, stepName, stepId, now, retries, retryDelay } = step;
    await this.client.hmset(this.keys.step(runId, stepName), ...step.fields);
    const entry = { retries: retries === undefined ? undefined : Number(retries), retryDelay, createdAt: now };
    await this.addAttempt(stepId, 1, { stepId, stepName, attemptCount: 1, status: 'pending', ...entry });
    return null;
  }

  async getStep(runId: string, stepName: string): Promise<StepRow> {
    return stepRow(await this.client.hgetall(this.keys.step(runId, stepName)));
  }

  async moveStep(stepId: string, now: number, { status, stamp, payload }: Move, claim?: LockedClaim): Promise<boolean> {
    const { runId, stepName } = splitStepId(stepId);
    const key = this.keys.step(runId, stepName);
    const row = await this.client.hgetall(key);
    if (!row['stepId']) return false;
    const changed = payload === undefined ? [] : [payload.field, payload.json];
    await this.client.hmset(key, 'status', status, ...changed, 'updatedAt', String(now));
    if (payload !== undefined) await this.client.hdel(key, payload.field === 'result' ? 'error' : 'result');

    const attempt = Number(row['attemptCount'] || 1);
    const history = this.keys.stepHistory(stepId);
    const [member] = await this.client.zrangebyscore(history, attempt, attempt);
    const entry: Record<string, unknown> =
      member === undefined
        ? { stepId, stepName, attemptCount: attempt, ...limits(row), createdAt: now }
        : (JSON.parse(member) as Record<string, unknown>);
    delete entry['result'];
    delete entry['error'];
    if (payload !== undefined && payload.json !== '') entry[payload.field] = payload.json;
    await this.client.zremrangebyscore(history, attempt, attempt);
    await this.addAttempt(stepId, attempt, { ...entry, status, [stamp]: now });
    if (claim !== undefined) await this.releaseLock(claim.lock.key, claim.lock.token);
    return true;
  }

  async setStepField(stepId: string, now: number, field: string, value: string): Promise<boolean> {
    const { runId, stepName } = splitStepId(stepId);
    await this.client.hmset(this.keys.step(runId, stepName), field, value, 'updatedAt', String(now));
    return true;
  }

  async retryStep(
    stepId: string,
    now: number,
    status: 'pending' | 'running',
    _token?: string,
    claim?: LockedClaim,
  ): Promise<StepRow | null> {
    const { runId, stepName } = splitStepId(stepId);
    const key = this.keys.step(runId, stepName);
    const row = await this.client.hgetall(key);
    if (!row['stepId']) return null;
    const attempt = Number(row['attemptCount'] || 1) + 1;
    await this.client.hmset(key, 'status', status, 'attemptCount', String(attempt), 'updatedAt', String(now));
    const entry = { stepId, stepName, attemptCount: attempt, status, ...limits(row), createdAt: now };
    await this.addAttempt(stepId, attempt, status === 'running' ? { ...entry, runningAt: now } : entry);
    if (claim !== undefined) await this.releaseLock(claim.lock.key, claim.lock.token);
    return stepRow({ ...row, status, attemptCount: String(attempt), updatedAt: String(now) });
  }

  /** Under the lock of the step, which is what keeps the processes of the original apart too. */
  async claimStep(runId: string, stepName: string, now: number, token: string, rpcName: string): Promise<Claim> {
    const lock = stepLock(runId, stepName);
    if (!(await this.takeLock(lock, token, 30_000))) return { outcome: 'locked' };
    try {
      const row = await this.getStep(runId, stepName);
      const { stepId, status } = row;
      if (!stepId) return { outcome: 'missing' };
      if ((row.rpcName ?? '') !== rpcName) return { outcome: 'mismatch' };
      if (status === 'running' || status === 'succeeded') return { outcome: 'taken' };
      if (status === 'failed') {
        const retried = await this.retryStep(stepId, now, 'running');
        return retried === null ? { outcome: 'missing' } : { outcome: 'claimed', before: status, row: retried };
      }
      const before = status ?? '';
      if (before !== 'pending' && before !== 'scheduled') return { outcome: 'claimed', before, row };
      await this.moveStep(stepId, now, { status: 'running', stamp: 'runningAt' });
      return { outcome: 'claimed', before, row: { ...row, status: 'running', updatedAt: String(now) } };
    } finally {
      await this.releaseLock(lock, token);
    }
  }

  async listSteps(runId: string, fields: readonly string[], withHistory: boolean): Promise<ListedStep[]> {
    const steps: ListedStep[] = [];
    for (const stepName of await this.stepNames(runId)) {
      const values = await this.client.hmget(this.keys.step(runId, stepName), ...fields);
      const stepId = values[0];
      if (!stepId) continue;
      const members = withHistory ? await this.client.zrange(this.keys.stepHistory(stepId), 0, -1) : [];
      steps.push({ stepName, fields: values, members });
    }
    return steps;
  }

  async graphSteps(runId: string): Promise<GraphStep[]> {
    return (await this.listSteps(runId, GRAPH_FIELDS, false)).map(graphStepOf);
  }

  async nodeResults(runId: string, names: readonly string[]): Promise<(string | null)[]> {
    const results: (string | null)[] = [];
    for (const name of names) {
      const [status, result] = await this.client.hmget(this.keys.step(runId, name), 'status', 'result');
      results.push(status === 'succeeded' && result ? result : null);
    }
    return results;
  }

  async nodesExist(runId: string, names: readonly string[]): Promise<boolean[]> {
    const found: boolean[] = [];
    for (const name of names) found.push((await this.client.exists(this.keys.step(runId, name))) === 1);
    return found;
  }

  async setRunState(runId: string, now: number, name: string, json: string): Promise<void> {
    await this.client.hset(this.keys.runState(runId), name, json);
    await this.client.hset(this.keys.run(runId), 'updatedAt', String(now));
  }

  async getRunState(runId: string): Promise<{ blob: string | null; variables: Row }> {
    const blob = await this.client.hget(this.keys.run(runId), 'state');
    return { blob, variables: await this.client.hgetall(this.keys.runState(runId)) };
  }

  async upsertVersion(name: string, graphHash: string, fields: Pairs): Promise<void> {
    const key = this.keys.version(name, graphHash);
    if ((await this.client.exists(key)) === 0) await this.client.hmset(key, ...fields);
  }

  async setVersionStatus(name: string, graphHash: string, status: WorkflowVersionStatus): Promise<void> {
    await this.client.hset(this.keys.version(name, graphHash), 'status', status);
  }

  async getVersion(name: string, graphHash: string): Promise<{ graph: string | null; source: string | null }> {
    const row = await this.client.hgetall(this.keys.version(name, graphHash));
    return { graph: row['graph'] ?? null, source: row['source'] ?? null };
  }

  async agentVersions(agentName: string | undefined): Promise<AgentVersion[]> {
    const stem = this.keys.version(`ai${agentName === undefined ? '' : `:${agentName}`}`, '');
    const versions: AgentVersion[] = [];
    for (const name of await scanIds(this.client, stem)) {
      const row = await this.client.hgetall(stem + name);
      if (row['source'] !== 'ai-agent' || row['status'] !== 'active') continue;
      const {
        workflowName = null,
        graphHash = null,
        graph = null,
      } = row as Partial<Record<keyof AgentVersion, string>>;
      versions.push({ workflowName, graphHash, graph });
    }
    return versions;
  }

  async takeLock(key: string, token: string, ttl: number): Promise<boolean> {
    return (await this.client.set(this.keys.prefix + key, token, 'PX', ttl, 'NX')) === 'OK';
  }

  /** Without scripts there are no leases, and nobody can say that a process is gone. */
  async takeStepLock(runId: string, stepName: string, token: string, ttl: number): Promise<LockedStep | null> {
    if (!(await this.takeLock(stepLock(runId, stepName), token, ttl))) return null;
    return { row: await this.getStep(runId, stepName), isAbandoned: false };
  }

  /** Without a script there is no picture that is as old as the lock. */
  async takeRunLock(_runId: string, key: string, token: string, ttl: number): Promise<StepPicture | null> {
    return (await this.takeLock(key, token, ttl)) ? { complete: false, steps: new Map() } : null;
  }

  async releaseLock(key: string, token: string): Promise<void> {
    await this.client.eval(RELEASE, 1, this.keys.prefix + key, token);
  }

  renewLock(key: string, token: string, ttl: number, onLost: () => void): { stop(): void } {
    const extend = async () => (await this.client.eval(EXTEND, 1, this.keys.prefix + key, token, ttl)) === 1;
    return renewBy(extend, ttl, onLost);
  }

  /** A client without scripts has no index of running runs: as in the original, nothing is found. */
  async stalledRuns(): Promise<string[]> {
    return [];
  }

  async undispatchedSteps(): Promise<string[]> {
    return [];
  }

  private addAttempt(stepId: string, attempt: number, entry: Record<string, unknown>): Promise<unknown> {
    return this.client.zadd(this.keys.stepHistory(stepId), attempt, JSON.stringify(entry));
  }

  private stepNames(runId: string): Promise<string[]> {
    return scanIds(this.client, this.keys.step(runId, ''));
  }
}

function stepRow(row: Row): StepRow {
  return Object.fromEntries(STEP_FIELDS.map((field) => [field, row[field] ?? null])) as StepRow;
}

function limits(row: Row): { retries: number | undefined; retryDelay: string | undefined } {
  return { retries: row['retries'] ? Number(row['retries']) : undefined, retryDelay: row['retryDelay'] ?? undefined };
}

/** The backend that calls native operations: each method is one command. */
import type { Arg, Reply } from '../client.js';
import { renew } from '../renewal.js';
import { countWrite, TurnMap, writesTo } from '../turn.js';
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
import type { Link } from './link.js';
import type { Row, StepRow } from './record.js';
import { readHash, readInt, readList, readNothing } from './replies.js';
import type { WorkflowStatus, WorkflowVersionStatus } from './types.js';
import { splitStepId } from './workflow-keys.js';

/** Steps and bytes that taking the lock of a run reads at most; beyond that each step is read when it is asked for. */
const PICTURE = { steps: '500', bytes: String(4 << 20) };
/** Arguments of a call that are not staged. */
const FEW = 40;
/** Nodes in one part of the answer of `readNodes`, and steps that `readGraph` reads at most. */
const CHUNK = 500;

const isOne = (reply: Reply): boolean => reply.int() === 1;

function readStep(reply: Reply): StepRow {
  reply.list();
  return {
    stepId: reply.text(),
    rpcName: reply.text(),
    status: reply.text(),
    attemptCount: reply.text(),
    retries: reply.text(),
    retryDelay: reply.text(),
    fromStepName: reply.text(),
    result: reply.text(),
    error: reply.text(),
    childRunId: reply.text(),
    createdAt: reply.text(),
    updatedAt: reply.text(),
  };
}

function readOptionalStep(reply: Reply): StepRow | null {
  if (!reply.isNil()) return readStep(reply);
  reply.skip();
  return null;
}

function readClaim(reply: Reply): Claim {
  reply.list();
  switch (reply.int()) {
    case -1:
      return { outcome: 'locked' };
    case 0:
      return { outcome: 'missing' };
    case 1:
      return { outcome: 'mismatch' };
    case 2:
      return { outcome: 'taken' };
    default:
      return { outcome: 'claimed', before: reply.text() as string, row: readStep(reply) };
  }
}

function readLockedStep(reply: Reply): LockedStep | null {
  reply.list();
  if (reply.int() === 0) return null;
  return { isAbandoned: reply.int() === 1, row: readStep(reply) };
}

/** The last arguments of a script that may be a claim. */
function claimArgs(claim: LockedClaim | undefined): Array<string | undefined> {
  return [claim?.token, claim?.ttl.toString(), claim?.lock.token];
}

function readPicture(reply: Reply): StepPicture | null {
  const length = reply.list();
  if (reply.int() === 0) return null;
  const complete = reply.int() === 1;
  const steps = new Map<string, StepRow>();
  for (let left = length - 2; left > 0; left -= 2) steps.set(reply.text() as string, readStep(reply));
  return { complete, steps };
}

/** Texts of a hash, one after another, as a hash. */
function rowOf(fields: Pairs): Row {
  const row: Record<string, string> = {};
  for (let at = 0; at < fields.length; at += 2) row[fields[at] as string] = fields[at + 1] as string;
  return row;
}

/** A run with its steps; null when the index has not all of them, or they are too many for one reply. */
function readGraph(reply: Reply): { row: Row; steps: GraphStep[] } | null {
  let left = reply.list() - 2;
  const [isIndexed, count] = [reply.int() === 1, reply.int()];
  if (!isIndexed || count > CHUNK) {
    for (; left > 0; left--) reply.skip();
    return null;
  }
  const row = readHash(reply);
  const steps: GraphStep[] = [];
  for (left -= 1; left > 0; left -= 2) {
    const stepName = reply.text() as string;
    const fields = Array.from({ length: reply.list() }, () => reply.text());
    steps.push(graphStepOf({ stepName, fields, members: [] }));
  }
  return { row, steps };
}

/** What is known of a run. */
interface Known {
  readonly row: Row;
  readonly steps?: readonly GraphStep[];
}

/** See the file's text. */
export class NativeBackend implements Backend {
  private readonly link: Link;
  /** What replies brought beyond what was asked for, by run: it answers what the host asks next. */
  private readonly turn = new TurnMap<Known>();
  private readonly mixed: '1' | null;
  private readonly retention: string | null;

  constructor(link: Link, settings: { mixedFleet: boolean; retentionSeconds: number | undefined }) {
    this.link = link;
    this.mixed = settings.mixedFleet ? '1' : null;
    this.retention = settings.retentionSeconds === undefined ? null : String(settings.retentionSeconds);
  }

  createRun(runId: string, now: number, fields: Pairs): Promise<void> {
    const created = (reply: Reply, asked: number): void => {
      reply.skip();
      // The host asks for the run as soon as it is made.
      this.turn.set(runId, { row: rowOf(fields) }, asked);
    };
    // From the first step on all are in the index.
    return this.write(runId, 'createRun', created, runId, String(now), ...fields, 'stepIndex', '1');
  }

  async getRun(runId: string): Promise<Row> {
    return this.turn.get(runId)?.row ?? (await this.link.call('getRun', readHash, runId));
  }

  async updateRun(runId: string, now: number, status: WorkflowStatus, fields: Pairs): Promise<void> {
    const { retention } = this;
    const done = await this.write(runId, 'updateRun', readInt, runId, String(now), status, retention, ...fields);
    if (done !== 2) return;
    const ended = status === 'completed' || status === 'failed' || status === 'cancelled';
    await this.link.call('keepSteps', readInt, runId, ended ? retention : '-1');
  }

  insertStep(step: NewStep): Promise<StepRow | null> {
    const { runId, stepName, stepId, now, retries, retryDelay, fields } = step;
    const own = [runId, stepName, stepId, String(now), step.overwrite ? '1' : null, retries, retryDelay];
    return this.write(runId, 'insertStep', readOptionalStep, ...own, ...fields);
  }

  getStep(runId: string, stepName: string): Promise<StepRow> {
    return this.link.call('getStep', readStep, runId, stepName);
  }

  moveStep(stepId: string, now: number, { status, stamp, payload }: Move, claim?: LockedClaim): Promise<boolean> {
    const change = [status, stamp, payload?.field, payload?.json];
    const moved = (reply: Reply, asked: number): boolean => {
      if (reply.isInt()) return isOne(reply);
      // A claim: the host asks for the run next, to execute the step.
      this.turn.set(splitStepId(stepId).runId, { row: readHash(reply) }, asked);
      return true;
    };
    return this.writeStep(stepId, 'moveStep', moved, String(now), ...change, ...claimArgs(claim));
  }

  setStepField(stepId: string, now: number, field: string, value: string): Promise<boolean> {
    return this.writeStep(stepId, 'setStepField', isOne, String(now), field, value);
  }

  retryStep(stepId: string, now: number, status: string, token: string, claim?: LockedClaim): Promise<StepRow | null> {
    return this.writeStep(stepId, 'retryStep', readOptionalStep, String(now), status, token, ...claimArgs(claim));
  }

  claimStep(
    runId: string,
    stepName: string,
    now: number,
    token: string,
    rpcName: string,
    leaseTtl?: number,
  ): Promise<Claim> {
    const args = [String(now), token, rpcName, leaseTtl?.toString()];
    return this.write(runId, 'claimStep', readClaim, runId, stepName, ...args);
  }

  listSteps(runId: string, fields: readonly string[], withHistory: boolean): Promise<ListedStep[]> {
    const listed = (reply: Reply): ListedStep[] => {
      const steps: ListedStep[] = [];
      for (let left = reply.list(); left > 0; left -= withHistory ? 3 : 2) {
        const stepName = reply.text() as string;
        const values = Array.from({ length: reply.list() }, () => reply.text());
        steps.push({ stepName, fields: values, members: withHistory ? readList(reply) : [] });
      }
      return steps;
    };
    const history = withHistory ? '1' : null;
    return this.link.call('listSteps', listed, runId, this.mixed, history, ...fields);
  }

  async graphSteps(runId: string): Promise<readonly GraphStep[]> {
    const known = this.turn.get(runId)?.steps;
    if (known !== undefined) return known;
    if (this.mixed === null) {
      // The host asks for the run next, and for the steps once more.
      const asked = writesTo(runId);
      const graph = (reply: Reply): readonly GraphStep[] | null => {
        const found = readGraph(reply);
        if (found !== null) this.turn.set(runId, found, asked);
        return found?.steps ?? null;
      };
      const steps = await this.link.call('readGraph', graph, runId, ...GRAPH_FIELDS);
      if (steps !== null) return steps;
    }
    return (await this.listSteps(runId, GRAPH_FIELDS, false)).map(graphStepOf);
  }

  nodeResults(runId: string, names: readonly string[]): Promise<(string | null)[]> {
    return this.nodes(runId, null, names, (reply) => reply.text());
  }

  nodesExist(runId: string, names: readonly string[]): Promise<boolean[]> {
    return this.nodes(runId, '1', names, isOne);
  }

  private nodes<T>(
    runId: string,
    exists: '1' | null,
    names: readonly string[],
    item: (reply: Reply) => T,
  ): Promise<T[]> {
    const items = (reply: Reply): T[] => Array.from({ length: reply.list() }, () => item(reply));
    const decode = (reply: Reply): T[] => {
      if (names.length <= CHUNK) return items(reply);
      return Array.from({ length: reply.list() }, () => items(reply)).flat();
    };
    return this.link.callWith('readNodes', decode, [runId, exists, ...names.slice(0, FEW)], names.slice(FEW));
  }

  setRunState(runId: string, now: number, name: string, json: string): Promise<void> {
    return this.write(runId, 'setRunState', readNothing, runId, String(now), name, json);
  }

  getRunState(runId: string): Promise<{ blob: string | null; variables: Row }> {
    const state = (reply: Reply): { blob: string | null; variables: Row } => {
      reply.list();
      return { blob: reply.text(), variables: readHash(reply) };
    };
    return this.link.call('getRunState', state, runId);
  }

  upsertVersion(name: string, graphHash: string, fields: Pairs): Promise<void> {
    return this.link.call('upsertVersion', readNothing, name, graphHash, ...fields);
  }

  setVersionStatus(name: string, graphHash: string, status: WorkflowVersionStatus): Promise<void> {
    return this.link.call('setVersionStatus', readNothing, name, graphHash, status);
  }

  getVersion(name: string, graphHash: string): Promise<{ graph: string | null; source: string | null }> {
    const version = (reply: Reply): { graph: string | null; source: string | null } => {
      reply.list();
      return { graph: reply.text(), source: reply.text() };
    };
    return this.link.call('getVersion', version, name, graphHash);
  }

  agentVersions(agentName: string | undefined): Promise<AgentVersion[]> {
    const versions = (reply: Reply): AgentVersion[] =>
      Array.from({ length: reply.list() }, () => {
        reply.list();
        return { workflowName: reply.text(), graphHash: reply.text(), graph: reply.text() };
      });
    return this.link.call('agentVersions', versions, agentName);
  }

  takeLock(key: string, token: string, ttl: number): Promise<boolean> {
    return this.link.call('takeLock', isOne, key, token, String(ttl));
  }

  takeStepLock(runId: string, stepName: string, token: string, ttl: number): Promise<LockedStep | null> {
    return this.link.call('takeStepLock', readLockedStep, runId, stepName, token, String(ttl));
  }

  takeRunLock(runId: string, key: string, token: string, ttl: number): Promise<StepPicture | null> {
    const { link } = this;
    // Others insert steps that the index does not know of.
    const steps = this.mixed === null ? PICTURE.steps : '0';
    return link.call('takeRunLock', readPicture, runId, key, token, String(ttl), steps, PICTURE.bytes);
  }

  releaseLock(key: string, token: string): Promise<void> {
    return this.link.call('releaseLock', readNothing, key, token);
  }

  renewLock(key: string, token: string, ttl: number, onLost: () => void): { stop(): void } {
    return renew(this.link.served, { key: this.link.base + key, owner: token, ttlMs: ttl, onLost });
  }

  stalledRuns(before: number, limit: number): Promise<string[]> {
    return this.link.call('stalledRuns', readList, String(before), String(limit), this.mixed);
  }

  undispatchedSteps(before: number, limit: number): Promise<string[]> {
    return this.link.call('undispatchedSteps', readList, String(before), String(limit), this.mixed);
  }

  /** A call that changes a run or a step of it. `decode` hears what to keep with what the reply says of the run. */
  private write<T>(
    runId: string,
    operation: string,
    decode: (reply: Reply, asked: number) => T,
    ...args: Arg[]
  ): Promise<T> {
    const sent = countWrite(runId);
    const changed = (reply: Reply): T => {
      const isNewest = writesTo(runId) === sent;
      const answered = countWrite(runId);
      return decode(reply, isNewest ? answered : sent);
    };
    return this.link.call(operation, changed, ...args);
  }

  private writeStep<T>(
    stepId: string,
    operation: string,
    decode: (reply: Reply, asked: number) => T,
    ...args: Arg[]
  ): Promise<T> {
    return this.write(splitStepId(stepId).runId, operation, decode, stepId, ...args);
  }
}

/** What the workflow service asks of Redis, in the texts that are stored. Two things answer: native code, and a driven client. */
import type { Row, StepRow } from './record.js';
import type { StepStatus, WorkflowStatus, WorkflowVersionStatus } from './types.js';

/** Fields and values of a hash, one after another. */
export type Pairs = readonly string[];

/** A step to be made. */
export interface NewStep {
  readonly runId: string;
  readonly stepName: string;
  readonly stepId: string;
  readonly now: number;
  readonly retries: string | undefined;
  readonly retryDelay: string | undefined;
  readonly fields: Pairs;
  /** Makes the step anew where there is one. */
  readonly overwrite: boolean;
}

/** A change of a step's status. */
export interface Move {
  readonly status: StepStatus;
  /** The time stamp that its history gets. */
  readonly stamp: 'runningAt' | 'scheduledAt' | 'succeededAt' | 'failedAt';
  /** Takes the place of both result and error. */
  readonly payload?: { readonly field: 'result' | 'error'; readonly json: string };
}

/** The claim of a step under its lock: begins a lease, and gives the lock back. */
export interface LockedClaim {
  /** Of the lease. */
  readonly token: string;
  /** Time to live of the lease in ms. */
  readonly ttl: number;
  readonly lock: { readonly key: string; readonly token: string };
}

/** What became of a claim. */
export type Claim =
  /** A lock is held on the step: try again. */
  | { readonly outcome: 'locked' }
  | { readonly outcome: 'missing' | 'mismatch' | 'taken' }
  /** The step is the caller's; `before` is the status that it had. */
  | { readonly outcome: 'claimed'; readonly before: string; readonly row: StepRow };

/** A step in a listing. */
export interface ListedStep {
  readonly stepName: string;
  /** The fields that were asked for, in their order. */
  readonly fields: readonly (string | null)[];
  /** With the histories: the members of its history. */
  readonly members: readonly string[];
}

/** A step as the host's runner of graphs looks at it. */
export interface GraphStep {
  readonly stepName: string;
  readonly status: string | null;
  readonly branchTaken: string | null;
  readonly attemptCount: string | null;
  readonly retries: string | null;
  readonly fromStepName: string | null;
}

/** The fields of a {@link GraphStep}, behind the one that a step cannot be without. */
export const GRAPH_FIELDS = ['stepId', 'status', 'branchTaken', 'attemptCount', 'retries', 'fromStepName'] as const;

/** A step at the moment at which its lock was taken. */
export interface LockedStep {
  readonly row: StepRow;
  /** It is running, and the process that executes it is gone. */
  readonly isAbandoned: boolean;
}

/** The steps of a run at the moment at which its lock was taken. */
export interface StepPicture {
  /** Whether a step that is not among them does not exist. */
  readonly complete: boolean;
  readonly steps: Map<string, StepRow>;
}

/** A stored version that an agent has made. */
export interface AgentVersion {
  readonly workflowName: string | null;
  readonly graphHash: string | null;
  readonly graph: string | null;
}

/** A listed step with {@link GRAPH_FIELDS}. */
export function graphStepOf({ stepName, fields }: ListedStep): GraphStep {
  const [, status, branchTaken, attemptCount, retries, fromStepName] = fields as (string | null)[] & { length: 6 };
  return { stepName, status, branchTaken, attemptCount, retries, fromStepName } as GraphStep;
}

/** See the file's text. Times are ms of the caller's clock. A lock is named by what follows the prefix in its key. */
export interface Backend {
  createRun(runId: string, now: number, fields: Pairs): Promise<void>;
  getRun(runId: string): Promise<Row>;
  /** Does nothing for a run that is not there. */
  updateRun(runId: string, now: number, status: WorkflowStatus, fields: Pairs): Promise<void>;
  /** The step that is there, or null when it was made. */
  insertStep(step: NewStep): Promise<StepRow | null>;
  getStep(runId: string, stepName: string): Promise<StepRow>;
  /** False: there is no such step. */
  moveStep(stepId: string, now: number, move: Move, claim?: LockedClaim): Promise<boolean>;
  /** False: there is no such step. */
  setStepField(stepId: string, now: number, field: 'childRunId' | 'branchTaken', value: string): Promise<boolean>;
  /** The step at its next attempt; null: there is no such step. */
  retryStep(
    stepId: string,
    now: number,
    status: 'pending' | 'running',
    token: string,
    claim?: LockedClaim,
  ): Promise<StepRow | null>;
  /** `token` is also that of the lease, which begins when `leaseTtl` says how long it lives. */
  claimStep(
    runId: string,
    stepName: string,
    now: number,
    token: string,
    rpcName: string,
    leaseTtl?: number,
  ): Promise<Claim>;
  listSteps(runId: string, fields: readonly string[], withHistory: boolean): Promise<ListedStep[]>;
  graphSteps(runId: string): Promise<readonly GraphStep[]>;
  /** For each name the result of a step that has succeeded with one, else null. */
  nodeResults(runId: string, names: readonly string[]): Promise<(string | null)[]>;
  /** For each name whether there is such a step. */
  nodesExist(runId: string, names: readonly string[]): Promise<boolean[]>;
  setRunState(runId: string, now: number, name: string, json: string): Promise<void>;
  /** The object of all variables that versions before 0.12.13 wrote, and the variables one by one. */
  getRunState(runId: string): Promise<{ blob: string | null; variables: Row }>;
  /** Does nothing where there is one. */
  upsertVersion(name: string, graphHash: string, fields: Pairs): Promise<void>;
  /** Does nothing for a version that is not there. */
  setVersionStatus(name: string, graphHash: string, status: WorkflowVersionStatus): Promise<void>;
  getVersion(name: string, graphHash: string): Promise<{ graph: string | null; source: string | null }>;
  agentVersions(agentName: string | undefined): Promise<AgentVersion[]>;
  takeLock(key: string, token: string, ttl: number): Promise<boolean>;
  /** Null: another has it. */
  takeStepLock(runId: string, stepName: string, token: string, ttl: number): Promise<LockedStep | null>;
  /** Null: another has it. */
  takeRunLock(runId: string, key: string, token: string, ttl: number): Promise<StepPicture | null>;
  releaseLock(key: string, token: string): Promise<void>;
  /** Extends a lock every third of its time to live until it is stopped; `onLost` hears once that it is no longer ours. */
  renewLock(key: string, token: string, ttl: number, onLost: () => void): { stop(): void };
  /** Ids of running runs in which nothing is under way and nothing has happened since `before`, oldest first. */
  stalledRuns(before: number, limit: number): Promise<string[]>;
  /** Ids of steps of running runs that have been pending since before `before`, oldest first. */
  undispatchedSteps(before: number, limit: number): Promise<string[]>;
}

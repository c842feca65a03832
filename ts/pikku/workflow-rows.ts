/** Runs and steps, one at a time: what the engine writes, and reads on its way. */
import { randomUUID } from 'node:crypto';
import type { Move } from './backend.js';
import { stepFunctionMismatch } from './host.js';
import { Tries } from './locks.js';
import { errorToStore, fromJson, newAttemptOf, newStepRow, runOf, type StepRow, stepOf, toJson } from './record.js';
import type {
  NamedStepState,
  SerializedError,
  StepState,
  WorkflowPlannedStep,
  WorkflowRun,
  WorkflowRunWire,
  WorkflowStatus,
} from './types.js';
import { WorkflowCore } from './workflow-core.js';
import { runLockFailure, stepLockFailure, stepNotFound } from './workflow-errors.js';
import { splitStepId } from './workflow-keys.js';

/** What the host knows of a step when it makes one. Other members are passed over. */
export interface StepOptions {
  retries?: number;
  retryDelay?: string | number;
}

/** Told by the host's class of every write; a claim is one without it. */
interface Mirror {
  setStepRunning(stepId: string): Promise<void>;
  createRetryAttempt(failedStepId: string, newStep: NamedStepState): Promise<void>;
}

/** How long a run waits for another look at it that was put off because somebody else was at work on it. */
const WAKE_MS = 1000;

/** See the file's text. */
export abstract class WorkflowRows extends WorkflowCore {
  protected async createRunImpl(
    workflowName: string,
    input: unknown,
    inline?: boolean,
    graphHash?: string,
    wire?: WorkflowRunWire,
    options?: { deterministic?: boolean; plannedSteps?: WorkflowPlannedStep[] },
  ): Promise<string> {
    const id = randomUUID();
    const now = Date.now();
    const fields = {
      id,
      workflow: workflowName,
      status: 'running',
      input: toJson(input),
      inline: inline ? 'true' : 'false',
      graphHash: graphHash ?? '',
      deterministic: options?.deterministic ? 'true' : 'false',
      plannedSteps: options?.plannedSteps ? toJson(options.plannedSteps) : '',
      wire: toJson(wire),
      createdAt: String(now),
      updatedAt: String(now),
    };
    await this.kept.backend.createRun(id, now, Object.entries(fields).flat());
    this.kept.names.remember(id, workflowName);
    return id;
  }

  /** The run, or null when there is none. */
  async getRun(id: string): Promise<WorkflowRun | null> {
    const run = runOf(await this.kept.backend.getRun(id));
    if (run !== null) this.kept.names.remember(id, run.workflow);
    return run;
  }

  protected async updateRunStatusImpl(
    id: string,
    status: WorkflowStatus,
    output?: unknown,
    error?: SerializedError,
  ): Promise<void> {
    if (status === 'failed' && isContention(id, error) && !this.kept.pictures.holds(id)) {
      // Whoever could not get the lock reports this of a run that another has at work. It gets its error back, so that no
      // mirror is told either.
      await this.putOff(id);
      throw new Error(error.message);
    }
    const fields: string[] = [];
    if (output !== undefined) fields.push('output', toJson(output));
    if (error !== undefined) fields.push('error', toJson(error));
    await this.kept.backend.updateRun(id, Date.now(), status, fields);
  }

  protected async updateRunStateImpl(runId: string, name: string, value: unknown): Promise<void> {
    await this.kept.backend.setRunState(runId, Date.now(), name, JSON.stringify(value) ?? 'null');
  }

  /** The variables of a run; none for an unknown one. */
  async getRunState(runId: string): Promise<Record<string, unknown>> {
    const { blob, variables } = await this.kept.backend.getRunState(runId);
    const old = Object.entries((fromJson(blob) ?? {}) as Record<string, unknown>);
    const single = Object.entries(variables).map(([name, json]) => [name, fromJson(json)] as const);
    return Object.fromEntries([...old, ...single]);
  }

  protected async insertStepStateImpl(
    runId: string,
    stepName: string,
    rpcName: string | null,
    data: unknown,
    stepOptions?: StepOptions,
    fromStepName?: string,
  ): Promise<StepState> {
    const now = Date.now();
    const stepId = `${runId}:${stepName}:${now}`;
    const retries = stepOptions?.retries?.toString();
    const retryDelay = stepOptions?.retryDelay?.toString();
    const fields = ['stepId', stepId, 'data', toJson(data), 'status', 'pending', 'attemptCount', '1'];
    const optional = { rpcName, retries, retryDelay, fromStepName };
    for (const [field, value] of Object.entries(optional)) if (value != null) fields.push(field, value);
    fields.push('createdAt', String(now), 'updatedAt', String(now));
    const overwrite = this.kept.settings.overwrite;
    const step = { runId, stepName, stepId, now, retries, retryDelay, fields, overwrite };
    const present = await this.kept.backend.insertStep(step);
    this.kept.claims.wrote();
    const row = present ?? newStepRow(stepId, now, optional);
    this.kept.pictures.wrote(runId, stepName, overwrite ? null : row);
    return stepOf(row);
  }

  /**
   * The state of a step.
   *
   * @throws Error (rejects) when there is no such step
   */
  async getStepState(runId: string, stepName: string): Promise<StepState> {
    let row = this.kept.claims.look(runId, stepName) ?? this.kept.pictures.step(runId, stepName);
    if (row === undefined) row = await this.kept.backend.getStep(runId, stepName);
    if (!row?.stepId) throw stepNotFound(runId, stepName);
    return stepOf(row);
  }

  protected setStepRunningImpl(stepId: string): Promise<void> {
    return this.move(stepId, { status: 'running', stamp: 'runningAt' });
  }

  protected setStepScheduledImpl(stepId: string): Promise<void> {
    return this.move(stepId, { status: 'scheduled', stamp: 'scheduledAt' });
  }

  protected setStepResultImpl(stepId: string, result: unknown): Promise<void> {
    const payload = { field: 'result', json: toJson(result) } as const;
    return this.move(stepId, { status: 'succeeded', stamp: 'succeededAt', payload });
  }

  protected setStepErrorImpl(stepId: string, error: unknown): Promise<void> {
    const payload = { field: 'error', json: toJson(errorToStore(error)) } as const;
    return this.move(stepId, { status: 'failed', stamp: 'failedAt', payload });
  }

  private async move(stepId: string, move: Move): Promise<void> {
    const now = Date.now();
    const { payload, status } = move;
    const { backend, claims } = this.kept;
    const claim = status === 'running' ? claims.claim(stepId, this.kept.token()) : undefined;
    const moved = await backend.moveStep(stepId, now, move, claim);
    claims.wrote();
    if (moved && claim !== undefined) claims.claimed(stepId, claim);
    if (payload !== undefined) claims.ended(stepId);
    const { runId, stepName } = splitStepId(stepId);
    if (!moved) return this.kept.pictures.wrote(runId, stepName, null);
    const outcome = payload === undefined ? {} : { result: null, error: null, [payload.field]: payload.json };
    this.kept.pictures.changed(stepId, { status, updatedAt: String(now), ...outcome });
  }

  protected async setStepChildRunIdImpl(stepId: string, childRunId: string): Promise<void> {
    const now = Date.now();
    await this.kept.backend.setStepField(stepId, now, 'childRunId', childRunId);
    this.kept.claims.ended(stepId);
    this.kept.pictures.changed(stepId, { childRunId, updatedAt: String(now) });
  }

  protected async setBranchTakenImpl(stepId: string, branchKey: string): Promise<void> {
    const now = Date.now();
    await this.kept.backend.setStepField(stepId, now, 'branchTaken', branchKey);
    this.kept.pictures.changed(stepId, { updatedAt: String(now) });
  }

  protected async createRetryAttemptImpl(stepId: string, status: 'pending' | 'running'): Promise<NamedStepState> {
    const { backend, claims } = this.kept;
    const token = this.kept.token();
    const claim = status === 'running' ? claims.claim(stepId, token) : undefined;
    const row = await backend.retryStep(stepId, Date.now(), status, token, claim);
    claims.wrote();
    if (row === null) throw new Error(`Step not found: ${stepId}`);
    if (claim !== undefined) claims.claimed(stepId, claim);
    const { runId, stepName } = splitStepId(stepId);
    this.kept.pictures.wrote(runId, stepName, row);
    return { ...newAttemptOf(row), stepName };
  }

  /** Gives the step to this caller if nobody has it; asked for by core 0.12.87 and later. */
  protected async claimStepForExecution(runId: string, stepName: string, rpcName: string): Promise<StepState | null> {
    const tries = new Tries(this.kept.settings.stepLockWait);
    const token = this.kept.token();
    const ttl = this.kept.claims.unlockedTTL();
    for (;;) {
      const claim = await this.kept.backend.claimStep(runId, stepName, Date.now(), token, rpcName ?? '', ttl);
      switch (claim.outcome) {
        case 'locked':
          if (!(await tries.pause())) throw tries.failure(stepLockFailure(runId, stepName));
          continue;
        case 'missing':
          throw stepNotFound(runId, stepName);
        case 'mismatch':
          throw stepFunctionMismatch(runId, stepName);
        case 'taken':
          return null;
        case 'claimed':
          this.kept.pictures.wrote(runId, stepName, claim.row);
          if (claim.row.status === 'running') this.kept.claims.leased(claim.row.stepId as string, token);
          return this.claimed(stepName, claim.before, claim.row);
      }
    }
  }

  private async claimed(stepName: string, before: string, row: StepRow): Promise<StepState> {
    const stepId = row.stepId as string;
    if (before === 'failed') {
      const state = { ...newAttemptOf(row), stepName };
      await this.mirrorClaim((mirror) => mirror.createRetryAttempt(stepId, state));
      return state;
    }
    if (before === 'pending' || before === 'scheduled')
      await this.mirrorClaim((mirror) => mirror.setStepRunning(stepId));
    return stepOf(row);
  }

  /** What the host's class does around its own writes: a mirror that fails is told of, and no more. */
  private async mirrorClaim(tell: (mirror: Mirror) => Promise<void>): Promise<void> {
    const mirror = this.mirror as Mirror | undefined;
    if (mirror === undefined) return;
    try {
      await tell(mirror);
    } catch (error) {
      this.warn(`[ferrodis] A mirror of workflow runs failed: ${(error as Error).message}`);
    }
  }

  /** Another has the run at work: it is not failed, but looked at once more later. */
  private async putOff(runId: string): Promise<void> {
    this.warn(`[ferrodis] Run ${runId} is at work elsewhere; its status is left as it is`);
    try {
      await this.scheduleOrchestratorRetry(runId, WAKE_MS);
    } catch {
      // Without a queue there is nobody to wake, and whoever has the run at work ends it.
    }
  }
}

/** Whether this error of a run says no more than that its lock could not be had. What bodies throw may be anything. */
function isContention(runId: string, error: SerializedError | undefined): error is SerializedError {
  const message: unknown = error?.message;
  return typeof message === 'string' && message.startsWith(`${runLockFailure(runId)} after `);
}

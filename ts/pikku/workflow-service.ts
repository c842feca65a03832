/** `RedisWorkflowService`. */
import type { QueueService } from './arguments.js';
import { PUBLIC_NAMES, WorkflowBase } from './host.js';
import { attemptsOf, fromJson, toJson } from './record.js';
import type { NamedStepState, StepStatus, WorkflowVersionStatus } from './types.js';
import { runLockFailure, stepLockFailure } from './workflow-errors.js';
import { runLock, splitStepId, stepLock } from './workflow-keys.js';
import { type StepOptions, WorkflowRows } from './workflow-rows.js';

/** The host has no queue, or is not set up yet. It says so before it does anything. */
const NO_QUEUE = /^(QueueService not configured|Singleton services not initialized)/;

/**
 * Keeps workflow runs in Redis, as `RedisWorkflowService` of `@pikku/redis` 0.12.18 does: on the same keys, so that its
 * processes and ours continue each other's runs. Each method is one command.
 *
 * It extends the host's own `PikkuWorkflowService`, of any core from 0.12.0 on. `docs/migrate/pikku.md` lists the
 * differences.
 */
export class RedisWorkflowService extends WorkflowRows {
  /** All attempts of all steps of a run, oldest first. */
  async getRunHistory(runId: string): Promise<NamedStepState[]> {
    const attempts: NamedStepState[] = [];
    for (const { stepName, fields, members } of await this.kept.backend.listSteps(
      runId,
      ['stepId', 'fromStepName'],
      true,
    )) {
      try {
        attempts.push(...attemptsOf(members, fields[1]));
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        this.warn(`[ferrodis] The history of step ${stepName} of run ${runId} is no JSON and is left out`);
      }
    }
    return attempts.sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
  }

  /** Which nodes of a graph have ended, how, and on which branch they left. */
  async getCompletedGraphState(
    runId: string,
  ): Promise<{ completedNodeIds: string[]; failedNodeIds: string[]; branchKeys: Record<string, string> }> {
    const completedNodeIds: string[] = [];
    const failedNodeIds: string[] = [];
    const branches: [string, string][] = [];
    for (const step of await this.kept.backend.graphSteps(runId)) {
      const { stepName, status, branchTaken } = step;
      if (status === 'succeeded') {
        completedNodeIds.push(stepName);
        if (branchTaken) branches.push([stepName, branchTaken]);
      } else if (status === 'failed' && Number(step.attemptCount ?? 0) > (Number(step.retries ?? 0) || 0)) {
        failedNodeIds.push(stepName);
      }
    }
    return { completedNodeIds, failedNodeIds, branchKeys: Object.fromEntries(branches) };
  }

  /** All steps of a run. */
  async getStepInstances(
    runId: string,
  ): Promise<Array<{ stepName: string; status: StepStatus; fromStepName?: string }>> {
    const steps = await this.kept.backend.graphSteps(runId);
    return steps.map(({ stepName, status, fromStepName }) => ({
      stepName,
      status: status as StepStatus,
      fromStepName: (fromStepName || undefined) as string,
    }));
  }

  /** The results of those nodes that have succeeded with one. */
  async getNodeResults(runId: string, nodeIds: string[]): Promise<Record<string, unknown>> {
    if (nodeIds.length === 0) return {};
    const results = await this.kept.backend.nodeResults(runId, nodeIds);
    const found = nodeIds.flatMap((id, index) => (results[index] ? [[id, fromJson(results[index])] as const] : []));
    return Object.fromEntries(found);
  }

  /** Those nodes that have no step yet, in their order; asked for by core before 0.12.74. */
  async getNodesWithoutSteps(runId: string, nodeIds: string[]): Promise<string[]> {
    if (nodeIds.length === 0) return [];
    const exist = await this.kept.backend.nodesExist(runId, nodeIds);
    return nodeIds.filter((_, index) => exist[index] !== true);
  }

  protected override findStalledRunIds(before: Date, limit: number): Promise<string[]> {
    return this.kept.backend.stalledRuns(before.getTime(), limit);
  }

  protected override async findUndispatchedSteps(
    before: Date,
    limit: number,
  ): Promise<Array<{ runId: string; stepId: string }>> {
    const found = await this.kept.backend.undispatchedSteps(before.getTime(), limit);
    return found.map((stepId) => ({ runId: splitStepId(stepId).runId, stepId }));
  }

  protected async upsertWorkflowVersionImpl(
    name: string,
    graphHash: string,
    graph: unknown,
    source: string,
    status: WorkflowVersionStatus = 'active',
  ): Promise<void> {
    const fields = ['workflowName', name, 'graphHash', graphHash, 'graph', toJson(graph), 'source', source];
    await this.kept.backend.upsertVersion(name, graphHash, [
      ...fields,
      'status',
      status,
      'createdAt',
      String(Date.now()),
    ]);
  }

  protected updateWorkflowVersionStatusImpl(
    name: string,
    graphHash: string,
    status: WorkflowVersionStatus,
  ): Promise<void> {
    return this.kept.backend.setVersionStatus(name, graphHash, status);
  }

  /** A stored version, or null. */
  async getWorkflowVersion(name: string, graphHash: string): Promise<{ graph: unknown; source: string } | null> {
    const { graph, source } = await this.kept.backend.getVersion(name, graphHash);
    return graph ? { graph: fromJson(graph), source: source as string } : null;
  }

  /** The active versions that agents have made; asked for by core before 0.12.71. */
  async getAIGeneratedWorkflows(
    agentName?: string,
  ): Promise<Array<{ workflowName: string; graphHash: string; graph: unknown }>> {
    const versions = await this.kept.backend.agentVersions(agentName);
    return versions.flatMap(({ workflowName, graphHash, graph }) =>
      workflowName && graphHash && graph ? [{ workflowName, graphHash, graph: fromJson(graph) }] : [],
    );
  }

  /**
   * Runs `fn` while nobody else replays the run. Not re-entrant.
   *
   * @throws Error (rejects) when the lock cannot be had in time; else what `fn` rejects with
   */
  withRunLock<T>(id: string, fn: () => Promise<T>): Promise<T> {
    const key = runLock(id);
    const attempt = (token: string) => this.kept.backend.takeRunLock(id, key, token, this.lockTTL);
    const request = { key, failure: runLockFailure(id), wait: this.kept.settings.runLockWait, attempt };
    return this.kept.locks.within(request, (picture, hold) =>
      this.kept.pictures.within(id, picture, (forget) => {
        hold.onLost(forget);
        return fn();
      }),
    );
  }

  /** Runs `fn` while nobody else is at the step. Otherwise as {@link withRunLock}. */
  withStepLock<T>(runId: string, stepName: string, fn: () => Promise<T>): Promise<T> {
    const key = stepLock(runId, stepName);
    const attempt = (token: string) => this.kept.backend.takeStepLock(runId, stepName, token, this.lockTTL);
    const request = { key, failure: stepLockFailure(runId, stepName), wait: this.kept.settings.stepLockWait, attempt };
    return this.kept.locks.within(request, (look, hold) =>
      this.kept.claims.under({ runId, stepName, look, hold }, () => this.kept.pictures.without(runId, fn)),
    );
  }

  /**
   * Replays a run. The host counts the steps of a replay by run: a second replay of the run in the same process, which the
   * host lets begin before it asks for the lock, would count on from the first and execute every step again.
   */
  override runWorkflowJob(...job: Parameters<WorkflowRows['runWorkflowJob']>): Promise<void> {
    const [runId] = job;
    const turn = { key: `replay:${runId}`, failure: runLockFailure(runId), wait: this.kept.settings.runLockWait };
    return this.kept.locks.inTurn(turn, () => super.runWorkflowJob(...job));
  }

  /** Executes a step that came through the job queue; see `claims.ts`. */
  override executeWorkflowStep(...job: Parameters<WorkflowRows['executeWorkflowStep']>): Promise<void> {
    return this.kept.claims.job(() => super.executeWorkflowStep(...job));
  }

  override async resumeWorkflow(runId: string, workflowName?: string): Promise<void> {
    await this.enqueue(
      () => super.resumeWorkflow(runId, workflowName ?? this.kept.names.of(runId)),
      async (queue) => {
        await queue.add(await this.orchestratorQueue(runId, workflowName), { runId });
      },
    );
  }

  override async queueStepWorker(
    runId: string,
    stepName: string,
    rpcName: string,
    data: unknown,
    stepOptions?: StepOptions,
    fromStepName?: string,
  ): Promise<void> {
    const job = { runId, stepName, rpcName, data, fromStepName };
    await this.enqueue(
      () => super.queueStepWorker(runId, stepName, rpcName, data, stepOptions as never, fromStepName),
      (queue) => queue.add(this.getStepWorkerQueueName?.(rpcName) ?? 'pikku-workflow-step-worker', job),
    );
  }

  protected override async scheduleOrchestratorRetry(
    runId: string,
    retryDelay?: number | string,
    workflowName?: string,
  ): Promise<void> {
    await this.enqueue(
      () => super.scheduleOrchestratorRetry(runId, retryDelay, workflowName ?? this.kept.names.of(runId)),
      async (queue) => {
        const options = retryDelay ? { delay: retryDelay } : undefined;
        await queue.add(await this.orchestratorQueue(runId, workflowName), { runId }, options);
      },
    );
  }

  private async enqueue(host: () => Promise<void>, fallback: (queue: QueueService) => Promise<unknown>): Promise<void> {
    try {
      await host();
    } catch (error) {
      if (this.queue === null || !(error instanceof Error) || !NO_QUEUE.test(error.message)) throw error;
      await fallback(this.queue);
    }
  }

  private async orchestratorQueue(runId: string, workflowName: string | undefined): Promise<string> {
    const byName = this.getOrchestratorQueueName?.bind(this);
    return (
      byName?.(workflowName ?? this.kept.names.of(runId) ?? (await this.getRun(runId))?.workflow) ??
      'pikku-workflow-orchestrator'
    );
  }
}

// The base class before core 0.12.21 has no wrappers: its public methods are these themselves.
for (const name of PUBLIC_NAMES) {
  if (typeof WorkflowBase.prototype[name] === 'function') continue;
  const own = (RedisWorkflowService.prototype as unknown as Record<string, unknown>)[`${name}Impl`];
  Object.defineProperty(RedisWorkflowService.prototype, name, { value: own, writable: true, configurable: true });
}

/**
 * The shapes of workflow state, as `@pikku/core/workflow` 0.12.84 has them. Spelt out here, because that package is an
 * optional peer.
 */

/** The state of a run. */
export type WorkflowStatus = 'running' | 'suspended' | 'completed' | 'failed' | 'cancelled';

/** The state of a step. */
export type StepStatus = 'pending' | 'running' | 'scheduled' | 'succeeded' | 'failed' | 'suspended';

/** The state of a stored version of a workflow. */
export type WorkflowVersionStatus = 'draft' | 'active' | 'declined';

/** What started a run. */
export interface WorkflowRunWire {
  type: string;
  id?: string;
  parentRunId?: string;
  parentStepId?: string;
  pikkuUserId?: string;
}

/** A step that a run is expected to take. */
export interface WorkflowPlannedStep {
  stepName: string;
  displayName?: string;
}

/** An error as it is stored. */
export interface SerializedError {
  message: string;
  stack?: string;
  code?: string;
  expected?: boolean;
  [key: string]: unknown;
}

/** A run. Optional members are present with the value `undefined`. */
export interface WorkflowRun {
  id: string;
  workflow: string;
  status: WorkflowStatus;
  input: unknown;
  output?: unknown;
  error?: SerializedError;
  inline?: boolean;
  graphHash?: string;
  deterministic?: boolean;
  plannedSteps?: WorkflowPlannedStep[];
  wire: WorkflowRunWire;
  createdAt: Date;
  updatedAt: Date;
}

/** A step, or one attempt of it in a history. Optional members are present with the value `undefined`. */
export interface StepState {
  /** The same for all attempts of the step. */
  stepId: string;
  status: StepStatus;
  /** The function that the step calls; null for a step without one. */
  rpcName?: string | null;
  result?: unknown;
  error?: SerializedError;
  /** From 1 on. */
  attemptCount: number;
  retries?: number;
  retryDelay?: string | number;
  fromStepName?: string;
  createdAt: Date;
  updatedAt: Date;
  childRunId?: string;
  runningAt?: Date;
  scheduledAt?: Date;
  succeededAt?: Date;
  failedAt?: Date;
}

/** An attempt of a named step. */
export type NamedStepState = StepState & { stepName: string };

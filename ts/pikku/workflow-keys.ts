/** Key names of workflow data. A step's key can only be told from its id, which is `<run>:<name>:<ms>`. */

/** The names below one prefix. */
export class WorkflowKeys {
  readonly prefix: string;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  run(runId: string): string {
    return `${this.prefix}:run:${runId}`;
  }

  step(runId: string, stepName: string): string {
    return `${this.prefix}:step:${runId}:${stepName}`;
  }

  stepHistory(stepId: string): string {
    return `${this.prefix}:step-history:${stepId}`;
  }

  runState(runId: string): string {
    return `${this.prefix}:run-state:${runId}`;
  }

  version(name: string, graphHash: string): string {
    return `${this.prefix}:version:${name}:${graphHash}`;
  }
}

/** What follows the prefix in the key of a run's lock. */
export function runLock(runId: string): string {
  return `:lock:${runId}`;
}

/** What follows the prefix in the key of a step's lock. */
export function stepLock(runId: string, stepName: string): string {
  return `:step-lock:${runId}:${stepName}`;
}

/** What follows the prefix in the key of a step's lease. */
export function stepLease(runId: string, stepName: string): string {
  return `:step-lease:${runId}:${stepName}`;
}

/** The run and the name of the step with this id: what stands before the first colon, and up to the last one. */
export function splitStepId(stepId: string): { runId: string; stepName: string } {
  const first = stepId.indexOf(':');
  if (first === -1) return { runId: stepId, stepName: '' };
  return { runId: stepId.slice(0, first), stepName: stepId.slice(first + 1, stepId.lastIndexOf(':')) };
}

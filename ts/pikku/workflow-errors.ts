/** Errors with the original's own texts. */

/**
 * There is no such step: the host makes it then. That is the ordinary course of every new step, so it comes without a
 * stack, whose capture takes longer than the call to Redis.
 */
export function stepNotFound(runId: string, stepName: string): Error {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return new Error(`Step not found: runId=${runId}, stepName=${stepName}. Use insertStepState to create it.`);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** What the error of a run lock that cannot be had begins with; the number of tries follows. */
export function runLockFailure(runId: string): string {
  return `Failed to acquire lock for run ${runId}`;
}

/** As {@link runLockFailure}, for the lock of a step. */
export function stepLockFailure(runId: string, stepName: string): string {
  return `Failed to acquire step lock for run ${runId}, step ${stepName}`;
}

/**
 * What comes from the user's own `@pikku/core`: the base class of the workflow service must be the one that the host
 * tests and extends. Without that package everything else of ferrodis still loads.
 */

/** @ts-ignore: an optional peer; a project without it sees `any`. */
import type { PikkuWorkflowService } from '@pikku/core/workflow';
/** @ts-ignore: as above. */
import type { ChannelStore } from '@pikku/core/channel';
import { UnsupportedError } from '../errors.js';

type WorkflowModule = {
  readonly PikkuWorkflowService: typeof PikkuWorkflowService;
  readonly WorkflowStepFunctionMismatchError?: new (runId: string, stepName: string) => Error;
};

const workflow = await load<WorkflowModule>('@pikku/core/workflow');
const channel = await load<{ readonly ChannelStore: typeof ChannelStore }>('@pikku/core/channel');

/** Stands in where the host's package is missing, so that the class can be exported and says so when it is used. */
function MissingBase(): never {
  throw new UnsupportedError('the package @pikku/core is not installed. It brings the class that this one extends.');
}

/** The host's `PikkuWorkflowService`, of core 0.12.0 or later. */
export const WorkflowBase: typeof PikkuWorkflowService =
  workflow?.PikkuWorkflowService ?? (MissingBase as unknown as typeof PikkuWorkflowService);

/** The host's `ChannelStore`. */
export const ChannelBase: typeof ChannelStore =
  channel?.ChannelStore ?? (MissingBase as unknown as typeof ChannelStore);

/** The writes that the base class wraps since core 0.12.21, to tell a mirror. */
export const PUBLIC_NAMES = [
  'createRun',
  'updateRunStatus',
  'insertStepState',
  'setStepRunning',
  'setStepScheduled',
  'setStepResult',
  'setStepChildRunId',
  'setStepError',
  'createRetryAttempt',
  'setBranchTaken',
  'updateRunState',
  'upsertWorkflowVersion',
  'updateWorkflowVersionStatus',
] as const;

/** A claim names another function than the step was made with. The host's own class since core 0.12.80. */
export function stepFunctionMismatch(runId: string, stepName: string): Error {
  const HostError = workflow?.WorkflowStepFunctionMismatchError;
  if (HostError !== undefined) return new HostError(runId, stepName);
  return new Error(`Workflow step '${stepName}' (run ${runId}) was dispatched with a different function`);
}

/** A module of the host's package; undefined where this version, or the package itself, is not there. */
export async function load<Module>(name: string): Promise<Module | undefined> {
  try {
    return (await import(name)) as Module;
  } catch (error) {
    // A package that is there but broken is the user's to know of.
    const code = (error as { code?: unknown }).code;
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND' || code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') {
      return undefined;
    }
    throw error;
  }
}

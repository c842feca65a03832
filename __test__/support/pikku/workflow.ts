import { RedisWorkflowService, type StepState } from 'ferrodis/pikku';

/** What the engine, which is the base class, can call. */
type Internals = {
  claimStepForExecution(runId: string, stepName: string, rpcName: string): Promise<StepState | null>;
  findStalledRunIds(before: Date, limit: number): Promise<string[]>;
  findUndispatchedSteps(before: Date, limit: number): Promise<Array<{ runId: string; stepId: string }>>;
};

/** The service with what the engine calls made public. */
export type OpenService = RedisWorkflowService & Internals;

/** Opens a service without queue workers. */
export function openService(...args: unknown[]): OpenService {
  const Service = RedisWorkflowService as unknown as new (...args: unknown[]) => OpenService;
  return new Service(...args);
}

/** A run with nothing special about it. */
export function newRun(service: RedisWorkflowService, ...[input]: [unknown?]): Promise<string> {
  return service.createRun('flow', input, true, 'hash', { type: 'test' });
}

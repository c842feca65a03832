/** The options of the workflow service: those of the host's class, which are passed on, and ours. */
import { ConfigError } from '../errors.js';

/** Options of `RedisWorkflowService`. */
export interface RedisWorkflowOptions {
  /** The host's: one queue for each workflow, or shared ones with groups. */
  queueStrategy?: 'per-workflow' | 'shared-groups';
  /** The host's. */
  queueConcurrency?: number;
  /** The host's. */
  queueGroupConcurrency?: number | Record<string, number>;
  /** The host's: whether its constructor wires the queue workers. */
  wireQueues?: boolean;
  /** The host's: is told every write. */
  mirror?: object;
  /**
   * Processes of `@pikku/redis` insert steps into the same runs. Steps are then found by walking through the database,
   * as those processes do, and not by our index. Default false.
   */
  mixedFleet?: boolean;
  /** What a second insertion of a step does: leave the step as it is (`keep`, the default), or make it anew. */
  insertMode?: 'keep' | 'overwrite';
  /** How long a run and its steps are kept after its end, in seconds. Default: for ever. */
  retentionSeconds?: number;
  /** Time to live of locks in ms; they are renewed while their holder is at work. Default 30000. */
  lockTTL?: number;
  /** How long to wait for the lock of a run, in ms. Default 1000. */
  runLockWait?: number;
  /** How long to wait for the lock of a step, in ms. Default 1000. */
  stepLockWait?: number;
  /** What becomes of the outcome of a body whose lock was lost: kept with a warning (the default), or rejected. */
  onLockLost?: 'warn' | 'reject';
}

/** Ours, checked and with their defaults. */
export interface WorkflowSettings {
  readonly mixedFleet: boolean;
  readonly overwrite: boolean;
  readonly retentionSeconds: number | undefined;
  readonly lockTTL: number;
  readonly runLockWait: number;
  readonly stepLockWait: number;
  readonly rejectLost: boolean;
}

/**
 * Checks our options.
 *
 * @throws ConfigError naming the option
 */
export function readSettings(options: RedisWorkflowOptions): WorkflowSettings {
  return {
    mixedFleet: options.mixedFleet === true,
    overwrite: oneOf('insertMode', options.insertMode, ['keep', 'overwrite']) === 'overwrite',
    retentionSeconds:
      options.retentionSeconds === undefined ? undefined : whole('retentionSeconds', options.retentionSeconds, 1),
    lockTTL: whole('lockTTL', options.lockTTL ?? 30_000, 1),
    runLockWait: whole('runLockWait', options.runLockWait ?? 1000, 0),
    stepLockWait: whole('stepLockWait', options.stepLockWait ?? 1000, 0),
    rejectLost: oneOf('onLockLost', options.onLockLost, ['warn', 'reject']) === 'reject',
  };
}

function whole(name: string, value: number, least: number): number {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new ConfigError(`RedisWorkflowService: ${name}: must be a whole number of at least ${least}`);
  }
  return value;
}

function oneOf<Choice extends string>(name: string, value: Choice | undefined, choices: [Choice, Choice]): Choice {
  if (value === undefined) return choices[0];
  if (!choices.includes(value)) {
    throw new ConfigError(`RedisWorkflowService: ${name}: must be one of ${choices.join(', ')}`);
  }
  return value;
}

/** Every error that the store promises, with the host's texts, and the two classes that belong to the host. */

import type { JobState } from './types.js';

/** An error with the host's own mark. */
function conveyorError(text: string): Error {
  return new Error(`[Conveyor] ${text}`);
}

/** Faults of the life cycle. */
export const lifecycleErrors = {
  nothingToConnectTo: (): Error =>
    conveyorError(
      'RedisStore requires either `url` or `client` — refusing to fall back to the node-redis default host',
    ),
  clientNotOpen: (): Error =>
    conveyorError(
      'BYO Redis client must already be connected — call `client.connect()` before passing it to ' +
        '`new RedisStore({ client })`',
    ),
  usedUp: (): Error => conveyorError('RedisStore cannot be reconnected after disconnect'),
  aborted: (): Error => conveyorError('RedisStore was disconnected during connect()'),
  notConnected: (): Error => conveyorError('RedisStore is not connected — call connect() first'),
} as const;

/** Faults of a stored record. */
export const badRecord = {
  empty: (): Error => conveyorError('Cannot decode empty Redis hash into JobData'),
  missing: (): Error => conveyorError('Redis hash is missing required job fields'),
  date: (field: string, text: string): Error =>
    conveyorError(`Invalid date encoding for field "${field}": ${JSON.stringify(text)}`),
  state: (text: string): Error => new Error(`Invalid job state: "${text}"`),
} as const;

/** A payload that JSON has no text for, such as a function. */
export function unserialisable(field: string): TypeError {
  return new TypeError(`The "${field}" of a job cannot be written as JSON`);
}

/** An update leads to a delayed job without a time to end the delay. */
export function delayedWithoutDate(jobId: string): Error {
  return conveyorError(`updateJob(${jobId}): state "delayed" requires a non-null delayUntil`);
}

/** `obliterate` without `force` met jobs at work. */
export function activeJobsExist(queueName: string): Error {
  return conveyorError(`Cannot obliterate queue "${queueName}": active jobs exist. Use { force: true } to override.`);
}

/** A state that is none, in `listJobs` and `countJobs` (`where` empty) or in `clean`. */
export function unhandledState(state: unknown, where: '' | ' in clean' = ''): Error {
  return conveyorError(`Unhandled JobState${where}: ${String(state)}`);
}

/** Builds the host's error for a job that is in another state than its caller expects. */
export type InvalidJobStateErrorClass = new (
  jobId: string,
  currentState: JobState,
  expectedStates: JobState[],
) => Error;

/** Builds the host's error for metrics that are switched off. */
export type MetricsDisabledErrorClass = new () => Error;

/** The classes that a host tests with `instanceof`. */
export interface HostErrors {
  InvalidJobStateError: InvalidJobStateErrorClass;
  MetricsDisabledError: MetricsDisabledErrorClass;
}

/** Stands in for the host's class of that name where the host's package cannot be imported. */
export class InvalidJobStateError extends Error {
  /** The job that was not changed. */
  readonly jobId: string;
  /** The state it is in. */
  readonly currentState: JobState;
  /** The states it should be in, in the caller's order. */
  readonly expectedStates: JobState[];

  constructor(jobId: string, currentState: JobState, expectedStates: JobState[]) {
    const expected = expectedStates.map((state) => `"${state}"`).join(' or ');
    super(`Cannot mutate job ${jobId}: state is "${currentState}", expected ${expected}`);
    this.name = 'InvalidJobStateError';
    this.jobId = jobId;
    this.currentState = currentState;
    this.expectedStates = expectedStates;
  }
}

/** Stands in for the host's class of that name where the host's package cannot be imported. */
export class MetricsDisabledError extends Error {
  constructor() {
    super('Metrics are not enabled. Set metrics.enabled: true in store options.');
    this.name = 'MetricsDisabledError';
  }
}

/** What counts until, or unless, the host's own are found. */
export const OWN_ERRORS: HostErrors = { InvalidJobStateError, MetricsDisabledError };

/** The host's package under its own name and under that of JSR's npm bridge. */
const HOST_PACKAGES: readonly string[] = ['@conveyor/shared', '@jsr/conveyor__shared'];

let loading: Promise<HostErrors> | undefined;

/**
 * The host's error classes, from its own package when that can be imported. It is an optional peer, imported on first
 * use, once: a host that is running has it loaded already.
 */
export function loadHostErrors(): Promise<HostErrors> {
  loading ??= importHostErrors();
  return loading;
}

async function importHostErrors(): Promise<HostErrors> {
  for (const specifier of HOST_PACKAGES) {
    try {
      const host = (await import(specifier)) as Partial<HostErrors>;
      return { ...OWN_ERRORS, ...pickErrors(host) };
    } catch {
      // Not installed under this name.
    }
  }
  return OWN_ERRORS;
}

function pickErrors(host: Partial<HostErrors>): Partial<HostErrors> {
  const picked: Partial<HostErrors> = {};
  if (typeof host.InvalidJobStateError === 'function') picked.InvalidJobStateError = host.InvalidJobStateError;
  if (typeof host.MetricsDisabledError === 'function') picked.MetricsDisabledError = host.MetricsDisabledError;
  return picked;
}

/** Runs and steps as they are stored, and as the host sees them. */
import type { NamedStepState, SerializedError, StepState, StepStatus, WorkflowRun } from './types.js';

/** A hash. A field that is not there is absent or null. */
export type Row = Readonly<Record<string, string | null | undefined>>;

/** The fields that the state of a step is made of, in the order in which native code reads them. */
export const STEP_FIELDS = [
  'stepId',
  'rpcName',
  'status',
  'attemptCount',
  'retries',
  'retryDelay',
  'fromStepName',
  'result',
  'error',
  'childRunId',
  'createdAt',
  'updatedAt',
] as const;

/** A step as it is stored. Without `stepId` there is none. */
export type StepRow = { readonly [Field in (typeof STEP_FIELDS)[number]]: string | null };

/** JSON as it is stored: what has none becomes empty text. */
export function toJson(value: unknown): string {
  return JSON.stringify(value) ?? '';
}

/** Stored JSON; undefined where there is none. Text that is not JSON is a `SyntaxError`. */
export function fromJson(text: string | null | undefined): unknown {
  return text === undefined || text === null || text === '' ? undefined : JSON.parse(text);
}

function some(text: string | null | undefined): string | undefined {
  return text === undefined || text === null || text === '' ? undefined : text;
}

function date(text: string | null | undefined): Date {
  return new Date(Number(text ?? Number.NaN));
}

/** The run of a hash; null when the hash is none. */
export function runOf(row: Row): WorkflowRun | null {
  const id = some(row['id']);
  if (id === undefined) return null;
  return {
    id,
    workflow: row['workflow'] as string,
    status: row['status'] as WorkflowRun['status'],
    input: fromJson(row['input']),
    output: fromJson(row['output']),
    error: fromJson(row['error']) as SerializedError | undefined,
    inline: row['inline'] === 'true' || undefined,
    graphHash: some(row['graphHash']),
    deterministic: row['deterministic'] === 'true' || undefined,
    plannedSteps: fromJson(row['plannedSteps']) as WorkflowRun['plannedSteps'],
    wire: (fromJson(row['wire']) as WorkflowRun['wire'] | undefined) ?? { type: 'unknown' },
    createdAt: date(row['createdAt']),
    updatedAt: date(row['updatedAt']),
  } as WorkflowRun;
}

/** The state of a step that is there. */
export function stepOf(row: StepRow): StepState {
  return {
    stepId: row.stepId as string,
    status: row.status as StepStatus,
    // Versions before 0.12.16 wrote an empty name for a step without a function.
    rpcName: some(row.rpcName) ?? null,
    result: fromJson(row.result),
    error: fromJson(row.error),
    attemptCount: Number(row.attemptCount ?? 1),
    retries: row.retries === null || row.retries === '' ? undefined : Number(row.retries),
    retryDelay: some(row.retryDelay),
    fromStepName: some(row.fromStepName),
    childRunId: some(row.childRunId),
    createdAt: date(row.createdAt),
    updatedAt: date(row.updatedAt),
  } as StepState;
}

/** The row of a step that has just been made. */
export function newStepRow(
  stepId: string,
  now: number,
  fields: Partial<Record<keyof StepRow, string | null>>,
): StepRow {
  const empty = Object.fromEntries(STEP_FIELDS.map((field) => [field, null])) as StepRow;
  const [createdAt, updatedAt] = [String(now), String(now)];
  return { ...empty, stepId, status: 'pending', attemptCount: '1', ...fields, createdAt, updatedAt };
}

/** The state of a step at the beginning of another attempt: the outcome of the last one is none of its own. */
export function newAttemptOf(row: StepRow): StepState {
  return stepOf({ ...row, result: null, error: null });
}

/** Some state of a step, from least to most advanced: of two entries for one attempt the later one counts. */
const ADVANCE: Readonly<Record<string, number>> = {
  pending: 0,
  scheduled: 1,
  running: 2,
  suspended: 3,
  failed: 4,
  succeeded: 4,
};

const STAMPS = ['runningAt', 'scheduledAt', 'succeededAt', 'failedAt'] as const;

/** A member of a step's history. Its payloads are JSON texts themselves. */
type Attempt = { [name: string]: string | number | undefined };

/**
 * The attempts of a step, in their order.
 *
 * @param members as stored; one that is not JSON is a `SyntaxError`
 */
export function attemptsOf(members: readonly string[], fromStepName: string | null | undefined): NamedStepState[] {
  const byNumber = new Map<number, Attempt>();
  for (const member of members) {
    const attempt = JSON.parse(member) as Attempt;
    const number = Number(attempt['attemptCount']);
    const other = byNumber.get(number);
    // Two entries for one attempt are what a race of processes without scripts has left.
    if (other === undefined || advance(attempt) >= advance(other)) byNumber.set(number, attempt);
  }
  return Array.from(byNumber.values(), (attempt) => attemptOf(attempt, fromStepName));
}

function advance(attempt: Attempt): number {
  return ADVANCE[String(attempt['status'])] ?? 0;
}

function attemptOf(attempt: Attempt, fromStepName: string | null | undefined): NamedStepState {
  const created = Number(attempt['createdAt']);
  const stamps = STAMPS.map((name) => attempt[name] as number | undefined);
  const [runningAt, scheduledAt, succeededAt, failedAt] = stamps.map((at) => (at ? new Date(at) : undefined));
  return {
    stepId: attempt['stepId'],
    stepName: attempt['stepName'],
    fromStepName: some(fromStepName),
    status: attempt['status'],
    result: fromJson(attempt['result'] as string | undefined),
    error: fromJson(attempt['error'] as string | undefined),
    attemptCount: attempt['attemptCount'],
    retries: attempt['retries'],
    retryDelay: attempt['retryDelay'],
    createdAt: new Date(created),
    // The original repeats createdAt, which hides the end of a retry of the same millisecond from getRunStatus.
    updatedAt: new Date(Math.max(created, ...stamps.map((at) => at ?? 0))),
    runningAt,
    scheduledAt,
    succeededAt,
    failedAt,
  } as NamedStepState;
}

/**
 * What is stored of an error: message, stack and code as the original does, and name and `expected`, which its readers
 * pass over. What is no error is told by its text.
 */
export function errorToStore(thrown: unknown): Record<string, unknown> {
  if (typeof thrown !== 'object' || thrown === null) return { message: String(thrown) };
  const { message, stack, code, name, expected } = thrown as Record<string, unknown>;
  if (!(thrown instanceof Error) && message === undefined) return { message: textOf(thrown), stack, code };
  return { message, stack, code: isWritable(code) ? code : String(code), name, expected };
}

function isWritable(value: unknown): boolean {
  try {
    JSON.stringify(value);
    return true;
  } catch {
    return false;
  }
}

function textOf(thrown: object): string {
  try {
    return String(thrown);
  } catch {
    return Object.prototype.toString.call(thrown);
  }
}

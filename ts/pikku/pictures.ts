/**
 * Pictures of the steps of runs whose locks are held here. A replay of a run asks for every step that it has taken; the
 * picture comes with the lock and answers for Redis.
 *
 * It is safe because it is no older than the lock, knows of every write of this process, and is seen only from within the
 * asynchronous context that holds the lock. Within a step lock it is not: claims and approvals need the row of the moment.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { StepPicture } from './backend.js';
import type { StepRow } from './record.js';
import { splitStepId } from './workflow-keys.js';

/** A run lock that is held here. */
interface Held {
  readonly runId: string;
  /** Undefined once the lock is given back or lost. */
  picture: StepPicture | undefined;
  /** Steps that have to be asked for. */
  readonly unknown: Set<string>;
}

/** The context of a body under a lock: what it can see, and the context around it. */
interface Context {
  readonly runId: string;
  /** Null within a step lock. */
  readonly held: Held | null;
  readonly around: Context | undefined;
}

/** See the file's text. */
export class Pictures {
  private readonly contexts = new AsyncLocalStorage<Context>();
  private readonly held = new Map<string, Held>();

  /** Runs `body` with the picture that came with the lock of the run. `forget` ends the picture's use early. */
  async within<T>(runId: string, picture: StepPicture, body: (forget: () => void) => Promise<T>): Promise<T> {
    const held: Held = { runId, picture, unknown: new Set() };
    const forget = (): void => {
      held.picture = undefined;
      if (this.held.get(runId) === held) this.held.delete(runId);
    };
    this.held.set(runId, held);
    try {
      return await this.contexts.run({ runId, held, around: this.contexts.getStore() }, () => body(forget));
    } finally {
      forget();
    }
  }

  /** Runs `body` without the picture of the run. */
  without<T>(runId: string, body: () => Promise<T>): Promise<T> {
    return this.contexts.run({ runId, held: null, around: this.contexts.getStore() }, body);
  }

  /** Whether the lock of the run is held in the present context. */
  holds(runId: string): boolean {
    for (let context = this.contexts.getStore(); context !== undefined; context = context.around) {
      if (context.runId === runId && context.held?.picture !== undefined) return true;
    }
    return false;
  }

  /** The step as the picture has it; null: there is none; undefined: ask Redis. */
  step(runId: string, stepName: string): StepRow | null | undefined {
    let context = this.contexts.getStore();
    while (context !== undefined && context.runId !== runId) context = context.around;
    const held = context?.held;
    if (!held?.picture || held.unknown.has(stepName)) return undefined;
    return held.picture.steps.get(stepName) ?? (held.picture.complete ? null : undefined);
  }

  /** A step was written: as `row`, or in a way that only Redis knows. */
  wrote(runId: string, stepName: string, row: StepRow | null): void {
    const held = this.held.get(runId);
    if (held?.picture === undefined) return;
    if (row === null) {
      held.unknown.add(stepName);
    } else {
      held.unknown.delete(stepName);
      held.picture.steps.set(stepName, row);
    }
  }

  /** Fields of a step were written. */
  changed(stepId: string, fields: Partial<StepRow>): void {
    const { runId, stepName } = splitStepId(stepId);
    const row = this.held.get(runId)?.picture?.steps.get(stepName);
    this.wrote(runId, stepName, row === undefined ? null : { ...row, ...fields });
  }
}

/**
 * What a reply has brought beyond what was asked for. It answers the calls that the host makes next, for Redis, until the
 * event loop turns: nothing that this process hears of later can be newer than the reply, and what it writes itself ends it.
 */
import type { GraphStep } from './backend.js';
import type { Row } from './record.js';

/** The real one, also where a test has put a clock of its own in its place later. */
const onTurn = setImmediate;

/** What is known of a run. */
export interface Known {
  readonly row: Row;
  readonly steps?: readonly GraphStep[];
}

/** See the file's text. */
export class Turn {
  private readonly runs = new Map<string, Known>();

  /** To be called while the reply is read, so that of two replies that come together the later one counts. */
  keep(runId: string, known: Known): void {
    if (this.runs.size === 0) onTurn(() => this.runs.clear());
    this.runs.set(runId, known);
  }

  known(runId: string): Known | undefined {
    return this.runs.get(runId);
  }

  forget(runId: string): void {
    this.runs.delete(runId);
  }
}

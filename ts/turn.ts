/**
 * What is known without asking: a reply has just brought it, and nothing that this process has heard or done since can
 * have made it old.
 */
import { nextTick } from 'node:process';
import { hearing } from './calls.js';

/** Writes by what they change, many subjects to a counter: two that share one only ask again without need. */
const writes = new Uint32Array(1024);

function counterOf(subject: string): number {
  let hash = 0;
  for (let at = Math.max(0, subject.length - 8); at < subject.length; at++) hash = hash * 31 + subject.charCodeAt(at);
  return hash % writes.length;
}

/** To be called when a write is sent, and when it is answered, whatever connection it takes. Returns {@link writesTo}. */
export function countWrite(subject: string): number {
  writes[counterOf(subject)]++;
  return writesTo(subject);
}

/** Tells writes of this process to `subject` apart: keep it with a question. */
export function writesTo(subject: string): number {
  return writes[counterOf(subject)] as number;
}

interface Entry<Value> {
  readonly value: Value;
  readonly asked: number;
}

/**
 * What is known of subjects while the promises that a batch of replies settled are at work: until they have all gone on,
 * any server is heard again, or this process writes to the subject. Filled while a reply is read.
 */
export class TurnMap<Value> {
  private readonly entries = new Map<string, Entry<Value>>();
  private heard = -1;
  private armed = false;

  /** @param key the subject, or what was asked of it */
  get(key: string, subject: string = key): Value | undefined {
    if (this.heard !== hearing()) return undefined;
    const entry = this.entries.get(key);
    return entry?.asked === writesTo(subject) ? entry.value : undefined;
  }

  /** @param asked {@link writesTo} the subject when the question was sent: what was written since may be missing */
  set(key: string, value: Value, asked: number): void {
    if (this.heard !== hearing()) {
      this.heard = hearing();
      this.entries.clear();
    }
    this.entries.set(key, { value, asked });
    if (this.armed) return;
    this.armed = true;
    // What a job puts off to the next tick comes after all jobs, and before anything else that the event loop has to tell.
    queueMicrotask(() => nextTick(this.end));
  }

  private readonly end = (): void => {
    this.armed = false;
    this.entries.clear();
  };
}

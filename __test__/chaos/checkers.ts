/** What has to hold of counters, claims, locks, streams and events, told from what the callers heard. */
import type { Ending } from './calls.js';

/** The additions to one counter, each of one. */
export class CounterHistory {
  readonly #heard: number[] = [];
  #unknown = 0;

  add(ending: Ending<number>): void {
    if (ending.is === 'ok') this.#heard.push(ending.value);
    if (ending.is === 'unknown') this.#unknown++;
  }

  /** V9: no sum is told twice, and the last one holds every addition that was told of and no more than were made. */
  violations(name: string, final: number): string[] {
    const broken: string[] = [];
    const ok = this.#heard.length;
    if (new Set(this.#heard).size < ok) broken.push(`V9: ${name}: a sum was told twice`);
    if (final < ok || final > ok + this.#unknown) {
      broken.push(`V9: ${name}: is ${final} after ${ok} additions and ${this.#unknown} of which nobody knows`);
    }
    return broken;
  }
}

/** Entries appended to a stream, each with a number of its own. */
export class StreamHistory {
  readonly #acknowledged = new Set<number>();
  readonly #perhaps = new Set<number>();

  add(entry: number, ending: Ending<unknown>): void {
    if (ending.is === 'ok') this.#acknowledged.add(entry);
    if (ending.is === 'unknown') this.#perhaps.add(entry);
  }

  /** V11: every entry that was told of is there, none twice, and none that was refused. */
  violations(name: string, found: readonly number[]): string[] {
    const broken: string[] = [];
    const there = new Set(found);
    if (there.size < found.length) broken.push(`V11: ${name}: an entry is there twice`);
    for (const entry of this.#acknowledged) if (!there.has(entry)) broken.push(`V11: ${name}: ${entry} is gone`);
    for (const entry of there) {
      if (!this.#acknowledged.has(entry) && !this.#perhaps.has(entry)) {
        broken.push(`V11: ${name}: ${entry} was refused and is there`);
      }
    }
    return broken;
  }
}

/** V12: what one publisher numbered arrives at most once, and in its order. */
export function eventViolations(name: string, heard: readonly number[]): string[] {
  const broken: string[] = [];
  for (const [index, event] of heard.entries()) {
    const before = heard[index - 1] ?? -Infinity;
    if (event === before) broken.push(`V12: ${name}: ${event} was heard twice`);
    if (event < before) broken.push(`V12: ${name}: ${event} was heard after ${before}`);
  }
  return broken;
}

/** How long somebody could believe to hold a lock, in ms of a clock that all share. */
export interface Holding {
  from: number;
  to: number;
  fence: number;
}

/** V8: nobody believes to hold a lock that another holds, and whoever holds it later has the greater number. */
export function lockViolations(name: string, holdings: readonly Holding[]): string[] {
  const broken: string[] = [];
  const inOrder = holdings.toSorted((a, b) => a.from - b.from);
  for (const [index, { from, fence }] of inOrder.entries()) {
    const before = inOrder[index - 1];
    if (before === undefined) continue;
    if (from < before.to) broken.push(`V8: ${name}: held by two for ${Math.ceil(before.to - from)} ms`);
    if (fence <= before.fence) broken.push(`V8: ${name}: number ${fence} after ${before.fence}`);
  }
  return broken;
}

/** V8 for claims: no key is claimed twice; and it is by one of them, unless nobody knows. */
export function claimViolations(name: string, endings: ReadonlyArray<Ending<boolean>>, isThere: boolean): string[] {
  const won = endings.filter((ending) => ending.is === 'ok' && ending.value).length;
  const unsure = endings.some((ending) => ending.is === 'unknown');
  if (won > 1) return [`V8: ${name}: claimed by ${won}`];
  if (won === 1 && !isThere) return [`V1: ${name}: the claim is gone`];
  if (won === 0 && isThere && !unsure) return [`V8: ${name}: claimed, and nobody was told`];
  return [];
}

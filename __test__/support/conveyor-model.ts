import type { JobState } from './job.js';

/** What the model knows of one job. */
export interface ModelJob {
  state: JobState;
  priority: number;
  groupId: string | null;
  dedup: string | null;
  pending: number;
  /** The number of the lease that is on it, while it is active. */
  lease: number | null;
  /** When it ended, for the order of a retry. */
  ended: number;
}

/** How an operation ends: with a value, or with the error of a lost lease. */
export type Outcome = { value: unknown } | 'lease lost';

/**
 * A queue as it should behave, in memory: first in, first out within a priority, one live job for a deduplication
 * key, and leases that only the store that took them may end. Stores are told apart by number.
 */
export class QueueModel {
  readonly jobs = new Map<string, ModelJob>();
  /** Waiting ids in the order they were queued. */
  readonly waiting: string[] = [];
  readonly #pointers = new Map<string, string>();
  /** By store: the leases it remembers, by job. */
  readonly #leases = new Map<number, Map<string, number>>();
  #clock = 0;

  /** A number that grows: leases and instants are told apart by it. */
  tick(): number {
    this.#clock += 1;
    return this.#clock;
  }

  save(id: string, job: Pick<ModelJob, 'state' | 'priority' | 'groupId' | 'dedup' | 'pending'>): string {
    const owner = job.dedup === null ? undefined : this.#pointers.get(job.dedup);
    if (owner !== undefined) return owner;
    const old = this.jobs.get(id);
    if (old !== undefined && !isTerminal(old.state)) return id;
    this.jobs.set(id, { ...job, lease: null, ended: 0 });
    if (job.state === 'waiting') this.waiting.push(id);
    if (job.dedup !== null) this.#pointers.set(job.dedup, id);
    return id;
  }

  /** The id of the job the store leases next, or null. */
  fetch(store: number, lifo: boolean): string | null {
    let best: string | null = null;
    for (const id of lifo ? this.waiting.toReversed() : this.waiting) {
      if (best === null || this.#job(id).priority < this.#job(best).priority) best = id;
    }
    if (best === null) return null;
    this.#move(best, 'active');
    const lease = this.tick();
    this.#job(best).lease = lease;
    this.#known(store).set(best, lease);
    return best;
  }

  /** An update that speaks for the holder of the lease: an end, or the way back to waiting. */
  finish(store: number, id: string, to: 'completed' | 'failed' | 'waiting'): Outcome {
    const job = this.jobs.get(id);
    if (job === undefined) return { value: undefined };
    const lease = this.#known(store).get(id);
    if (lease !== undefined && job.lease !== lease) return 'lease lost';
    this.#known(store).delete(id);
    this.#move(id, to);
    if (isTerminal(to)) this.#release(id);
    return { value: undefined };
  }

  /** Whether the lock of a job can be extended by this store. */
  extend(store: number, id: string): boolean {
    const job = this.jobs.get(id);
    const lease = this.#known(store).get(id);
    return job?.state === 'active' && (lease === undefined || lease === job.lease);
  }

  remove(store: number, id: string): void {
    if (this.jobs.has(id)) {
      this.#release(id);
      this.#unqueue(id);
      this.jobs.delete(id);
    }
    this.#known(store).delete(id);
  }

  /** Puts an active job back, whoever holds it: what a sweep does whose lease has run out. */
  requeue(id: string): void {
    this.#move(id, 'waiting');
  }

  retry(from: 'completed' | 'failed'): number {
    const ids = this.#in(from).sort((a, b) => this.#job(a).ended - this.#job(b).ended);
    for (const id of ids) this.#move(id, 'waiting');
    return ids.length;
  }

  /** Removes every job of these states, for all stores. */
  clear(states: readonly JobState[]): number {
    const ids = states.flatMap((state) => this.#in(state));
    for (const id of ids) {
      this.#release(id);
      this.#unqueue(id);
      this.jobs.delete(id);
    }
    return ids.length;
  }

  childCompleted(id: string): JobState {
    const job = this.jobs.get(id);
    if (job === undefined) return 'completed';
    job.pending = Math.max(0, job.pending - 1);
    if (job.pending === 0 && job.state === 'waiting-children') this.#move(id, 'waiting');
    return job.state;
  }

  #job(id: string): ModelJob {
    const job = this.jobs.get(id);
    if (job === undefined) throw new Error(`the model has no job ${id}`);
    return job;
  }

  #in(state: JobState): string[] {
    return [...this.jobs].filter(([, job]) => job.state === state).map(([id]) => id);
  }

  #known(store: number): Map<string, number> {
    const known = this.#leases.get(store) ?? new Map<string, number>();
    this.#leases.set(store, known);
    return known;
  }

  #move(id: string, to: JobState): void {
    const job = this.#job(id);
    if (job.state === to) return;
    const back = isTerminal(job.state) && !isTerminal(to);
    this.#unqueue(id);
    job.state = to;
    job.lease = null;
    if (to === 'waiting') this.waiting.push(id);
    if (isTerminal(to)) job.ended = this.tick();
    if (back && job.dedup !== null && !this.#pointers.has(job.dedup)) this.#pointers.set(job.dedup, id);
  }

  #unqueue(id: string): void {
    const at = this.waiting.indexOf(id);
    if (at >= 0) this.waiting.splice(at, 1);
  }

  #release(id: string): void {
    const { dedup } = this.#job(id);
    if (dedup !== null && this.#pointers.get(dedup) === id) this.#pointers.delete(dedup);
  }
}

function isTerminal(state: JobState): boolean {
  return state === 'completed' || state === 'failed';
}

/**
 * Locks of runs and steps, as `@pikku/redis` takes them: a random token under a key that expires. Ours are renewed while
 * their holder is at work, and those who wait in one process stand in a row, so that only the first of them asks Redis.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { FerrodisError, LeaseLostError } from '../errors.js';
import type { Backend } from './backend.js';

/** How often the original asks in a second: what its message counts. */
const TRY_MS = 100;
/** The first pauses are short: most locks are held for a few milliseconds. */
const FIRST_PAUSE_MS = 10;

/** What those of one process wait for in a row. */
export interface Turn {
  readonly key: string;
  /** What the error says before the number of tries. */
  readonly failure: string;
  /** How long to wait for it, in ms. */
  readonly wait: number;
}

/** A lock to be taken. */
export interface LockRequest<Grant> extends Turn {
  /** One attempt; null: another has it. */
  attempt(token: string): Promise<Grant | null>;
}

/** A lock that is held. */
export interface Hold {
  readonly key: string;
  readonly token: string;
  /** Hears when the lock is lost. */
  onLost(hear: () => void): void;
  /** The lock was given back with another command: there is nothing left to renew. */
  givenBack(): void;
}

/** What the keeper is told and asked. */
export interface LockPolicy {
  /** Time to live in ms. */
  ttl(): number;
  /** Whether the outcome of a body whose lock was lost is rejected. */
  readonly rejectLost: boolean;
  warn(message: string): void;
}

/** See the file's text. */
export class LockKeeper {
  private readonly backend: Backend;
  private readonly policy: LockPolicy;
  private readonly rows = new Map<string, Row>();

  constructor(backend: Backend, policy: LockPolicy) {
    this.backend = backend;
    this.policy = policy;
  }

  /**
   * Runs `body` under a lock. `body` gets what the lock was granted with, and the lock.
   *
   * @throws Error (rejects) `<failure> after <n> retries` when the lock cannot be had in time
   * @throws LeaseLostError (rejects) by option, when the lock was lost while `body` ran
   */
  async within<Grant, T>(request: LockRequest<Grant>, body: (grant: Grant, hold: Hold) => Promise<T>): Promise<T> {
    return this.inTurn(request, async (tries) => {
      const token = randomUUID();
      let grant = await this.attempt(request, token);
      while (grant === null) {
        if (!(await tries.pause())) throw tries.failure(request.failure);
        grant = await this.attempt(request, token);
      }
      return this.hold(request.key, token, grant, body);
    });
  }

  private async attempt<Grant>(request: LockRequest<Grant>, token: string): Promise<Grant | null> {
    try {
      return await request.attempt(token);
    } catch (error) {
      if (error instanceof FerrodisError && error.outcome === 'unknown') {
        // It may be ours without our knowing. Nobody shall have to wait until it lapses.
        this.backend.releaseLock(request.key, token).catch(() => undefined);
      }
      throw error;
    }
  }

  /**
   * Runs `body` once those of this process are through that came for the key before.
   *
   * @throws Error (rejects) `<failure> after <n> retries` when that takes too long
   */
  async inTurn<T>({ key, failure, wait }: Turn, body: (tries: Tries) => Promise<T>): Promise<T> {
    const tries = new Tries(wait);
    const leave = await this.queueUp(key, tries, failure);
    try {
      return await body(tries);
    } finally {
      leave();
    }
  }

  private async hold<Grant, T>(
    key: string,
    token: string,
    grant: Grant,
    body: (grant: Grant, hold: Hold) => Promise<T>,
  ): Promise<T> {
    let isLost = false;
    let isHeld = true;
    let heard = (): void => {};
    const renewal = this.backend.renewLock(key, token, this.policy.ttl(), () => {
      isLost = true;
      this.policy.warn(`[ferrodis] The lock ${key} was lost while its holder was at work`);
      heard();
    });
    try {
      const onLost = (hear: () => void): void => {
        heard = hear;
      };
      const givenBack = (): void => {
        isHeld = false;
        renewal.stop();
      };
      const outcome = await body(grant, { key, token, onLost, givenBack });
      if (isLost && this.policy.rejectLost) throw lost(key);
      return outcome;
    } finally {
      renewal.stop();
      if (isHeld) {
        // The outcome of the body counts. What cannot be given back runs out.
        await this.backend.releaseLock(key, token).catch((error: unknown) => {
          this.policy.warn(`[ferrodis] The lock ${key} was not given back: ${(error as Error).message}`);
        });
      }
    }
  }

  /** Waits until nobody in this process is before us. */
  private async queueUp(key: string, tries: Tries, failure: string): Promise<() => void> {
    const row = this.rows.get(key) ?? new Row();
    this.rows.set(key, row);
    const leave = await row.enter(tries.left());
    if (leave === null) throw tries.failure(failure);
    return () => {
      leave();
      if (row.isEmpty) this.rows.delete(key);
    };
  }
}

/** The attempts to take one lock: the original's number in the original's time, the first ones closer together. */
export class Tries {
  private readonly deadline: number;
  private readonly allowed: number;
  private made = 1;

  constructor(wait: number) {
    this.deadline = performance.now() + wait;
    this.allowed = Math.max(1, Math.round(wait / TRY_MS));
  }

  /** Milliseconds that are left. */
  left(): number {
    return Math.max(0, this.deadline - performance.now());
  }

  /** Waits for the next attempt; false: there is none, and the time is over. */
  async pause(): Promise<boolean> {
    if (this.made >= this.allowed) {
      await delay(this.left());
      return false;
    }
    const even = this.left() / (this.allowed - this.made + 1);
    const early = FIRST_PAUSE_MS * 2 ** (this.made - 1);
    // Those who have waited for the same holder should not come back at the same moment.
    await delay(Math.min(early, even) * (0.75 + Math.random() / 2));
    this.made++;
    return true;
  }

  failure(text: string): Error {
    return new Error(`${text} after ${this.allowed} retries`);
  }
}

/** Those who want one lock in this process, in the order of their coming. */
class Row {
  private readonly waiting: Array<() => void> = [];
  private taken = false;

  get isEmpty(): boolean {
    return !this.taken;
  }

  /** How to leave again, once it is one's turn; null: it was not within `ms`. */
  enter(ms: number): Promise<(() => void) | null> {
    const leave = (): void => {
      const next = this.waiting.shift();
      if (next === undefined) this.taken = false;
      else next();
    };
    if (!this.taken) {
      this.taken = true;
      return Promise.resolve(leave);
    }
    return new Promise((resolve) => {
      const turn = (): void => {
        clearTimeout(timer);
        resolve(leave);
      };
      const timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(turn), 1);
        resolve(null);
      }, ms);
      this.waiting.push(turn);
    });
  }
}

function lost(key: string): LeaseLostError {
  return new LeaseLostError(`the lock ${key} was lost while its holder was at work`, {
    operation: 'pikku.releaseLock',
    outcome: 'unknown',
  });
}

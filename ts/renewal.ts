/** Renewal of locks while their holders are at work, shared by all ecosystems. */
import type { Arg, Decode } from './client.js';
import { operations } from './calls.js';

const { extendLock } = operations('redis') as { extendLock: number };

/** What calls are sent on. */
interface Caller {
  call<T>(operation: number, decode: Decode<T>, ...args: Arg[]): Promise<T>;
}

/** A lock that is held. */
export interface RenewalOptions {
  /** Its key, as it stands in the database. */
  key: string;
  /** What it holds as long as it is ours. */
  owner: string;
  /** Its time to live: a third of it passes between renewals. */
  ttlMs: number;
  /** Called once when the lock is another's, or has not been extended for its time to live. */
  onLost(): void;
}

/** A renewal under way. */
export interface Renewal {
  /** Ends it. Idempotent. */
  stop(): void;
}

/** Extends a lock every third of its time to live until it is stopped. Does not keep the process alive. */
export function renew(connection: Caller, { key, owner, ttlMs, onLost }: RenewalOptions): Renewal {
  const isExtended: Decode<boolean> = (reply) => reply.int() === 1;
  return renewBy(() => connection.call(extendLock, isExtended, key, owner, String(ttlMs)), ttlMs, onLost);
}

/**
 * As {@link renew}, from the event loop by a call of the caller's own.
 *
 * @param extend resolves to false when the lock is no longer ours
 */
export function renewBy(extend: () => Promise<boolean>, ttlMs: number, onLost: () => void): Renewal {
  let held = performance.now();
  const timer = setInterval(async () => {
    const begun = performance.now();
    let isHeld: boolean;
    try {
      isHeld = await extend();
      if (isHeld) held = begun;
    } catch {
      // A failure in between does not matter as long as a later attempt succeeds in time.
      isHeld = performance.now() - held < ttlMs;
    }
    if (isHeld || isStopped) return;
    stop();
    onLost();
  }, ttlMs / 3);
  timer.unref();
  let isStopped = false;
  const stop = (): void => {
    isStopped = true;
    clearInterval(timer);
  };
  return { stop };
}

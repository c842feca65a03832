/**
 * Renewal of locks while their holders are at work, shared by all ecosystems. It happens on the runtime thread, so that a
 * busy event loop keeps its locks; but only while the event loop proves life, so that a process that hangs loses them.
 */
import { ArgumentError, errorFromFields } from './errors.js';
import { native } from './native.js';

/** A lock that is held. */
export interface RenewalOptions {
  /** Its key, as it stands in the database. */
  key: string;
  /** What it holds as long as it is ours. */
  owner: string;
  /** Its time to live in ms, a whole number: a third of it passes between renewals. */
  ttlMs: number;
  /**
   * How long the event loop may be blocked, in ms. Then renewals stop, and the lock lapses within its time to live.
   * Default: the time to live.
   */
  maxSilenceMs?: number;
  /** Called once when the lock is another's, or could not be extended for its time to live. */
  onLost(): void;
}

/** A renewal under way. It does not keep the process alive. */
export interface Renewal {
  /** Ends it: `onLost` is not called any more. Idempotent. */
  stop(): void;
}

/** Whatever can renew locks: a connection, or what serves a client that was brought. */
export interface Renewing {
  renew(options: RenewalOptions): Renewal;
}

/**
 * Extends a lock that was just taken, from now on until it is stopped.
 *
 * @throws ArgumentError naming the option
 */
export function renew(connection: Renewing, options: RenewalOptions): Renewal {
  return connection.renew(options);
}

/** How often the event loop proves life: several times within the silence that is allowed. */
const BEATS = 4;
const MAX_BEAT_MS = 1000;
const MAX_MS = 0xffff_ffff;

let next = 1;

/** The renewals of one native connection. */
export class Renewals {
  private readonly link: number;
  private readonly lost = new Map<number, () => void>();
  private readonly tell: (key: string) => void;

  /** @param tell hears the key of every lock that is lost, before its holder */
  constructor(link: number, tell: (key: string) => void) {
    this.link = link;
    this.tell = tell;
  }

  /** How many locks are being renewed. */
  get size(): number {
    return this.lost.size;
  }

  /** As {@link renew}. */
  begin({ key, owner, ttlMs, maxSilenceMs = ttlMs, onLost }: RenewalOptions): Renewal {
    check('ttlMs', ttlMs);
    check('maxSilenceMs', maxSilenceMs);
    const id = next++;
    const refused = native.renew(this.link, id, key, owner, ttlMs, maxSilenceMs);
    if (refused !== undefined) throw errorFromFields(refused, 'renew');
    const timer = setInterval(native.beat, Math.min(maxSilenceMs / BEATS, MAX_BEAT_MS));
    timer.unref();
    const end = (): boolean => {
      clearInterval(timer);
      return this.lost.delete(id);
    };
    this.lost.set(id, () => {
      if (!end()) return;
      this.tell(key);
      onLost();
    });
    return {
      stop: () => {
        if (end()) native.unrenew(this.link, id);
      },
    };
  }

  /** Native code says that a lock is lost. */
  hear(id: number): void {
    this.lost.get(id)?.();
  }

  /** The connection is closed: nobody renews these any more. */
  end(): void {
    for (const lose of Array.from(this.lost.values())) lose();
  }
}

function check(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1 && value <= MAX_MS) return;
  throw new ArgumentError(`${name}: must be a whole number of milliseconds, at least 1`);
}

/**
 * As {@link renew}, from the event loop by a call of the caller's own: for clients that are driven.
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

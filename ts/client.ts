/** The connection that all ecosystems call through. */
import { guarded, operations as operationsOf, operationName } from './calls.js';
import { serverOf } from './diagnostics.js';
import { ClosedError, ConfigError, errorFromFields, type FerrodisError, TimeoutError } from './errors.js';
import { type Arg, native } from './native.js';
import { type ConnectionOptions, nativeOptions } from './options.js';
import type { Renewal, RenewalOptions } from './renewal.js';
import type { Decode } from './reply.js';
import { type Observer, type Principal, SharedLink, type Subscription } from './shared-link.js';

export type { Arg } from './native.js';
export { type Advice, type Attempt, type Principal, stats } from './shared-link.js';
export { type Decode, InvalidTextError, type Reply, type Value } from './reply.js';

/** Operation numbers of one ecosystem by method name: `operations('conveyor').saveJob`. */
export const operations: (ecosystem: string) => Readonly<Record<string, number>> = operationsOf;

/** A text that as a hash tag puts a key into the cluster slot of this one. */
export const slotTag = (key: string): string => native.slotTag(key);

const { connect } = operations('redis') as { connect: number };

/** What a listener wants to hear. Its callbacks may throw: that is an uncaught exception, and nothing else suffers. */
export interface ListenOptions {
  /** The pub/sub channel. */
  channel: string;
  /** Payloads are judged natively and cross only if `interest` was shown in their queue and another store sent them. */
  filter?: { kind: 'conveyor'; origin: string };
  /** A message. */
  onMessage(payload: string): void;
  /** With the filter: a payload that is no event. */
  onMalformed?(payload: string): void;
  /** Messages between the two instants may be missing: the subscription was down. */
  onGap?(gap: { from: Date; to: Date }): void;
  /** The subscription's connection broke, or an attempt to connect it failed. The next is under way. */
  onFault?(error: FerrodisError): void;
}

/** A subscription. */
export interface Listener {
  /** With the filter: whether events of queue `key` are wanted. */
  interest(key: string, wanted: boolean): void;
  /** Resolves when the server has confirmed the subscription; rejects when it refuses, or the listener is closed first. */
  readonly ready: Promise<void>;
  /** Ends it. Idempotent. */
  close(): Promise<void>;
}

const LIMIT_DEFAULTS = { maxInFlight: 16_384, callTimeout: 10_000, failFast: false };
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * A holder's view of a connection. Holders that open the same target in the same way share sockets; each has its own
 * life, listeners and faults.
 */
export class Connection implements AsyncDisposable {
  /**
   * Called with faults in the background: a lost link, a refused dial; their `operation` is `connect`, or `subscribe`
   * where they concern listeners. Dialling goes on meanwhile.
   */
  onFault: ((error: FerrodisError) => void) | null = null;
  readonly #shared: SharedLink;
  readonly #observer: Observer;
  readonly #listeners = new Set<OpenListener>();
  #staged: Arg[] = [];
  #lastFault: FerrodisError | undefined;
  #closing: Promise<void> | undefined;

  private constructor(link: number, options: ConnectionOptions, principal: Principal | undefined) {
    this.#observer = {
      fault: (error) => {
        this.#lastFault = error;
        this.onFault?.(error);
        if (error.operation !== 'subscribe') return;
        for (const listener of Array.from(this.#listeners)) guarded(() => listener.fault(error));
      },
    };
    this.#shared = SharedLink.join(
      link,
      serverOf(options),
      {
        maxInFlight: options.maxInFlight ?? LIMIT_DEFAULTS.maxInFlight,
        callTimeout: options.callTimeout ?? LIMIT_DEFAULTS.callTimeout,
        failFast: options.failFast ?? LIMIT_DEFAULTS.failFast,
      },
      this.#observer,
      principal,
    );
  }

  /**
   * Opens a connection. No socket is opened before the first call.
   *
   * @param principal who alone uses it; shared with all that open the same target, when absent
   * @throws {ConfigError} naming the option
   */
  static open(options: ConnectionOptions, principal?: Principal): Connection {
    const opened = native.open(nativeOptions(options), principal?.owner ?? 0);
    if (typeof opened !== 'number') throw errorFromFields(opened, 'open');
    return new Connection(opened, options, principal);
  }

  /** What `open` would throw for these options. */
  static check(options: ConnectionOptions): FerrodisError | undefined {
    const wrong = native.check(nativeOptions(options));
    return wrong === undefined ? undefined : errorFromFields(wrong, 'open');
  }

  /** Whether the link is up at this moment. */
  get isOpen(): boolean {
    return this.#closing === undefined && this.#shared.isUp;
  }

  /**
   * Sends one operation. It settles within its deadline, whatever happens.
   *
   * @throws {FerrodisError} (rejects)
   */
  call<T>(operation: number, decode: Decode<T>, ...args: Arg[]): Promise<T> {
    const staged = this.#staged;
    if (staged.length > 0) this.#staged = [];
    if (this.#closing !== undefined) {
      return Promise.reject(new ClosedError('the connection was closed', { operation: operationName(operation) }));
    }
    return this.#shared.call(operation, decode, args, staged);
  }

  /** Adds arguments that follow those of the next call, for lists too long for a call. */
  stage(...args: Arg[]): void {
    for (const arg of args) this.#staged.push(arg);
  }

  /**
   * Waits for a connection that answers.
   *
   * @param timeoutMs how long; for ever when absent
   * @throws {FerrodisError} (rejects) refused credentials, a wrong option, {@link close}, or {@link TimeoutError}
   */
  async ready(timeoutMs?: number): Promise<void> {
    const answered = this.call(connect, (reply) => reply.skip());
    if (timeoutMs === undefined) return answered;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const cause = this.#lastFault;
        const reason = cause === undefined ? '' : `: ${cause.message}`;
        const fields = { operation: 'connect', retryable: true, cause };
        reject(new TimeoutError(`no connection within ${timeoutMs} ms${reason}`, fields));
      }, timeoutMs);
    });
    try {
      await Promise.race([answered, late]);
    } finally {
      clearTimeout(timer);
      answered.catch(() => undefined);
    }
  }

  /**
   * Subscribes to a channel, on the one subscriber connection of this target.
   *
   * @throws {ClosedError}
   */
  listen(options: ListenOptions): Listener {
    if (this.#closing !== undefined) throw new ClosedError('the connection was closed', { operation: 'subscribe' });
    const listener = new OpenListener(this.#shared, options, () => this.#listeners.delete(listener));
    this.#listeners.add(listener);
    return listener;
  }

  /**
   * Keeps a lock alive while its holder is at work; see {@link Renewing}.
   *
   * @throws {ClosedError}
   */
  renew(options: RenewalOptions): Renewal {
    if (this.#closing !== undefined) throw new ClosedError('the connection was closed', { operation: 'renew' });
    return this.#shared.renewals.begin(options);
  }

  /**
   * Gives the connection back: listeners end, and the last holder's leaving closes the sockets. Idempotent.
   *
   * @param options `timeoutMs`: how long pending calls may still take before they are rejected; 5000 by default.
   *   `reason`: what they and the listeners are rejected with; a {@link ClosedError} by default
   */
  close(options: { timeoutMs?: number; reason?: Error } = {}): Promise<void> {
    if (this.#closing === undefined) {
      for (const listener of Array.from(this.#listeners)) listener.end(options.reason);
      this.#closing = this.#shared.leave(this.#observer, options.timeoutMs ?? CLOSE_TIMEOUT_MS, options.reason);
    }
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

class OpenListener implements Listener, Subscription {
  readonly channel: string;
  readonly ready: Promise<void>;
  readonly #shared: SharedLink;
  readonly #options: ListenOptions;
  readonly #id: number;
  readonly #onEnd: () => void;
  #settle!: { resolve: () => void; reject: (error: Error) => void };

  constructor(shared: SharedLink, options: ListenOptions, onEnd: () => void) {
    if (typeof options.channel !== 'string') throw new ConfigError('channel: must be a string');
    this.channel = options.channel;
    this.#shared = shared;
    this.#options = options;
    this.#onEnd = onEnd;
    this.ready = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.ready.catch(() => undefined);
    this.#id = shared.subscribe(this, options.filter?.origin);
  }

  message(payload: string): void {
    this.#options.onMessage(payload);
  }

  malformed(payload: string): void {
    this.#options.onMalformed?.(payload);
  }

  gap(from: Date, to: Date): void {
    this.#options.onGap?.({ from, to });
  }

  fault(error: FerrodisError): void {
    this.#options.onFault?.(error);
  }

  /** @internal */
  onReady(): void {
    this.#settle.resolve();
  }

  refused(error: FerrodisError): void {
    this.#settle.reject(error);
  }

  interest(key: string, wanted: boolean): void {
    this.#shared.interest(this.#id, key, wanted);
  }

  end(reason?: Error): void {
    this.#shared.unsubscribe(this.#id);
    this.#settle.reject(reason ?? new ClosedError('the listener was closed', { operation: 'subscribe' }));
    this.#onEnd();
  }

  async close(): Promise<void> {
    this.end();
  }
}

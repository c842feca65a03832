/** One native connection, shared by all that opened the same target: room, waiting calls, listeners, events. */
import { type Owner, operationName, readError, register, submit, unregister } from './calls.js';
import {
  closedChannel,
  type ConnectionStats,
  errorChannel,
  isTraced,
  lockLostChannel,
  operationChannel,
  readyChannel,
  type Stats,
} from './diagnostics.js';
import {
  BackpressureError,
  ClosedError,
  ConnectionError,
  errorFromFields,
  type FerrodisError,
  TimeoutError,
} from './errors.js';
import { type Arg, native } from './native.js';
import { Renewals } from './renewal.js';
import type { Decode, Reply } from './reply.js';

/** What a holder of the connection wants to hear. */
export interface Observer {
  /** A fault in the background: the link was lost, or dialling failed. */
  fault(error: FerrodisError): void;
}

/** Who alone uses a connection. */
export interface Principal {
  /** Numbers owners: connections of different owners are never shared. From 1. */
  readonly owner: number;
  /** The error of a call in the principal's own words. Runs while replies are read: it may call nothing of ours. */
  refusal(error: FerrodisError): Error;
  /** Asked before each attempt to connect, which waits for the answer. Undefined: the connection is given up, no attempt. */
  advise(attempt: Attempt): Advice | undefined | PromiseLike<Advice | undefined>;
}

/** An attempt to connect that is about to be made. */
export interface Attempt {
  /** What the connection is for: calls, or the events of listeners. */
  readonly purpose: 'calls' | 'events';
  /** 0 for the very first; from 1 on after a lost connection, counting the failures since. */
  readonly number: number;
}

/** How to go about it. */
export interface Advice {
  /** ms to wait before; as usual when absent. */
  readonly pause?: number | undefined;
  /** As whom to log in; as the options say when absent. */
  readonly credentials?: { readonly username: string | undefined; readonly password: string | undefined };
}

/** One subscription of one holder. Called with foreign code allowed. */
export interface Subscription {
  readonly channel: string;
  message(payload: string): void;
  malformed(payload: string): void;
  gap(from: Date, to: Date): void;
  onReady(): void;
  refused(error: FerrodisError): void;
}

/** A call that waits for room. */
interface Waiting {
  readonly since: number;
  readonly begin: () => void;
  readonly reject: (error: Error) => void;
  readonly operation: number;
}

/** Limits of the connection, as its options gave them. */
export interface Room {
  readonly maxInFlight: number;
  readonly callTimeout: number;
  readonly failFast: boolean;
}

/** Calls that may wait for room. They hold their arguments, so there must be an end to it. */
const MAX_WAITING = 100_000;
const CHUNK = 60;

const links = new Map<number, SharedLink>();
let nextListener = 1;

/** See the file's text. */
export class SharedLink implements Owner {
  readonly link: number;
  /** The server as the options of the first holder name it. */
  private readonly server: string;
  private readonly room: Room;
  private readonly principal: Principal | undefined;
  private readonly observers = new Set<Observer>();
  private readonly subscriptions = new Map<number, Subscription>();
  /** The locks that are renewed on this connection. */
  readonly renewals: Renewals;
  private inFlight = 0;
  private begun = 0;
  private failures = 0;
  private connects = 0;
  private full = false;
  private up = false;
  private down = false;
  private waiting: Waiting[] = [];
  private drained: Array<() => void> = [];
  /** Why it was closed, if there is more to say than that. */
  private reason: Error | undefined;
  private readonly onFull = (): void => {
    this.full = true;
  };

  private constructor(link: number, server: string, room: Room, principal: Principal | undefined) {
    this.link = link;
    this.server = server;
    this.renewals = new Renewals(link, (key) => lockLostChannel.publish({ server, key }));
    this.room = room;
    this.principal = principal;
    register(this);
  }

  /** The connection of this number, for one more holder. */
  static join(
    link: number,
    server: string,
    room: Room,
    observer: Observer,
    principal: Principal | undefined,
  ): SharedLink {
    let shared = links.get(link);
    if (shared === undefined) {
      shared = new SharedLink(link, server, room, principal);
      links.set(link, shared);
    }
    shared.observers.add(observer);
    return shared;
  }

  /** Whether the link is up right now. */
  get isUp(): boolean {
    return this.up;
  }

  /** What {@link stats} tells of it. */
  get stats(): ConnectionStats {
    return {
      server: this.server,
      isOpen: this.up,
      connects: this.connects,
      holders: this.observers.size,
      calls: this.begun,
      failures: this.failures,
      pending: this.inFlight,
      waiting: this.waiting.length,
      subscriptions: this.subscriptions.size,
      locks: this.renewals.size,
    };
  }

  /** Begins a call, or has it wait for room. */
  call<T>(operation: number, decode: Decode<T>, args: readonly Arg[], staged: readonly Arg[]): Promise<T> {
    if (!isTraced()) return this.admit(operation, decode, args, staged);
    const trace = { operation: operationName(operation), server: this.server };
    return operationChannel.tracePromise(() => this.admit(operation, decode, args, staged), trace);
  }

  private admit<T>(operation: number, decode: Decode<T>, args: readonly Arg[], staged: readonly Arg[]): Promise<T> {
    const { room } = this;
    if (this.inFlight < room.maxInFlight && !this.full && this.waiting.length === 0 && !(room.failFast && this.down)) {
      return this.begin(operation, decode, args, staged);
    }
    const context = { operation: operationName(operation), retryable: true };
    if (room.failFast) {
      const error = this.down
        ? new ConnectionError('there is no connection to the server, and failFast is on', context)
        : new BackpressureError('too many calls are pending, and failFast is on', context);
      return Promise.reject(this.refusal(error));
    }
    if (this.waiting.length >= MAX_WAITING) {
      const error = new BackpressureError(`more than ${MAX_WAITING} calls wait for room`, context);
      return Promise.reject(this.refusal(error));
    }
    return new Promise((resolve, reject) => {
      const begin = (): void => resolve(this.begin(operation, decode, args, staged));
      this.waiting.push({ since: performance.now(), begin, reject, operation });
    });
  }

  private begin<T>(operation: number, decode: Decode<T>, args: readonly Arg[], staged: readonly Arg[]): Promise<T> {
    this.inFlight++;
    this.begun++;
    for (let i = 0; i < staged.length; i += CHUNK) native.stage(...staged.slice(i, i + CHUNK));
    return submit(this, operation, decode, args, this.onFull);
  }

  refusal(error: FerrodisError): Error {
    this.failures++;
    if (this.reason !== undefined && error instanceof ClosedError) return this.reason;
    return this.principal === undefined ? error : this.principal.refusal(error);
  }

  settled(): boolean {
    this.inFlight--;
    this.full = false;
    return this.waiting.length > 0 || (this.inFlight === 0 && this.drained.length > 0);
  }

  afterBatch(): void {
    let begun = 0;
    while (begun < this.waiting.length && this.inFlight < this.room.maxInFlight && !this.full) {
      const next = this.waiting[begun++] as Waiting;
      if (performance.now() - next.since < this.room.callTimeout) next.begin();
      else next.reject(this.refusal(tooLong(next)));
    }
    this.waiting.splice(0, begun);
    if (this.inFlight === 0) for (const resolve of this.drained.splice(0)) resolve();
  }

  event(name: string, reply: Reply, length: number): (() => void) | undefined {
    switch (name) {
      case 'up':
        this.up = true;
        this.down = false;
        this.connects++;
        return () => readyChannel.publish({ server: this.server });
      case 'down': {
        const wasUp = this.up;
        this.up = false;
        this.down = true;
        const tell = this.fault(reply, 'connect');
        return () => {
          if (wasUp) closedChannel.publish({ server: this.server });
          tell();
        };
      }
      case 'silent':
        return this.fault(reply, 'subscribe');
      case 'dial': {
        const question = reply.int();
        const purpose = reply.int() === 1 ? 'events' : 'calls';
        const attempt: Attempt = { purpose, number: reply.int() };
        return () => void this.advise(question, attempt);
      }
      case 'lost': {
        const lock = reply.int();
        return () => this.renewals.hear(lock);
      }
      case 'message':
      case 'malformed': {
        // Anybody may publish anything: what is no text is heard as the libraries hear it.
        const payload = reply.lossyText() as string;
        const first = reply.int();
        // Nearly always there is one, and messages come in great numbers.
        if (length === 2) return () => this.subscriptions.get(first)?.[name](payload);
        const listeners = [first, ...Array.from({ length: length - 2 }, () => reply.int())];
        return () => {
          for (const id of listeners) this.subscriptions.get(id)?.[name](payload);
        };
      }
      default: {
        const channel = reply.text();
        const concerned = [...this.subscriptions.values()].filter((each) => each.channel === channel);
        if (name === 'gap') {
          const [from, to] = [new Date(reply.int()), new Date(reply.int())];
          return () => concerned.forEach((each) => each.gap(from, to));
        }
        if (name === 'ready') return () => concerned.forEach((each) => each.onReady());
        const error = readError(reply, 'subscribe');
        return () => concerned.forEach((each) => each.refused(error));
      }
    }
  }

  private async advise(question: number, attempt: Attempt): Promise<void> {
    const advice = await this.principal?.advise(attempt);
    if (advice === undefined) return;
    const { pause, credentials } = advice;
    if (credentials === undefined) native.advise(question, pause, 0);
    else native.advise(question, pause, 1, credentials.username, credentials.password);
  }

  private fault(reply: Reply, operation: string): () => void {
    const error = readError(reply, operation);
    return () => {
      errorChannel.publish({ server: this.server, error });
      for (const observer of Array.from(this.observers)) observer.fault(error);
    };
  }

  /** Adds a subscription; `origin` asks for the conveyor filter. Returns its number. */
  subscribe(subscription: Subscription, origin: string | undefined): number {
    const id = nextListener++;
    this.subscriptions.set(id, subscription);
    const refused = native.listen(this.link, id, subscription.channel, origin);
    if (refused !== undefined) {
      this.subscriptions.delete(id);
      throw errorFromFields(refused, 'subscribe');
    }
    return id;
  }

  /** Whether the conveyor filter lets events of `key` through. */
  interest(id: number, key: string, wanted: boolean): void {
    native.interest(this.link, id, key, wanted ? 1 : 0);
  }

  /** Takes a subscription away. */
  unsubscribe(id: number): void {
    if (this.subscriptions.delete(id)) native.unlisten(this.link, id);
  }

  /**
   * One holder less. The last one waits for pending calls up to `timeoutMs`, then closes the sockets; what is still pending
   * is told the reason.
   */
  async leave(observer: Observer, timeoutMs: number, reason: Error | undefined): Promise<void> {
    this.observers.delete(observer);
    if (this.observers.size > 0) return;
    this.reason = reason;
    if (this.inFlight > 0 || this.waiting.length > 0) await this.drain(timeoutMs);
    if (this.observers.size > 0 || links.get(this.link) !== this) return;
    links.delete(this.link);
    for (const each of this.waiting.splice(0)) {
      each.reject(this.refusal(new ClosedError('the connection was closed')));
    }
    native.close(this.link);
    if (this.up) closedChannel.publish({ server: this.server });
    this.up = false;
    this.renewals.end();
    if (this.inFlight > 0) await this.drain(timeoutMs);
    unregister(this);
  }

  private drain(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.drained.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

/** Counts and states of all native connections of this thread, also of those that stand in for clients of the user's. */
export function stats(): Stats {
  return { connections: Array.from(links.values(), (shared) => shared.stats) };
}

function tooLong(waiting: Waiting): FerrodisError {
  const operation = operationName(waiting.operation);
  return new TimeoutError('the call waited for room until its deadline', { operation, retryable: true });
}

/**
 * What monitoring may watch: channels of `node:diagnostics_channel`, and a snapshot of the connections.
 *
 * Nothing is built, timed or counted for a channel that nobody listens to. Payloads name operations and servers, never
 * arguments, keys of users' data, or secrets.
 */
import { channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel';
import type { FerrodisError } from './errors.js';
import type { ConnectionOptions, ServerAddress } from './options.js';

/** The names of the channels. `operation` is that of a `TracingChannel`, the others of plain ones. */
export const CHANNELS = {
  /** Every call: `start`, `end`, `asyncStart`, `asyncEnd`, `error`, with an {@link OperationTrace}. */
  operation: 'ferrodis:operation',
  /** A connection can be used: {@link ConnectionNotice}. */
  ready: 'ferrodis:connection:ready',
  /** A connection that could be used was lost, or given up: {@link ConnectionNotice}. */
  closed: 'ferrodis:connection:closed',
  /** A fault in the background, as a refused attempt to connect: {@link FaultNotice}. */
  error: 'ferrodis:error',
  /** A lock that was being renewed is no longer ours: {@link LockNotice}. */
  lockLost: 'ferrodis:lock:lost',
} as const;

/** Where something happened. */
export interface ConnectionNotice {
  /** The server as the options name it, without user and password: `redis://host:6379/0`, `host:6379` or a path. */
  readonly server: string;
}

/** A call. `result` or `error` is added when it is over, as every `TracingChannel` does. */
export interface OperationTrace extends ConnectionNotice {
  /** The operation, as `conveyor.saveJob`. */
  readonly operation: string;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** A fault. */
export interface FaultNotice extends ConnectionNotice {
  readonly error: FerrodisError;
}

/** A lock. */
export interface LockNotice extends ConnectionNotice {
  /** Its key in the database. */
  readonly key: string;
}

/** One native connection. All counts begin with its opening. */
export interface ConnectionStats {
  /** As {@link ConnectionNotice.server}. */
  readonly server: string;
  /** Whether it can be used at this moment. */
  readonly isOpen: boolean;
  /** How often it became usable: one more than the reconnections. */
  readonly connects: number;
  /** How many hold it: stores, services, adapters. */
  readonly holders: number;
  /** Calls begun. */
  readonly calls: number;
  /** Calls rejected, also those that were never begun for want of room. */
  readonly failures: number;
  /** Calls begun and not over. */
  readonly pending: number;
  /** Calls that wait for room. */
  readonly waiting: number;
  /** Listeners of pub/sub channels. */
  readonly subscriptions: number;
  /** Locks that are being renewed. */
  readonly locks: number;
}

/** A snapshot of this thread's connections. */
export interface Stats {
  readonly connections: readonly ConnectionStats[];
}

/** A plain channel of one kind of notice. */
export interface Notices<Notice> {
  publish(notice: Notice): void;
}

/** What publishes; for the layers below. */
export const operationChannel: TracingChannel<unknown, OperationTrace> = tracingChannel(CHANNELS.operation);
export const readyChannel: Notices<ConnectionNotice> = channel(CHANNELS.ready);
export const closedChannel: Notices<ConnectionNotice> = channel(CHANNELS.closed);
export const errorChannel: Notices<FaultNotice> = channel(CHANNELS.error);
export const lockLostChannel: Notices<LockNotice> = channel(CHANNELS.lockLost);

const { start, end, asyncStart, asyncEnd, error } = operationChannel;

/** Whether anybody listens to {@link operationChannel}. Bun's channel cannot say so itself. */
export function isTraced(): boolean {
  return (
    start.hasSubscribers ||
    end.hasSubscribers ||
    asyncStart.hasSubscribers ||
    asyncEnd.hasSubscribers ||
    error.hasSubscribers
  );
}

/** The server that options name, without anything secret. */
export function serverOf({ url, host, port, path, sentinels, sentinelName, cluster }: ConnectionOptions): string {
  if (cluster !== undefined) return `cluster of ${cluster.map((each) => place(each, 6379)).join(', ')}`;
  if (sentinels !== undefined) return `${sentinelName} of ${sentinels.map((each) => place(each, 26_379)).join(', ')}`;
  if (url !== undefined) return url.replace(/\/\/.*@/s, '//').replace(/[?#].*/s, '');
  return path ?? place({ host, port }, 6379);
}

function place({ host = 'localhost', port }: ServerAddress, usual: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port ?? usual}`;
}

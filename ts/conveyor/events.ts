/** Subscribers of one store instance: delivery in this process, and what crosses Redis. */

import type { Listener } from '../client.js';
import type { Logger, StoreEvent, StoreEventCallback, StoreEventType } from './types.js';

/** An event on the wire. `timestamp` is in epoch milliseconds; `originId` names the store instance that published it. */
interface WireEvent {
  type: StoreEventType;
  queueName: string;
  jobId?: string;
  data?: unknown;
  timestamp: number;
  originId?: string;
}

/** Gives events to the callbacks of their queue, in order of registration. */
export class EventHub {
  /** Callbacks by queue name. */
  readonly subscribers: Map<string, Set<StoreEventCallback>> = new Map();
  private readonly originId: string;
  private readonly logger: Logger;
  private readonly onHandlerError: ((error: unknown) => void) | undefined;
  private listener: Listener | null = null;

  /**
   * @param originId marks what this instance publishes, so that it does not hear itself through Redis
   * @param onHandlerError is told what a callback threw; without it, the logger is
   */
  constructor(originId: string, logger: Logger, onHandlerError?: (error: unknown) => void) {
    this.originId = originId;
    this.logger = logger;
    this.onHandlerError = onHandlerError;
  }

  /** Connects the hub to the channel; null disconnects it. Only events of queues with a callback are asked for. */
  attach(listener: Listener | null): void {
    this.listener = listener;
    if (listener === null) return;
    for (const queueName of this.subscribers.keys()) listener.interest(queueName, true);
  }

  /** Registers a callback; twice the same for one queue counts once. */
  subscribe(queueName: string, callback: StoreEventCallback): void {
    const callbacks = this.subscribers.get(queueName);
    if (callbacks !== undefined) {
      callbacks.add(callback);
      return;
    }
    this.subscribers.set(queueName, new Set([callback]));
    this.listener?.interest(queueName, true);
  }

  /** Removes a callback, or all of a queue. */
  unsubscribe(queueName: string, callback?: StoreEventCallback): void {
    const callbacks = this.subscribers.get(queueName);
    if (callbacks === undefined) return;
    if (callback === undefined) callbacks.clear();
    else callbacks.delete(callback);
    if (callbacks.size > 0) return;
    this.subscribers.delete(queueName);
    this.listener?.interest(queueName, false);
  }

  /** Removes every callback. */
  clear(): void {
    for (const queueName of this.subscribers.keys()) this.unsubscribe(queueName);
  }

  /** Calls the callbacks of the event's queue, one after the other, now. What one throws does not stop the rest. */
  dispatch(event: StoreEvent): void {
    const callbacks = this.subscribers.get(event.queueName);
    if (callbacks === undefined) return;
    for (const callback of callbacks) {
      try {
        callback(event);
      } catch (error) {
        this.report(error);
      }
    }
  }

  /** An event as it goes over the channel. @throws TypeError when its data or timestamp has no encoding. */
  encode(event: StoreEvent): string {
    return JSON.stringify({
      type: event.type,
      queueName: event.queueName,
      jobId: event.jobId,
      data: event.data,
      timestamp: event.timestamp.getTime(),
      originId: this.originId,
    });
  }

  /** Takes a message off the channel. Anybody can write there, so nothing in it is taken for granted. */
  receive(payload: string): void {
    let parsed: unknown;
    try {
      parsed = JSON.parse(payload);
    } catch (error) {
      this.logger.warn('[Conveyor] Received malformed Redis event payload:', error);
      return;
    }
    if (!isWireEvent(parsed)) {
      this.logger.warn('[Conveyor] Dropping Redis event with invalid shape (missing queueName or timestamp):', parsed);
      return;
    }
    if (parsed.originId === this.originId) return;
    this.dispatch({
      type: parsed.type,
      queueName: parsed.queueName,
      jobId: parsed.jobId,
      data: parsed.data,
      timestamp: new Date(parsed.timestamp),
    });
  }

  private report(error: unknown): void {
    if (this.onHandlerError === undefined) {
      this.logger.warn('[Conveyor] Subscriber callback threw:', error);
      return;
    }
    try {
      this.onHandlerError(error);
    } catch (nested) {
      this.logger.warn('[Conveyor] onEventHandlerError threw:', nested);
    }
  }
}

function isWireEvent(parsed: unknown): parsed is WireEvent {
  if (typeof parsed !== 'object' || parsed === null) return false;
  const { queueName, timestamp } = parsed as Partial<WireEvent>;
  return typeof queueName === 'string' && Number.isFinite(timestamp);
}

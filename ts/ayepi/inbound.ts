/** Where a broker's messages come from: the native subscriber of a client, or the client's own second connection. */
import { bring, type Brought } from '../brought/index.js';
import type { Listener } from '../client.js';
import { ClosedError } from '../errors.js';
import { argument } from '../text.js';
import type { RedisBrokerOptions, RedisLike } from './types.js';

/** See the file's text. */
export interface Inbound {
  /** Delivers messages from now on, and errors. Called once. */
  wire(dispatch: (message: string) => void): void;
}

/** Opens the inbound side of a broker: on `options.subscriber`, or on a connection of its own. */
export function inboundOf(
  user: string,
  client: RedisLike,
  outbound: Brought,
  channel: string,
  options: RedisBrokerOptions,
): Inbound {
  const { onError } = options;
  const given = (options.subscriber as RedisLike | null | undefined) ?? undefined;
  const brought = given === undefined ? outbound : bring(user, given);
  if (brought.driven) return new DrivenInbound(client, given ?? client.duplicate(), channel, onError);
  return new NativeInbound(brought, given === undefined ? [client] : [given, client], channel, onError);
}

/** The calls of `@ayepi/redis`, in their order. */
class DrivenInbound implements Inbound {
  private readonly client: RedisLike;
  private readonly subscriber: RedisLike;
  private readonly channel: string;
  private readonly onError: ((error: unknown) => void) | undefined;

  constructor(
    client: RedisLike,
    subscriber: RedisLike,
    channel: string,
    onError: ((error: unknown) => void) | undefined,
  ) {
    this.client = client;
    this.subscriber = subscriber;
    this.channel = channel;
    this.onError = onError;
  }

  wire(dispatch: (message: string) => void): void {
    const { client, subscriber, channel, onError } = this;
    subscriber.on('message', (from, message) => {
      if (from === channel) dispatch(message);
    });
    if (onError !== undefined) {
      subscriber.on('error', onError);
      client.on('error', onError);
    }
    void Promise.resolve()
      .then(() => subscriber.subscribe(channel))
      .catch((error: unknown) => onError?.(error));
  }
}

/** Listens natively. Before it is wired, what arrives is dropped: nobody has subscribed. */
class NativeInbound implements Inbound {
  private readonly brought: Brought;
  private readonly clients: readonly RedisLike[];
  private readonly channel: string;
  private readonly onError: ((error: unknown) => void) | undefined;
  private listener: Listener | undefined;
  private dispatch: ((message: string) => void) | undefined;

  constructor(
    brought: Brought,
    clients: readonly RedisLike[],
    channel: string,
    onError: ((error: unknown) => void) | undefined,
  ) {
    this.brought = brought;
    this.clients = clients;
    this.channel = argument(channel);
    this.onError = onError;
    if (isUnderWay(brought.client)) this.listener = this.listen();
  }

  wire(dispatch: (message: string) => void): void {
    this.dispatch = dispatch;
    const { onError } = this;
    if (onError !== undefined) for (const client of this.clients) client.on('error', onError);
    try {
      this.listener ??= this.listen();
      this.listener.ready.catch((error: unknown) => this.report(error));
    } catch (error) {
      void Promise.resolve().then(() => this.report(error));
    }
  }

  private listen(): Listener {
    return this.brought.listen({
      channel: this.channel,
      onMessage: (message) => this.dispatch?.(message),
      onFault: (error) => {
        if (this.dispatch !== undefined) this.onError?.(error);
      },
    });
  }

  private report(error: unknown): void {
    this.onError?.(error instanceof ClosedError ? new Error('Connection is closed.') : error);
  }
}

/** Whether a client has begun to connect: one that waits for its first use must not be forestalled. */
function isUnderWay(client: object): boolean {
  const { status, isOpen } = client as { status?: unknown; isOpen?: unknown };
  return typeof status === 'string' ? status !== 'wait' && status !== 'end' : isOpen === true;
}

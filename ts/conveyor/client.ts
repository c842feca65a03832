/** A client brought to the store: adopted at connect, watched while in use, given back untouched. */

import { deriveOptions, endedText, endEvent } from '../brought/derive.js';
import { isClientOpen, isClusterClient, recogniseClient } from '../brought/recognise.js';
import { ClosedError } from '../errors.js';
import type { ConnectionOptions } from '../options.js';
import { lifecycleErrors } from './errors.js';
import type { Logger } from './types.js';

/**
 * The native connection that says the same as a brought client.
 *
 * @throws Error when the client is not open, UnsupportedClientError when it cannot be carried over
 */
export async function targetOf(client: object): Promise<ConnectionOptions> {
  const canTell = recogniseClient(client).endsWith(' client') || isClusterClient(client);
  const claimsClosed = (client as { isOpen?: unknown }).isOpen === false;
  if (claimsClosed || (canTell && !isClientOpen(client))) throw lifecycleErrors.clientNotOpen();
  return deriveOptions('RedisStore', client);
}

/** The part of a client that is used while connected: never more than listening. */
interface BroughtEmitter {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** A brought client while a store is connected through it: it has one `error` and one `end` listener of ours. */
export class BroughtClient {
  private readonly client: BroughtEmitter;
  private readonly endEvent: string;
  private readonly onError: (error: unknown) => void;
  private readonly onEnd: () => void;

  /** @param ended is told when the client ends: what hangs on it has to end too */
  constructor(client: object, logger: Logger, ended: (why: Error) => void) {
    this.client = client as BroughtEmitter;
    this.endEvent = endEvent(client);
    this.onError = (error) => logger.warn('[Conveyor] Redis client error:', error);
    this.onEnd = () => ended(new ClosedError(endedText(client), { operation: 'conveyor.client' }));
    this.client.on('error', this.onError);
    this.client.on(this.endEvent, this.onEnd);
  }

  /** Takes our listeners off. The client stays open: it is the user's. */
  release(): void {
    this.client.off('error', this.onError);
    this.client.off(this.endEvent, this.onEnd);
  }
}

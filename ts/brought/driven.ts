/** A client that is driven: a mock, a spy, or a client that no native connection can stand in for. */
import type { Renewal, RenewalOptions } from '../renewal.js';
import type { Arg, Decode, Listener, ListenOptions } from '../client.js';
import { UnsupportedError } from '../errors.js';
import type { Brought } from './brought.js';

/** Has no native side: whoever asks for one has not looked at `driven`. */
export class DrivenClient implements Brought {
  readonly driven = true;
  readonly keyPrefix = '';
  readonly client: object;

  constructor(client: object) {
    this.client = client;
  }

  call<T>(_operation: number, _decode: Decode<T>, ..._args: Arg[]): Promise<T> {
    return Promise.reject(noNativeSide());
  }

  stage(..._args: Arg[]): void {
    throw noNativeSide();
  }

  listen(_options: ListenOptions): Listener {
    throw noNativeSide();
  }

  renew(_options: RenewalOptions): Renewal {
    throw noNativeSide();
  }

  either<T>(_method: string, _native: () => Promise<T>, driven: () => Promise<T>): Promise<T> {
    return driven();
  }
}

function noNativeSide(): UnsupportedError {
  return new UnsupportedError('this client is driven: it has no native connection');
}

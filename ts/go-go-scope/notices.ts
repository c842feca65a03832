/** Changes of circuits, as they are published by adapters with `circuitEvents`. */
import { type Brought, bring } from '../brought/index.js';
import { UnsupportedError } from '../errors.js';
import { parsed } from './json.js';
import type { CircuitBreakerPersistedState, RedisClient } from './types.js';

/** See the file's text. Channels have the names of the circuits' keys, without what the client puts before keys. */
export class Notices {
  private readonly brought: Brought;

  constructor(user: string, client: RedisClient) {
    this.brought = bring(user, client);
    if (this.brought.driven) {
      throw new UnsupportedError(`${user}: \`circuitEvents\` needs a client that native code can stand in for`);
    }
  }

  /** Calls `callback` with every state that is published from now on. Returns the end of it. */
  subscribe(channel: string, callback: (state: CircuitBreakerPersistedState) => void): () => void {
    const listener = this.brought.listen({
      channel,
      onMessage: (message) => {
        const state = parsed<CircuitBreakerPersistedState>(message);
        if (state !== undefined) callback(state);
      },
    });
    return () => void listener.close();
  }
}

/** An ioredis client and its native connection. */
import type { Connection } from '../client.js';
import type { ConnectionOptions } from '../options.js';
import { DerivedClient } from './derived.js';
import { number } from './foreign.js';
import { fromIoredis, ioredisDatabase, ioredisKeyPrefix, type IoredisClient } from './ioredis.js';
import { spoken } from './words.js';

const OFFLINE = "Stream isn't writeable and enableOfflineQueue options is false";

/** See the file's text. */
export class DerivedIoredis extends DerivedClient<IoredisClient> {
  constructor(client: IoredisClient) {
    const { enableOfflineQueue, commandTimeout } = client.options;
    const words = {
      closed: 'Connection is closed.',
      offline: enableOfflineQueue === false ? OFFLINE : undefined,
      late: number(commandTimeout) === undefined ? undefined : 'Command timed out',
    };
    super(client, ioredisKeyPrefix(client), words, true);
  }

  protected current(): Connection | Error {
    const { client } = this;
    const { status } = client;
    const database = client.condition?.select ?? ioredisDatabase(client);
    if (status === 'ready') {
      return this.connection !== undefined && database === this.database ? this.connection : this.enter(database);
    }
    // `end` is told on a later tick than it is true.
    if (status === 'end') return this.closed();
    if (this.words.offline !== undefined) return spoken(this.words.offline);
    // Its first command would have connected it, and users watch it do so. Where that fails it says so itself.
    if (status === 'wait') client.connect().catch(() => undefined);
    return this.enter(database);
  }

  protected hasEnded(): boolean {
    return this.client.status === 'end';
  }

  protected derive(): ConnectionOptions {
    return fromIoredis(this.client);
  }
}

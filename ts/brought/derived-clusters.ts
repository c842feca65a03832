/** The clients of clusters, and the native connection that stands in for each. */
import type { Advice, Connection } from '../client.js';
import type { ConnectionOptions } from '../options.js';
import { DerivedClient } from './derived.js';
import {
  fromIoredisCluster,
  hasCommandTimeout,
  type IoredisCluster,
  ioredisClusterCredentials,
  ioredisClusterKeyPrefix,
} from './ioredis-cluster.js';
import {
  fromNodeRedisCluster,
  nodeRedisClusterCredentials,
  nodeRedisClusterKeyPrefix,
  nodeRedisClusterTimeout,
  type NodeRedisCluster,
} from './node-redis-cluster.js';
import { spoken } from './words.js';

/** The one database that a cluster has. */
const DATABASE = 0;

/** An ioredis Cluster. Its own strategies decide when it ends, and its connection ends with it. */
export class DerivedIoredisCluster extends DerivedClient<IoredisCluster> {
  constructor(client: IoredisCluster) {
    const words = {
      closed: 'Connection is closed.',
      offline:
        client.options.enableOfflineQueue === false
          ? "Cluster isn't ready and enableOfflineQueue options is false"
          : undefined,
      late: hasCommandTimeout(client) ? 'Command timed out' : undefined,
    };
    super(client, ioredisClusterKeyPrefix(client), words, true);
  }

  protected current(): Connection | Error {
    const { client } = this;
    if (this.hasEnded()) return this.closed();
    if (client.status !== 'ready' && this.words.offline !== undefined) return spoken(this.words.offline);
    // Its first command would have connected it. Where that fails it says so itself.
    if (client.status === 'wait') client.connect().catch(() => undefined);
    return this.connection ?? this.enter(DATABASE);
  }

  protected hasEnded(): boolean {
    return this.client.status === 'end' || this.client.manuallyClosing === true;
  }

  protected resubscribes(): boolean {
    return true;
  }

  protected derive(): ConnectionOptions {
    return withOneLimit(fromIoredisCluster(this.client));
  }

  protected advise(): Advice {
    return { credentials: ioredisClusterCredentials(this.client) };
  }
}

/** A node-redis cluster. It cannot be driven. */
export class DerivedNodeRedisCluster extends DerivedClient<NodeRedisCluster> {
  constructor(client: NodeRedisCluster) {
    const words = {
      closed: 'The client is closed',
      offline: undefined,
      late: nodeRedisClusterTimeout(client) === undefined ? undefined : 'Timeout during command execution',
    };
    super(client, nodeRedisClusterKeyPrefix(client), words, false, 'disconnect');
  }

  protected current(): Connection | Error {
    return this.hasEnded() ? this.closed() : (this.connection ?? this.enter(DATABASE));
  }

  protected hasEnded(): boolean {
    return !this.client.isOpen;
  }

  protected resubscribes(): boolean {
    return true;
  }

  protected derive(): ConnectionOptions {
    return withOneLimit(fromNodeRedisCluster(this.client));
  }

  protected async advise(): Promise<Advice> {
    return { credentials: await nodeRedisClusterCredentials(this.client) };
  }
}

/**
 * The user's time limit holds for long calls too. Without one ours do: both libraries give up on a node that nobody takes
 * over from, after so many redirections.
 */
function withOneLimit(options: ConnectionOptions): ConnectionOptions {
  return options.callTimeout === undefined ? options : { ...options, bulkTimeout: options.callTimeout };
}

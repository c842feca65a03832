/** What an ioredis Cluster says about its connections. Its `startupNodes` are as they were passed. */
import dns from 'node:dns';

import type { ConnectionOptions } from '../options.js';
import { addressMap, nodeUrl, ofNodes } from './cluster.js';
import { type Bag, compact, isBag, number, text } from './foreign.js';
import { fromIoredis, type IoredisClient } from './ioredis.js';
import type { Credentials } from './node-redis.js';
import { refuseSet, Uncarriable } from './unsupported.js';

/** The part of a Cluster that is used. */
export interface IoredisCluster extends Omit<IoredisClient, 'condition'> {
  readonly startupNodes: readonly unknown[];
}

/** How long ioredis lets a node take to connect, where nothing is said. */
const CONNECT_MS = 10_000;

/** The prefix that the Cluster puts before key arguments: its own, or that of its nodes. */
export function ioredisClusterKeyPrefix(client: IoredisCluster): string {
  return text(client.options.keyPrefix) ?? '';
}

/**
 * The native connection that says the same. Calls go to masters, whatever `scaleReads` says.
 *
 * @throws Uncarriable
 */
export function fromIoredisCluster(client: IoredisCluster): ConnectionOptions {
  const { options } = client;
  const shared = redisOptions(client);
  if (typeof options.scaleReads === 'function') throw new Uncarriable('scaleReads');
  refuseSet(options, ['useSRVRecords']);
  if (typeof options.dnsLookup === 'function' && options.dnsLookup !== dns.lookup) throw new Uncarriable('dnsLookup');
  refuseSet(shared, ['reconnectOnError', 'sentinels', 'path'], 'redisOptions.');
  const nodes = client.startupNodes.map((node) => {
    const own = nodeOptions(node);
    const settings: Bag = {
      connectTimeout: CONNECT_MS,
      ...shared,
      ...own,
      host: text(own.host) ?? '127.0.0.1',
      port: number(own.port) ?? 6379,
      enableOfflineQueue: options.enableOfflineQueue,
      readOnly: false,
    };
    // A name of a profile, which the Cluster leaves to its nodes.
    if (typeof settings.tls === 'string') throw new Uncarriable('redisOptions.tls');
    return fromIoredis({ ...client, options: settings } as IoredisClient);
  });
  return compact<ConnectionOptions>({
    ...ofNodes(nodes, 'startupNodes'),
    natMap: addressMap(options.natMap, 'natMap'),
  });
}

/** The credentials of this moment: people change them in the options. */
export function ioredisClusterCredentials(client: IoredisCluster): Credentials {
  const { username, password } = { ...redisOptions(client), ...nodeOptions(client.startupNodes[0]) };
  return { username: text(username), password: text(password) };
}

/** Whether commands have a time limit of the user's. */
export function hasCommandTimeout(client: IoredisCluster): boolean {
  return (number(redisOptions(client).commandTimeout) ?? 0) > 0;
}

function redisOptions({ options }: IoredisCluster): Bag {
  return isBag(options.redisOptions) ? options.redisOptions : {};
}

function nodeOptions(node: unknown): Bag {
  if (typeof node === 'number' || (typeof node === 'string' && /^\d+$/.test(node))) return { port: node };
  if (typeof node === 'string') return nodeUrl(node, 'startupNodes');
  return isBag(node) ? node : {};
}

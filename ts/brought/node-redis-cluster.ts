/** What a node-redis cluster says about its connections: options of clients, without the parts of their URLs. */
import type { ConnectionOptions } from '../options.js';
import { addressMap, nodeUrl, ofNodes } from './cluster.js';
import { type Bag, compact, isBag, milliseconds, text } from './foreign.js';
import { type Credentials, fromNodeRedis, nodeRedisCredentials, type NodeRedisClient } from './node-redis.js';
import { refuseSet } from './unsupported.js';

/** The part of a cluster that is used. */
export interface NodeRedisCluster {
  readonly _options: Bag;
  /** Version 6: the key prefix in use. */
  readonly _keyPrefix?: unknown;
  readonly isOpen: boolean;
  on(event: string, listener: () => void): unknown;
}

/** The prefix that the cluster puts before key arguments of its typed methods. */
export function nodeRedisClusterKeyPrefix(client: NodeRedisCluster): string {
  return text(client['_keyPrefix']) ?? '';
}

/**
 * The native connection that says the same, without credentials that have to be asked for. Calls go to masters, whatever
 * `useReplicas` says.
 *
 * @throws Uncarriable
 */
export function fromNodeRedisCluster(client: NodeRedisCluster): ConnectionOptions {
  const options = client['_options'];
  refuseSet(options, ['clientSideCache']);
  return compact<ConnectionOptions>({
    ...ofNodes(nodesOf(client).map(fromNodeRedis), 'rootNodes'),
    natMap: addressMap(options.nodeAddressMap, 'nodeAddressMap'),
    callTimeout: nodeRedisClusterTimeout(client),
  });
}

/** The user's time limit for commands, in ms. */
export function nodeRedisClusterTimeout(client: NodeRedisCluster): number | undefined {
  const { commandOptions } = client['_options'];
  return isBag(commandOptions) ? milliseconds(commandOptions.timeout) : undefined;
}

/** The credentials of this moment. */
export async function nodeRedisClusterCredentials(client: NodeRedisCluster): Promise<Credentials> {
  const [first] = nodesOf(client);
  return first === undefined ? { username: undefined, password: undefined } : nodeRedisCredentials(first);
}

/** The options of each root node with the defaults, as a client of its own would have them. */
function nodesOf(client: NodeRedisCluster): NodeRedisClient[] {
  const { rootNodes, defaults: given } = client['_options'];
  const defaults = isBag(given) ? given : {};
  const roots = Array.isArray(rootNodes) ? rootNodes.filter(isBag) : [];
  return roots.map((root) => {
    const { host, port, tls, ...credentials } =
      text(root.url) === undefined ? {} : nodeUrl(root.url as string, 'rootNodes');
    const socket = { ...bag(defaults.socket), ...bag(root.socket), ...compact<Bag>({ host, port, tls }) };
    const options = { ...defaults, ...root, ...credentials, socket, commandOptions: undefined };
    return { options } as unknown as NodeRedisClient;
  });
}

function bag(value: unknown): Bag {
  return isBag(value) ? value : {};
}

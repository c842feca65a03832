/** What the clients of clusters say about their nodes. */
import type { ConnectionOptions, ServerAddress } from '../options.js';
import { type Bag, compact, isBag, number, text } from './foreign.js';
import { Uncarriable } from './unsupported.js';

/**
 * The options of a URL of a node, under the names that ioredis has for them.
 *
 * @param option where it was found
 * @throws Uncarriable for a URL that says more, or is none
 */
export function nodeUrl(given: string, option: string): Bag {
  let url: URL;
  try {
    url = new URL(given.includes('://') ? given : `redis://${given}`);
  } catch {
    throw new Uncarriable(option);
  }
  if (!/^rediss?:$/.test(url.protocol) || url.search !== '' || url.hostname === '') throw new Uncarriable(option);
  return compact<Bag>({
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: number(url.port),
    username: text(decodeURIComponent(url.username)),
    password: text(decodeURIComponent(url.password)),
    tls: url.protocol === 'rediss:' ? true : undefined,
  });
}

/**
 * One connection to the cluster, from what each of its nodes would have been connected to with. Only the addresses may
 * differ: of the nodes that are found later nobody knows more.
 *
 * @param option where the nodes were found
 * @throws Uncarriable when they differ in more, or there are none
 */
export function ofNodes(nodes: readonly ConnectionOptions[], option: string): ConnectionOptions {
  const [settings, ...others] = nodes.map(({ host: _host, port: _port, db: _db, ...same }) => same);
  const differs = (other: ConnectionOptions): boolean => JSON.stringify(other) !== JSON.stringify(settings);
  if (settings === undefined || settings.path !== undefined || others.some(differs)) throw new Uncarriable(option);
  return { ...settings, cluster: nodes.map(({ host, port }) => compact<ServerAddress>({ host, port })) };
}

/**
 * Where to dial instead, for an address that the nodes name.
 *
 * @throws Uncarriable for a function, which can name any
 */
export function addressMap(map: unknown, option: string): ConnectionOptions['natMap'] {
  if (typeof map === 'function') throw new Uncarriable(option);
  if (!isBag(map)) return undefined;
  return Object.fromEntries(
    Object.entries(map).map(([from, to]) => {
      const { host, port } = isBag(to) ? to : {};
      return [from, compact<ServerAddress>({ host: text(host), port: number(port) })];
    }),
  );
}

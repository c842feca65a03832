import { generateKeyPairSync } from 'node:crypto';

import { Cluster as Cluster5, Redis as Ioredis5 } from 'ioredis5';
import { Cluster as Cluster6, Redis as Ioredis6 } from 'ioredis6';
import * as redis5 from 'redis5';
import * as redis6 from 'redis6';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { deriveOptions, endedText } from '../../ts/brought/derive.js';
import { isClientOpen, recogniseClient } from '../../ts/brought/recognise.js';
import { UnsupportedClientError } from '../../ts/brought/unsupported.js';

const idle = { lazyConnect: true } as const;
const derive = (client: object) => deriveOptions('RedisStore', client);

/** No client is connected here: what a node-redis one would answer is played. */
function answering<T extends object>(client: T, answer: string | Error): T {
  vi.spyOn(client as { sendCommand(): Promise<unknown> }, 'sendCommand').mockImplementation(() =>
    answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer),
  );
  return client;
}

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe('recognising a client by its shape', () => {
  it.each([
    ['ioredis client', () => new Ioredis5(idle)],
    ['ioredis client', () => new Ioredis6(idle)],
    ['ioredis Cluster', () => new Cluster5(['redis://127.0.0.1:1'], { lazyConnect: true })],
    ['ioredis Cluster', () => new Cluster6(['redis://127.0.0.1:1'], { lazyConnect: true })],
    ['node-redis client', () => redis5.createClient()],
    ['node-redis client', () => redis6.createClient()],
    ['node-redis cluster', () => redis5.createCluster({ rootNodes: [] })],
    ['node-redis cluster', () => redis6.createCluster({ rootNodes: [] })],
    ['node-redis sentinel', () => redis5.createSentinel({ name: 'm', sentinelRootNodes: [{ host: 'h', port: 1 }] })],
    ['node-redis sentinel', () => redis6.createSentinel({ name: 'm', sentinelRootNodes: [{ host: 'h', port: 1 }] })],
    ['node-redis pool', () => redis5.createClientPool()],
    ['node-redis pool', () => redis6.createClientPool()],
    ['unknown object', () => ({ isOpen: true, get: () => null })],
    ['unknown object', () => ({ options: { host: 'h', port: 1, db: 0, keyPrefix: '' } })],
    ['unknown object', () => null],
  ])('%s', (kind, make) => {
    expect(recogniseClient(make())).toBe(kind);
  });

  it('sees through a proxy and a view', () => {
    expect(recogniseClient(new Proxy(new Ioredis6(idle), {}))).toBe('ioredis client');
    expect(recogniseClient(redis6.createClient().withTypeMapping({}))).toBe('node-redis client');
  });

  it('knows that a client which was never opened is not open', () => {
    expect(isClientOpen(redis6.createClient())).toBe(false);
    expect(isClientOpen(new Ioredis5(idle))).toBe(false);
    expect(isClientOpen(Object.assign(Object.create(new Ioredis5(idle)), { status: 'connecting' }))).toBe(true);
  });

  it('knows the last words of each library', () => {
    expect(endedText(new Ioredis6(idle))).toBe('Connection is closed.');
    expect(endedText(redis5.createClient())).toBe('The client is closed');
  });
});

describe.each([
  ['5', (...args: unknown[]): object => Reflect.construct(Ioredis5, args)],
  ['6', (...args: unknown[]): object => Reflect.construct(Ioredis6, args)],
])('the connection of an ioredis %s client', (_major, ioredis) => {
  it('is the default server when nothing is set', async () => {
    expect(await derive(ioredis(idle))).toEqual({ host: 'localhost', port: 6379, db: 0, connectTimeout: 10_000 });
  });

  it('comes from a URL, texts in its query included', async () => {
    const client = ioredis('redis://u:p%40@h:7000/3?connectTimeout=250', idle);
    expect(await derive(client)).toEqual({
      host: 'h',
      port: 7000,
      username: 'u',
      password: 'p@',
      db: 3,
      connectTimeout: 250,
    });
  });

  it('has no user when the URL gives a password alone', async () => {
    const derived = await derive(ioredis('redis://:pw@h', idle));
    expect(derived).toMatchObject({ password: 'pw' });
    expect(derived).not.toHaveProperty('username');
  });

  it('prefers a unix socket to the default address', async () => {
    const derived = await derive(ioredis({ ...idle, path: '/run/redis.sock' }));
    expect(derived).toMatchObject({ path: '/run/redis.sock' });
    expect(derived).not.toHaveProperty('host');
  });

  it('carries time limits, the name and a refusal to queue', async () => {
    const client = ioredis({ ...idle, commandTimeout: 700, connectionName: 'me', enableOfflineQueue: false });
    expect(await derive(client)).toMatchObject({ callTimeout: 700, clientName: 'me', failFast: true });
  });

  it('follows the database selected since', async () => {
    const client = ioredis({ ...idle, db: 1 });
    Object.assign(client, { condition: { select: 5 } });
    expect((await derive(client)).db).toBe(5);
  });

  it('has TLS when that is on, however it was said', async () => {
    expect((await derive(ioredis('rediss://h', idle))).tls).toBe(true);
    expect((await derive(ioredis({ ...idle, tls: {} }))).tls).toBe(true);
    const tls = { ca: 'CA', cert: 'CERT', key: 'KEY', servername: 's', rejectUnauthorized: true };
    expect((await derive(ioredis({ ...idle, tls }))).tls).toEqual({
      ca: 'CA',
      cert: 'CERT',
      key: 'KEY',
      servername: 's',
    });
    expect((await derive(ioredis({ ...idle, tls: { ca: ['A', Buffer.from('B')] } }))).tls).toEqual({ ca: 'A\nB' });
    expect((await derive(ioredis({ ...idle, tls: { rejectUnauthorized: false } }))).tls).toEqual({
      dangerouslyAcceptInvalidCertificates: true,
      asAnotherClient: true,
    });
  });

  it('carries what limits TLS, and decrypts a key', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'p' });
    const tls = { key, passphrase: 'p', minVersion: 'TLSv1.1', maxVersion: 'TLSv1.3', ALPNProtocols: ['redis'] };
    expect((await derive(ioredis({ ...idle, tls }))).tls).toEqual({
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      maxVersion: 'TLSv1.3',
      ALPNProtocols: ['redis'],
    });
    await expect(derive(ioredis({ ...idle, tls: { ...tls, passphrase: 'q' } }))).rejects.toThrow(
      /whose tls.passphrase/,
    );
  });

  it('trusts whom the environment says, unless the options say it', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const tls = { dangerouslyAcceptInvalidCertificates: true, asAnotherClient: true };
    expect((await derive(ioredis('rediss://h', idle))).tls).toEqual(tls);
    expect((await derive(ioredis({ ...idle, tls: { rejectUnauthorized: true } }))).tls).toBe(true);
  });

  it.each<[string, unknown[], object]>([
    ['a family', [{ ...idle, family: 6 }], { family: 6 }],
    ['a family in a URL', ['redis://h?family=4', idle], { host: 'h', family: 4 }],
    ['a port and a host', [7000, 'h', idle], { host: 'h', port: 7000 }],
    ['a socket', ['/run/redis.sock', idle], { path: '/run/redis.sock' }],
    ['a socket in a URL', ['unix:///run/redis.sock', idle], { path: '///run/redis.sock' }],
    ['a user', [{ ...idle, username: 'u', password: 'p' }], { username: 'u', password: 'p' }],
    ['a database as text', [{ ...idle, db: '4' }], { db: 4 }],
    ['replicas of a cluster', [{ ...idle, readOnly: true }], { readOnly: true }],
    ['a limit as text', ['redis://h?commandTimeout=300', idle], { callTimeout: 300 }],
  ])('carries %s', async (_what, args, expected) => {
    expect(await derive(ioredis(...args))).toMatchObject(expected);
  });

  it.each<[string, object]>([
    ['keepAlive', { keepAlive: 10 }],
    ['noDelay', { noDelay: false }],
    ['stringNumbers', { stringNumbers: true }],
    ['enableAutoPipelining', { enableAutoPipelining: true }],
    ['disconnectTimeout', { disconnectTimeout: 10 }],
    ['autoResendUnfulfilledCommands', { autoResendUnfulfilledCommands: false }],
    ['enableReadyCheck', { enableReadyCheck: false }],
    ['a name that no server takes', { connectionName: 'my name' }],
    ['no limit for connecting', { connectTimeout: 0 }],
  ])('is not changed by %s', async (_what, options) => {
    const { connectTimeout, ...rest } = await derive(ioredis({ ...idle, ...options }));
    expect(rest).toEqual({ host: 'localhost', port: 6379, db: 0 });
    expect(connectTimeout).toBe('connectTimeout' in options ? undefined : 10_000);
  });

  it('asks sentinels, and ignores the address that is there by default', async () => {
    const options = {
      ...idle,
      sentinels: [{ host: 's1' }, { host: 's2', port: '5000' }],
      name: 'orders',
      sentinelUsername: 'watcher',
      sentinelPassword: 'asks',
      password: 'data',
      tls: { ca: 'CA' },
      natMap: { '10.0.0.1:6379': { host: 'outside', port: 7001 } },
    };
    const sentinel = {
      sentinels: [
        { host: 's1', port: 26_379 },
        { host: 's2', port: 5000 },
      ],
      sentinelName: 'orders',
      sentinelUsername: 'watcher',
      sentinelPassword: 'asks',
      natMap: { '10.0.0.1:6379': { host: 'outside', port: 7001 } },
      password: 'data',
      db: 0,
      connectTimeout: 10_000,
    };
    expect(await derive(ioredis(options))).toEqual(sentinel);
    const encrypted = { ...options, enableTLSForSentinelMode: true, sentinelTLS: { ca: 'OTHER' } };
    expect(await derive(ioredis(encrypted))).toEqual({ ...sentinel, tls: { ca: 'CA' }, sentinelTls: { ca: 'OTHER' } });
  });

  it.each([
    ['keyPrefix', { keyPrefix: 'app:' }],
    ['role', { sentinels: [{ host: 'h', port: 1 }], name: 'm', role: 'slave' }],
    ['natMap', { sentinels: [{ host: 'h', port: 1 }], name: 'm', natMap: () => null }],
    ['reconnectOnError', { reconnectOnError: () => true }],
    ['tls.checkServerIdentity', { tls: { checkServerIdentity: () => undefined } }],
    ['tls.lookup', { tls: { lookup: () => undefined } }],
    ['tls.key', { tls: { key: { pem: 'KEY', passphrase: 'p' } } }],
    ['tls.host', { tls: { host: 'elsewhere' } }],
  ])('is refused with %s', async (option, options) => {
    const client = ioredis({ ...idle, ...options } as object);
    const refusal = derive(client);
    await expect(refusal).rejects.toThrow(
      `RedisStore: got an ioredis client whose ${option} cannot be used by the native client`,
    );
    await expect(refusal).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED_REDIS_CLIENT' });
    await expect(refusal).rejects.toBeInstanceOf(TypeError);
  });
});

describe.each([
  ['5', (options: object): object => redis5.createClient(options)],
  ['6', (options: object): object => redis6.createClient(options)],
])('the connection of a node-redis %s client', (_major, createClient) => {
  const make = (options: object, answer: string | Error = 'id=3 addr=127.0.0.1:1 db=0 sub=0') =>
    answering(createClient(options), answer);

  it('is the default server when nothing is set', async () => {
    expect(await derive(make({}))).toMatchObject({ host: 'localhost', port: 6379, db: 0 });
  });

  it('comes from a URL, through the credentials provider that the library makes of it', async () => {
    expect(await derive(make({ url: 'rediss://u:p%40@h:7000/3' }, new Error('NOPERM')))).toMatchObject({
      host: 'h',
      port: 7000,
      username: 'u',
      password: 'p@',
      db: 3,
      tls: true,
    });
  });

  it('asks the credentials provider that the user gave, before user and password', async () => {
    const credentialsProvider = {
      type: 'async-credentials-provider',
      credentials: () => Promise.resolve({ username: 'late', password: 'secret' }),
    };
    expect(await derive(make({ username: 'early', credentialsProvider }))).toMatchObject({
      username: 'late',
      password: 'secret',
    });
  });

  it('refuses credentials that change as they please', async () => {
    const credentialsProvider = { type: 'streaming-credentials-provider', subscribe: () => undefined };
    await expect(derive(make({ credentialsProvider }))).rejects.toThrow(/whose streaming credentialsProvider cannot/);
  });

  it('follows the database selected since, as the server tells it', async () => {
    expect((await derive(make({ database: 1 }, 'id=3 db=5 sub=0'))).db).toBe(5);
    expect((await derive(make({ database: 1 }, new Error('NOPERM')))).db).toBe(1);
  });

  it('prefers a unix socket', async () => {
    const derived = await derive(make({ socket: { path: '/run/redis.sock' } }));
    expect(derived).toMatchObject({ path: '/run/redis.sock' });
    expect(derived).not.toHaveProperty('port');
  });

  it('carries time limits, the name, a refusal to queue, and TLS', async () => {
    const client = make({
      name: 'me',
      commandOptions: { timeout: 700 },
      disableOfflineQueue: true,
      socket: { connectTimeout: 250, tls: true, ca: 'CA', servername: 's' },
    });
    expect(await derive(client)).toMatchObject({
      clientName: 'me',
      callTimeout: 700,
      failFast: true,
      connectTimeout: 250,
      tls: { ca: 'CA', servername: 's' },
    });
  });

  it.each<[string, object, object]>([
    ['a family', { socket: { family: 6 } }, { family: 6 }],
    ['replicas of a cluster', { readonly: true }, { readOnly: true }],
    ['a user', { username: 'u', password: 'p' }, { username: 'u', password: 'p' }],
    ['TLS by its URL', { url: 'rediss://h' }, { host: 'h', tls: true }],
    ['what does not concern it', { pingInterval: 10, commandsQueueMaxLength: 5, RESP: 2 }, { host: 'localhost' }],
  ])('carries %s', async (_what, options, expected) => {
    expect(await derive(make(options))).toMatchObject(expected);
  });

  it.each([
    ['clientSideCache', { RESP: 3, clientSideCache: { ttl: 0, maxEntries: 0, evictPolicy: 'LRU' } }],
    ['socket.checkServerIdentity', { socket: { tls: true, checkServerIdentity: () => undefined } }],
    ['socket.maxVersion', { socket: { tls: true, maxVersion: 'TLSv1.1' } }],
  ])('is refused with %s', async (option, options) => {
    await expect(derive(make(options))).rejects.toThrow(
      `RedisStore: got a node-redis client whose ${option} cannot be used by the native client`,
    );
  });
});

describe.each([
  ['5', Cluster5],
  ['6', Cluster6 as unknown as typeof Cluster5],
])('the connection of an ioredis %s Cluster', (_major, Cluster) => {
  const make = (nodes: ConstructorParameters<typeof Cluster5>[0], options: object = {}) =>
    new Cluster(nodes, { lazyConnect: true, ...options });

  it('begins with the startup nodes, however they were named', async () => {
    expect(await derive(make([7000, '7001', 'redis://h', 'h:7002', { host: 'h', port: 7003 }, {}]))).toEqual({
      cluster: [
        { host: '127.0.0.1', port: 7000 },
        { host: '127.0.0.1', port: 7001 },
        { host: 'h', port: 6379 },
        { host: 'h', port: 7002 },
        { host: 'h', port: 7003 },
        { host: '127.0.0.1', port: 6379 },
      ],
      connectTimeout: 10_000,
    });
  });

  it('carries the options of the nodes', async () => {
    const redisOptions = {
      username: 'u',
      password: 'p',
      connectTimeout: 250,
      commandTimeout: 700,
      connectionName: 'me',
      family: 4,
      db: 3,
      enableOfflineQueue: false,
      tls: { ca: 'CA', servername: 's' },
    };
    expect(await derive(make([{ host: 'h', port: 1 }], { redisOptions }))).toEqual({
      cluster: [{ host: 'h', port: 1 }],
      username: 'u',
      password: 'p',
      connectTimeout: 250,
      callTimeout: 700,
      clientName: 'me',
      family: 4,
      tls: { ca: 'CA', servername: 's' },
    });
  });

  it('carries credentials and TLS of the URLs, when all say the same', async () => {
    const nodes = ['rediss://u:p%40@a', 'rediss://u:p%40@b:7001'];
    expect(await derive(make(nodes))).toMatchObject({ username: 'u', password: 'p@', tls: true });
    await expect(derive(make([...nodes, 'rediss://u:other@c']))).rejects.toThrow('whose startupNodes cannot be used');
    await expect(derive(make(['redis://h?db=1']))).rejects.toThrow('whose startupNodes cannot be used');
    await expect(derive(make([]))).rejects.toThrow('whose startupNodes cannot be used');
  });

  it('carries the map of addresses and a refusal to queue', async () => {
    const natMap = { '10.0.0.1:6379': { host: 'outside', port: 7001 } };
    expect(await derive(make([1], { natMap, enableOfflineQueue: false }))).toMatchObject({ natMap, failFast: true });
  });

  it('is refused where a prefix would be lost', async () => {
    await expect(derive(make([1], { redisOptions: { keyPrefix: 'q' } }))).rejects.toThrow('whose keyPrefix cannot');
  });
});

describe.each([
  ['5', redis5.createCluster],
  ['6', redis6.createCluster as unknown as typeof redis5.createCluster],
])('the connection of a node-redis %s cluster', (_major, createCluster) => {
  it('begins with the root nodes', async () => {
    const cluster = createCluster({
      rootNodes: [{ url: 'redis://a:7000' }, { socket: { host: 'b', port: 7001 } }, {}],
    });
    expect(await derive(cluster)).toEqual({
      cluster: [
        { host: 'a', port: 7000 },
        { host: 'b', port: 7001 },
        { host: 'localhost', port: 6379 },
      ],
    });
  });

  it('carries the defaults, the map of addresses and the time limit', async () => {
    const nodeAddressMap = { '10.0.0.1:6379': { host: 'outside', port: 7001 } };
    const cluster = createCluster({
      rootNodes: [{ url: 'redis://a' }],
      defaults: { username: 'u', password: 'p', name: 'me', socket: { tls: true, ca: 'CA', connectTimeout: 250 } },
      commandOptions: { timeout: 700 },
      nodeAddressMap,
    });
    expect(await derive(cluster)).toEqual({
      cluster: [{ host: 'a', port: 6379 }],
      username: 'u',
      password: 'p',
      clientName: 'me',
      tls: { ca: 'CA' },
      connectTimeout: 250,
      callTimeout: 700,
      natMap: nodeAddressMap,
    });
  });

  it('asks the provider of the credentials', async () => {
    const credentialsProvider = {
      type: 'async-credentials-provider' as const,
      credentials: () => Promise.resolve({ username: 'u', password: 'fresh' }),
    };
    const cluster = createCluster({ rootNodes: [{ url: 'redis://a' }], defaults: { credentialsProvider } });
    expect(await derive(cluster)).toMatchObject({ username: 'u', password: 'fresh' });
  });
});

describe('what is no standalone client', () => {
  it('is refused, and named', async () => {
    const sentinel = redis6.createSentinel({ name: 'm', sentinelRootNodes: [{ host: 'h', port: 1 }] });
    await expect(derive(sentinel)).rejects.toThrow(/^RedisStore: got a node-redis sentinel, which cannot be used/);
    await expect(derive(redis6.createClientPool())).rejects.toThrow(/got a node-redis pool/);
    await expect(derive({ get: () => null })).rejects.toBeInstanceOf(UnsupportedClientError);
  });

  it('is not asked for anything', async () => {
    const spy = vi.fn();
    await expect(derive({ isOpen: true, isReady: true, get: spy, sendCommand: spy })).rejects.toThrow(TypeError);
    expect(spy).not.toHaveBeenCalled();
  });
});

import { createRequire } from 'node:module';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';

import { Cluster as Cluster5, Redis as Ioredis5 } from 'ioredis5';
import { Cluster as Cluster6, Redis as Ioredis6 } from 'ioredis6';
import * as redis5 from 'redis5';
import * as redis6 from 'redis6';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { bring, DRIVEN } from '../../dist/brought/index.js';
import { operations } from '../../dist/client.js';

const { command } = operations('redis') as { command: number };
const require = createRequire(new URL('../fixtures/clients/package.json', import.meta.url));
const { Redis: Iovalkey } = require('iovalkey') as { Redis: typeof Ioredis5 };
const IoredisMock = require('ioredis-mock') as typeof Ioredis5;

/** Counts whoever calls. */
let listener: Server;
let visits = 0;

beforeAll(async () => {
  listener = createServer((socket) => {
    visits++;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
});

afterAll(() => listener.close());

let warnings: NodeJS.ErrnoException[];
const warned = (warning: NodeJS.ErrnoException) => warnings.push(warning);

beforeEach(() => {
  warnings = [];
  visits = 0;
  process.on('warning', warned);
});

afterEach(() => {
  process.off('warning', warned);
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const idle = () => ({ host: '127.0.0.1', port: (listener.address() as AddressInfo).port, lazyConnect: true });
const turn = () => new Promise((resolve) => setTimeout(resolve, 50));

/** Checks that an object is driven, and that nobody is called for its sake. */
async function expectDriven(client: unknown): Promise<void> {
  const brought = bring('redisStore', client);
  expect(brought.driven).toBe(true);
  expect(brought.client).toBe(client);
  const result = await brought.either(
    'get',
    () => brought.call(command, (reply) => reply.value(), 'PING'),
    () => Promise.resolve('driven'),
  );
  expect(result).toBe('driven');
  await expect(brought.call(command, (reply) => reply.value(), 'PING')).rejects.toThrow(/driven/);
  await turn();
  expect(visits).toBe(0);
}

/** A transport of the user's own, which nobody asks for a connection here. */
class OwnConnector {
  connect() {
    return Promise.reject(new Error('nobody asked for this'));
  }
  disconnect() {}
}

const libraries = [
  ['ioredis 5', Ioredis5],
  ['ioredis 6', Ioredis6 as unknown as typeof Ioredis5],
  ['iovalkey', Iovalkey],
] as const;

describe('doubles', () => {
  it.each<[string, () => unknown]>([
    ['a plain object', () => ({ get: () => Promise.resolve(null), set: () => Promise.resolve('OK') })],
    ['an object that imitates options', () => ({ options: { ...idle(), db: 0 }, status: 'ready', get: vi.fn() })],
    ['a class instance', () => new (class Fake extends Map<string, string> {})()],
    ['a function', () => vi.fn()],
    ['undefined', () => undefined],
    ['null', () => null],
    ['a string', () => 'redis://127.0.0.1'],
  ])('%s is driven, without a word', async (_what, make) => {
    await expectDriven(make());
    expect(warnings).toEqual([]);
  });

  it('ioredis-mock is driven, without a word', async () => {
    const mock = new IoredisMock({ ...idle() });
    await expectDriven(mock);
    expect(warnings).toEqual([]);
    mock.disconnect();
  });
});

describe.each(libraries)('%s', (_name, Redis) => {
  it('is recognised, also through a proxy, a subclass and a duplicate', () => {
    class Mine extends Redis {}
    for (const client of [new Redis(idle()), new Proxy(new Redis(idle()), {}), new Mine(idle())]) {
      expect(bring('redisStore', client).driven).toBe(false);
    }
    expect(bring('redisStore', new Redis(idle()).duplicate()).driven).toBe(false);
  });

  it.each(['get', 'set', 'eval', 'sendCommand', 'publish', 'duplicate'] as const)(
    'with a spy on %s is driven, without a word',
    async (method) => {
      const client = new Redis(idle());
      vi.spyOn(client, method);
      await expectDriven(client);
      expect(warnings).toEqual([]);
    },
  );

  it('with a spy on events, or commands defined by the user, is served natively', () => {
    const client = new Redis(idle());
    vi.spyOn(client, 'emit');
    client.defineCommand('mine', { numberOfKeys: 0, lua: 'return 1' });
    expect(bring('redisStore', client).driven).toBe(false);
  });

  it('is driven when the environment or the client says so', async () => {
    await expectDriven(Object.assign(new Redis(idle()), { [DRIVEN]: true }));
    vi.stubEnv('REDIS_NATIVE', '0');
    await expectDriven(new Redis(idle()));
    expect(warnings).toEqual([]);
  });

  it.each<[string, object]>([
    ['Connector', { Connector: OwnConnector }],
    ['monitor', { monitor: true }],
    ['role', { sentinels: [{ host: '127.0.0.1', port: 1 }], name: 'm', role: 'slave' }],
    ['natMap', { sentinels: [{ host: '127.0.0.1', port: 1 }], name: 'm', natMap: () => null }],
    ['tls.checkServerIdentity', { tls: { checkServerIdentity: () => undefined } }],
    ['tls.secureContext', { tls: { secureContext: {} } }],
    ['tls.lookup', { tls: { lookup: () => undefined } }],
    ['tls.pskCallback', { tls: { pskCallback: () => null } }],
    ['tls.session', { tls: { session: Buffer.from('x') } }],
    ['tls.requestOCSP', { tls: { requestOCSP: true } }],
    ['tls.socket', { tls: { socket: {} } }],
    ['tls.pfx', { tls: { pfx: Buffer.from('x') } }],
    ['tls.host', { tls: { host: 'elsewhere' } }],
    ['tls.ca', { tls: { ca: 'no certificate' } }],
  ])('with %s is driven, and that is said once', async (option, options) => {
    const client = new Redis({ ...idle(), ...options } as object);
    await expectDriven(client);
    bring('redisBroker', client);
    await turn();
    expect(warnings.map(({ code, message }) => [code, message])).toEqual([
      [
        'REDIS_NATIVE_FALLBACK',
        `redisStore: got an ioredis client whose ${option} cannot be used by the native client: ` +
          'the client itself is driven, which is slower',
      ],
    ]);
  });

  it('opens nothing before the first call', async () => {
    const client = new Redis(idle());
    bring('redisStore', client);
    await turn();
    expect(visits).toBe(0);
    expect(client.status).toBe('wait');
    expect(client.listenerCount('end')).toBe(0);
  });
});

describe('objects that can be neither replaced nor driven', () => {
  it.each<[string, string, () => unknown]>([
    ['client', 'emitInvalidate', () => redis5.createClient({ RESP: 3, emitInvalidate: true } as object)],
    ['client', 'emitInvalidate', () => redis6.createClient({ RESP: 3, emitInvalidate: true } as object)],
    [
      'client',
      'socket.checkServerIdentity',
      () => redis6.createClient({ socket: { tls: true, host: 'h', checkServerIdentity: () => undefined } }),
    ],
    [
      'client',
      'streaming credentialsProvider',
      () =>
        redis6.createClient({
          credentialsProvider: {
            type: 'streaming-credentials-provider',
            subscribe: () => Promise.reject(new Error('none')),
            onReAuthenticationError: () => undefined,
          },
        }),
    ],
  ])('node-redis %s with %s', (_kind, option, make) => {
    expect(() => bring('PikkuRedis', make())).toThrow(
      expect.objectContaining({
        name: 'UnsupportedClientError',
        code: 'ERR_UNSUPPORTED_REDIS_CLIENT',
        message:
          `PikkuRedis: got a node-redis client whose ${option} cannot be used by the native client, and this kind cannot ` +
          `be driven from JavaScript. Pass an ioredis client, or a node-redis client without ${option}.`,
      }),
    );
  });

  it.each<[string, () => unknown]>([
    ['sentinel', () => redis5.createSentinel({ name: 'm', sentinelRootNodes: [{ host: 'h', port: 1 }] })],
    ['sentinel', () => redis6.createSentinel({ name: 'm', sentinelRootNodes: [{ host: 'h', port: 1 }] })],
    ['pool', () => redis5.createClientPool()],
    ['pool', () => redis6.createClientPool()],
  ])('node-redis %s', (kind, make) => {
    expect(() => bring('PikkuRedis', make())).toThrow(
      expect.objectContaining({
        code: 'ERR_UNSUPPORTED_REDIS_CLIENT',
        message: expect.stringContaining(`a node-redis ${kind}`),
      }),
    );
  });
});

describe.each([
  ['5', Cluster5],
  ['6', Cluster6 as unknown as typeof Cluster5],
])('an ioredis %s Cluster', (_major, Cluster) => {
  const make = (options: object = {}) => new Cluster([idle()], { lazyConnect: true, ...options });

  it('is native, the same for all users', () => {
    const cluster = make();
    expect(bring('redisStore', cluster).driven).toBe(false);
    expect(bring('redisBroker', cluster)).toBe(bring('redisStore', cluster));
    expect(warnings).toEqual([]);
  });

  it('is driven for users of many keys, and that is said once', async () => {
    const cluster = make();
    const driven = bring('RedisWorkflowService', cluster, { manyKeys: true });
    expect(driven.driven).toBe(true);
    expect(bring('RedisWorkflowRunService', cluster, { manyKeys: true })).toBe(driven);
    expect(bring('redisStore', cluster).driven).toBe(false);
    await turn();
    expect(warnings.map(({ code }) => code)).toEqual(['REDIS_NATIVE_FALLBACK']);
  });

  it.each<[string, object]>([
    ['natMap', { natMap: () => null }],
    ['scaleReads', { scaleReads: () => undefined }],
    ['useSRVRecords', { useSRVRecords: true }],
    ['dnsLookup', { dnsLookup: (host: string, done: (error: null, address: string) => void) => done(null, host) }],
    ['redisOptions.reconnectOnError', { redisOptions: { reconnectOnError: () => true } }],
    ['redisOptions.tls', { redisOptions: { tls: 'RedisCloudFixed' } }],
    ['tls.checkServerIdentity', { redisOptions: { tls: { checkServerIdentity: () => undefined } } }],
  ])('is driven with %s, and that is said', async (option, options) => {
    await expectDriven(make(options));
    expect(warnings.map(({ code }) => code)).toEqual(['REDIS_NATIVE_FALLBACK']);
    expect(warnings[0]?.message).toContain(`an ioredis Cluster whose ${option} cannot be used`);
  });

  it('is driven without a word when that is asked for, or with a spy on it', async () => {
    await expectDriven(Object.assign(make(), { [DRIVEN]: true }));
    const spied = make();
    vi.spyOn(spied, 'get');
    await expectDriven(spied);
    vi.stubEnv('REDIS_NATIVE', '0');
    await expectDriven(make());
    expect(warnings).toEqual([]);
  });
});

describe.each([
  ['5', redis5.createCluster],
  ['6', redis6.createCluster as unknown as typeof redis5.createCluster],
])('a node-redis %s cluster', (_major, createCluster) => {
  const rootNodes = () => [{ url: `redis://127.0.0.1:${idle().port}` }];

  it('is native', () => {
    expect(bring('redisStore', createCluster({ rootNodes: rootNodes() })).driven).toBe(false);
  });

  it('is refused by users of many keys, as it cannot be driven', () => {
    const cluster = createCluster({ rootNodes: rootNodes() });
    expect(() => bring('RedisWorkflowService', cluster, { manyKeys: true })).toThrow('got a node-redis cluster, which');
  });

  it.each<[string, () => Parameters<typeof createCluster>[0]]>([
    ['rootNodes', () => ({ rootNodes: [] })],
    ['rootNodes', () => ({ rootNodes: [...rootNodes(), { password: 'another' }] })],
    ['nodeAddressMap', () => ({ rootNodes: rootNodes(), nodeAddressMap: () => undefined })],
    [
      'socket.checkServerIdentity',
      () => ({ rootNodes: rootNodes(), defaults: { socket: { tls: true, checkServerIdentity: () => undefined } } }),
    ],
  ])('is refused for its %s', (option, options) => {
    expect(() => bring('redisStore', createCluster(options()))).toThrow(
      `redisStore: got a node-redis cluster whose ${option} cannot be used by the native client`,
    );
  });
});

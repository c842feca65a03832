/** Clients of clusters that users bring: three masters with a replica each, one of which dies. */
import { Cluster as Cluster5 } from 'ioredis5';
import { Cluster as Cluster6 } from 'ioredis6';
import * as redis5 from 'redis5';
import * as redis6 from 'redis6';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { redisBroker } from 'ferrodis/ayepi';
import { RedisStore } from 'ferrodis/conveyor';
import { RedisAdapter, RedisCacheAdapter } from 'ferrodis/go-go-scope';
import {
  RedisChannelStore,
  RedisDeploymentService,
  RedisEventHubStore,
  RedisSecretService,
  RedisSessionStore,
  RedisWorkflowRunService,
} from 'ferrodis/pikku';

import { bring } from '../../dist/brought/index.js';
import { operations } from '../../dist/client.js';
import { Cluster } from '../support/cluster.js';
import { newJob } from '../support/job.js';
import { newRun, openService } from '../support/pikku/workflow.js';

const PATIENCE = 30_000;
const { command } = operations('redis') as { command: number };

let at: Cluster;
let warnings: NodeJS.ErrnoException[];
const warned = (warning: NodeJS.ErrnoException) => warnings.push(warning);
const atEnd: Array<() => unknown> = [];

beforeAll(async () => {
  at = await Cluster.start();
}, 60_000);

afterAll(() => at.stop());

beforeEach(() => {
  warnings = [];
  process.on('warning', warned);
});

afterEach(async () => {
  process.off('warning', warned);
  for (const end of atEnd.splice(0)) await end();
  for (const node of at.nodes.slice(0, 3)) await at.tell(node, 'FLUSHALL').catch(() => undefined);
});

type AnyClient = ConstructorParameters<typeof RedisAdapter>[0];
type AnyCluster = InstanceType<typeof Cluster5>;

const ports = (): number[] => at.nodes.slice(0, 2).map(({ server }) => server.port);

function ioredis(Library: typeof Cluster5, options: object = {}): AnyCluster {
  const cluster = new Library(
    ports().map((port) => ({ host: '127.0.0.1', port })),
    { clusterRetryStrategy: () => 100, ...options },
  );
  // Without a listener the library prints what goes wrong while a node dies.
  cluster.on('error', () => undefined);
  atEnd.push(() => cluster.disconnect());
  return cluster;
}

async function nodeRedis(
  library: typeof redis5,
  options: object = {},
): Promise<ReturnType<typeof redis5.createCluster>> {
  const cluster = library.createCluster({
    rootNodes: ports().map((port) => ({ url: `redis://127.0.0.1:${port}` })),
    ...options,
  });
  cluster.on('error', () => undefined);
  await cluster.connect();
  atEnd.push(() => {
    if (cluster.isOpen) cluster.destroy();
  });
  return cluster;
}

const asRedis5 = redis6 as unknown as typeof redis5;
const asCluster5 = Cluster6 as unknown as typeof Cluster5;

const clusters: ReadonlyArray<readonly [string, (options?: { keyPrefix?: string }) => Promise<object>]> = [
  ['ioredis 5', async (options) => ioredis(Cluster5, options)],
  ['ioredis 6', async (options) => ioredis(asCluster5, options)],
  ['node-redis 5', async () => nodeRedis(redis5)],
  ['node-redis 6', async (options) => nodeRedis(asRedis5, options)],
];

/** Names of which every node has some. */
const names = Array.from({ length: 60 }, (_, index) => `name-${index}`);

/** All keys of the cluster, in order. */
async function keys(): Promise<string[]> {
  const found = await Promise.all(at.nodes.slice(0, 3).map((node) => at.tell(node, 'KEYS', '*')));
  return (found as string[][]).flat().sort();
}

const ping = (client: object): Promise<unknown> =>
  bring('redisStore', client).call(command, (reply) => reply.value(), 'SET', 'by-itself', '1');

describe.each(clusters)('a cluster of %s', (_name, make) => {
  it('has a native connection to all of its nodes', async () => {
    const client = await make();
    expect(bring('RedisAdapter', client).driven).toBe(false);
    const cache = new RedisCacheAdapter(client as AnyClient, { keyPrefix: 'c:' });
    await Promise.all(names.map((name) => cache.set(name, { name })));
    expect((await at.sizes()).every((size) => size > 0)).toBe(true);
    for (const name of names) expect(await cache.get(name)).toEqual({ name });
    expect((await cache.keys()).sort()).toEqual([...names].sort());
    await cache.set('other', 1);
    await cache.clear();
    expect(await keys()).toEqual([]);
    expect(warnings).toEqual([]);
  });

  it('locks, counts failures and tells of circuits', async () => {
    const client = (await make()) as AnyClient;
    const adapter = new RedisAdapter(client, { circuitEvents: true });
    const locks = await Promise.all(names.map((name) => adapter.acquire(name, 60_000)));
    expect(locks.every((lock) => lock !== null)).toBe(true);
    expect(await adapter.acquire('name-0', 60_000)).toBeNull();
    await Promise.all(locks.map((lock) => lock?.release()));
    const heard: unknown[] = [];
    const stop = adapter.subscribe?.('mail', (state) => heard.push(state.state));
    await expect
      .poll(
        async () => {
          await adapter.recordFailure('mail', 1);
          return heard.length;
        },
        { timeout: PATIENCE },
      )
      .toBeGreaterThan(0);
    expect(heard[0]).toBe('open');
    stop?.();
  });

  it('carries messages from one broker to another', async () => {
    const [one, other] = await Promise.all([make(), make()]);
    const heard: string[] = [];
    const [from, to] = [redisBroker(one as never), redisBroker(other as never)];
    to.subscribe((message) => heard.push(message));
    await expect
      .poll(
        async () => {
          await from.publish('first');
          return heard.length;
        },
        { timeout: PATIENCE },
      )
      .toBeGreaterThan(0);
    heard.length = 0;
    const sent = Array.from({ length: 300 }, (_, index) => String(index));
    await Promise.all(sent.map((message) => from.publish(message)));
    await expect.poll(() => heard.filter((message) => message !== 'first'), { timeout: PATIENCE }).toEqual(sent);
  });

  it('serves a store of queues', async () => {
    const client = await make();
    // Once it is open, whichever library it is of.
    await expect.poll(() => (client as { status?: string }).status ?? 'ready').toBe('ready');
    const store = new RedisStore({ client: client as never });
    await store.connect();
    for (const queue of names.slice(0, 9)) {
      const id = await store.saveJob(queue, newJob(queue));
      expect(await store.fetchNextJob(queue, 'w', 10_000)).toMatchObject({ id });
    }
    await store.disconnect();
    expect((await at.sizes()).every((size) => size > 0)).toBe(true);
  });

  it('ends with its client', async () => {
    const client = await make();
    await expect(ping(client)).resolves.toBe('OK');
    const { quit, close } = client as { quit(): Promise<unknown>; close?(): Promise<unknown> };
    await (close ?? quit).call(client);
    await expect(ping(client)).rejects.toThrow(/^(Connection is closed\.|The client is closed)$/);
  });
});

describe.each([
  ['ioredis 5', async () => ioredis(Cluster5, { keyPrefix: 'Q:' })],
  ['ioredis 5, in the options of its nodes', async () => ioredis(Cluster5, { redisOptions: { keyPrefix: 'Q:' } })],
  ['ioredis 6', async () => ioredis(asCluster5, { keyPrefix: 'Q:' })],
  ['node-redis 6', async () => nodeRedis(asRedis5, { keyPrefix: 'Q:' })],
])('a key prefix of a cluster of %s', (_name, make: () => Promise<object>) => {
  it('stands before every key', async () => {
    const cache = new RedisCacheAdapter((await make()) as AnyClient, { keyPrefix: 'c:' });
    await Promise.all(names.map((name) => cache.set(name, 1)));
    expect(await keys()).toEqual(names.map((name) => `Q:c:${name}`).sort());
    expect((await cache.keys()).sort()).toEqual([...names].sort());
  });
});

describe.each([
  ['5', Cluster5],
  ['6', asCluster5],
])('a Cluster of ioredis %s does by itself what no cluster allows at once', (_major, Library) => {
  it('checkpoints lie in slots of their own', async () => {
    const adapter = new RedisAdapter(ioredis(Library) as AnyClient);
    const checkpoint = (id: string, sequence: number) => ({
      id,
      taskId: 't',
      sequence,
      timestamp: 0,
      progress: 0,
      data: { sequence },
    });
    for (const sequence of [1, 2, 3, 4, 5, 6]) await adapter.save(checkpoint(`c${sequence}`, sequence));
    expect((await adapter.list('t')).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await adapter.loadLatest('t')).toMatchObject({ sequence: 6 });
    await adapter.cleanup('t', 2);
    expect((await adapter.list('t')).map(({ sequence }) => sequence)).toEqual([5, 6]);
    await adapter.deleteAll('t');
    expect(await adapter.list('t')).toEqual([]);
    expect((await keys()).filter((key) => key.includes('checkpoint:t'))).toEqual([]);
    expect(warnings).toEqual([]);
  });

  it('sessions and topics of pikku are native, workflows are driven, and that is said', async () => {
    const client = ioredis(Library);
    const sessions = new RedisSessionStore(client);
    const hub = new RedisEventHubStore(client);
    for (const name of names) {
      await sessions.set(name, { userId: name });
      await hub.subscribe(name, 'channel');
    }
    for (const name of names) {
      expect(await sessions.get(name)).toEqual({ userId: name });
      expect(await hub.getChannelIdsForTopic(name)).toEqual(['channel']);
      expect(await hub.unsubscribe(name, 'channel')).toBe(true);
    }
    expect(warnings).toEqual([]);
    const service = openService(client, 'w', { wireQueues: false });
    const runs = new RedisWorkflowRunService(client, 'w');
    for (let count = 0; count < 12; count++) {
      const id = await newRun(service, { count });
      await service.insertStepState(id, 'step', 'rpc', null);
      await service.updateRunState(id, 'at', count);
      expect(await runs.getRun(id)).toMatchObject({ id, input: { count } });
      expect(await service.getStepState(id, 'step')).toMatchObject({ status: 'pending' });
      expect(await service.getRunState(id)).toEqual({ at: count });
    }
    await expect.poll(() => warnings.map(({ code }) => code)).toEqual(['REDIS_NATIVE_FALLBACK']);
    expect(bring('RedisSessionStore', client).driven).toBe(false);
  });
});

describe.each([
  ['5', Cluster5],
  ['6', asCluster5],
])('the small services of pikku on a Cluster of ioredis %s', (_major, Library) => {
  it('keep channels, and forget them', async () => {
    const client = ioredis(Library);
    const channels = new RedisChannelStore(client);
    const hub = new RedisEventHubStore(client);
    const ids = names.slice(0, 12);
    for (const channelId of ids) {
      await channels.addChannel({ channelId, channelName: 'c', openingData: {} });
      await channels.setState(channelId, { channelId });
      await hub.subscribe('t1', channelId);
      await hub.subscribe('t2', channelId);
    }
    for (const channelId of ids) expect(await channels.getState(channelId)).toEqual({ channelId });
    await channels.removeChannels(ids);
    for (const channelId of ids) await expect(channels.getChannel(channelId)).rejects.toThrow('Channel not found');
    expect((await keys()).filter((key) => !key.startsWith('pikku:topic:'))).toEqual([]);
  });

  it('keep secrets', async () => {
    const secrets = new RedisSecretService(ioredis(Library), { key: 'k'.repeat(32) });
    for (const name of names.slice(0, 12)) await secrets.setSecret(name, `of ${name}`);
    for (const name of names.slice(0, 12)) expect((await secrets.getSecret(name)).reveal()).toBe(`of ${name}`);
    await secrets.deleteSecret('name-0');
    expect(await secrets.hasSecret('name-0')).toBe(false);
  });

  it('find deployments', async () => {
    const service = new RedisDeploymentService({}, ioredis(Library));
    const functions = names.slice(0, 12);
    await service.start({ deploymentId: 'd', endpoint: 'http://127.0.0.1:1', functions });
    for (const name of functions) {
      expect(await service.findFunction(name)).toEqual([{ deploymentId: 'd', endpoint: 'http://127.0.0.1:1' }]);
    }
    await service.stop();
    expect(await keys()).toEqual([]);
  });
});

describe('a user with a password', () => {
  /** Lets the user in on every node, and gives the clients that the nodes have as this user. */
  async function allow(rights: string[]): Promise<() => Promise<number[]>> {
    const user = ['ACL', 'SETUSER', 'app', 'reset', 'on', '>secret', '~*', '&*', ...rights];
    for (const node of at.nodes) await at.tell(node, ...user);
    atEnd.push(async () => {
      for (const node of at.nodes) await at.tell(node, 'ACL', 'DELUSER', 'app');
    });
    return () =>
      Promise.all(
        at.nodes.map(async (node) => {
          const list = String(await at.tell(node, 'CLIENT', 'LIST'));
          return list.split('\n').filter((line) => line.includes('user=app') && line.includes('name=mine')).length;
        }),
      );
  }

  const login = { username: 'app', password: 'secret' };

  it.each<[string, () => Promise<object>]>([
    ['ioredis', async () => ioredis(asCluster5, { redisOptions: { ...login, connectionName: 'mine' } })],
    ['node-redis', async () => nodeRedis(asRedis5, { defaults: { ...login, name: 'mine' } })],
  ])('of %s is who the native connections are too', async (_name, make) => {
    const counts = await allow(['+@all']);
    const client = await make();
    const cache = new RedisCacheAdapter(client as AnyClient);
    await expect.poll(() => (client as { status?: string }).status ?? 'ready').toBe('ready');
    const before = (await counts()).reduce((sum, count) => sum + count, 0);
    await Promise.all(names.map((name) => cache.set(name, 1)));
    const after = (await counts()).reduce((sum, count) => sum + count, 0);
    expect(after - before).toBeGreaterThanOrEqual(3);
  });

  it('who may not run scripts has the Cluster do what needs them', async () => {
    await allow(['+@all', '-@scripting']);
    const adapter = new RedisAdapter(ioredis(asCluster5, { redisOptions: login }) as AnyClient);
    const locks = await Promise.all(names.map((name) => adapter.acquire(name, 60_000, 'me')));
    expect(locks.every((lock) => lock !== null)).toBe(true);
    await Promise.all(locks.map((lock) => lock?.release()));
    expect(await keys()).toEqual([]);
  });
});

describe('addresses that hold in the servers’ own network only', () => {
  const elsewhere = () =>
    Object.fromEntries(
      at.nodes.map(({ server }) => [`127.0.0.1:${server.port}`, { host: 'localhost', port: server.port }]),
    );

  it.each<[string, () => Promise<object>]>([
    ['ioredis', async () => ioredis(asCluster5, { natMap: elsewhere() })],
    ['node-redis', async () => nodeRedis(asRedis5, { nodeAddressMap: elsewhere() })],
  ])('are translated as %s does', async (_name, make) => {
    const client = await make();
    const cache = new RedisCacheAdapter(client as AnyClient);
    await Promise.all(names.map((name) => cache.set(name, 1)));
    expect((await keys()).length).toBe(names.length);
  });
});

describe('when a master dies', { timeout: 180_000 }, () => {
  // The replica takes over when a majority has agreed, which has no bound on a slow machine.
  const limit = 60_000;

  it.each<[string, () => Promise<object>]>([
    ['ioredis', async () => ioredis(asCluster5, { redisOptions: { commandTimeout: limit } })],
    ['node-redis', async () => nodeRedis(asRedis5, { commandOptions: { timeout: limit } })],
  ])('the connection of %s goes on with its replica, and so do its subscriptions', async (_name, make) => {
    const client = await make();
    const cache = new RedisCacheAdapter(client as AnyClient);
    const broker = redisBroker(client as never);
    const heard: string[] = [];
    broker.subscribe((message) => heard.push(message));
    await Promise.all(names.map((name) => cache.set(name, 'before')));
    const victim = await at.owner('name-0');
    await victim.server.kill();
    const late = await Promise.allSettled(names.map((name) => cache.set(name, 'after')));
    expect(late.filter(({ status }) => status === 'rejected')).toEqual([]);
    for (const name of names) expect(await cache.get(name)).toBe('after');
    heard.length = 0;
    await expect
      .poll(
        async () => {
          await broker.publish('still there');
          return heard.length;
        },
        { timeout: PATIENCE },
      )
      .toBeGreaterThan(0);
    await victim.server.launch();
    await at.settled();
    // The next to die may be its master, which only a replica that has caught up can follow.
    const link = async (): Promise<unknown> => ((await at.tell(victim, 'ROLE')) as unknown[])[3];
    await expect.poll(link, { timeout: PATIENCE }).toBe('connected');
  });
});

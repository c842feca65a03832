import { once } from 'node:events';
import { createRequire } from 'node:module';

import {
  RedisAgentRunService,
  RedisChannelStore,
  RedisDeploymentService,
  RedisEventHubStore,
  RedisSecretService,
  RedisSessionStore,
  RedisWorkflowRunService,
} from 'ferrodis/pikku';
import { Redis as Redis5 } from 'ioredis5';
import { Redis as Redis6 } from 'ioredis6';
import { afterAll, describe, expect, it } from 'vitest';

import { siblings } from '../../support/pikku/siblings.js';

const on = siblings();
const clients: Array<{ disconnect(): void }> = [];

afterAll(() => {
  for (const client of clients) client.disconnect();
});

/** A double of ioredis that never opens a socket. */
const Mock = createRequire(new URL('../../fixtures/clients/', import.meta.url))('ioredis-mock') as typeof Redis5;

/** Remembers what it was asked, and leaves the work to a client. */
function recorded(client: object, log: string[]): object {
  return new Proxy(client, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        log.push(String(name));
        return Reflect.apply(member, target, args) as unknown;
      };
    },
  });
}

function kept<Client extends { disconnect(): void }>(client: Client): Client {
  clients.push(client);
  return client;
}

/** One call of every method, by what each of them is to answer. */
async function exercise(client: object, prefix: string): Promise<void> {
  const channels = new RedisChannelStore(client, prefix);
  const hub = new RedisEventHubStore(client, prefix);
  await channels.init();
  await channels.addChannel({ channelId: 'a', channelName: 'x', openingData: { b: 1 } });
  await channels.setPikkuUserId('a', 'ada');
  await channels.setState('a', 0);
  await channels.setUserSession('a', { userId: 'ada' });
  expect(await channels.getChannel('a')).toMatchObject({ openingData: { b: 1 }, pikkuUserId: 'ada' });
  expect(await channels.getState('a')).toBe(0);
  expect((await channels.getChannelAndSession('a')).session).toEqual({ userId: 'ada' });
  await channels.clearState('a');
  expect(await channels.getState('a')).toBeUndefined();
  expect(await hub.subscribe('t', 'a')).toBe(true);
  expect(await hub.getChannelIdsForTopic('t')).toEqual(['a']);
  expect(await hub.unsubscribe('t', 'a')).toBe(true);
  expect(await hub.unsubscribe('t', 'a')).toBe(false);
  await channels.removeChannels(['a']);
  await expect(channels.getChannel('a')).rejects.toThrow('Channel not found: a');

  const sessions = new RedisSessionStore(client, prefix, 60);
  await sessions.set('u', { userId: 'u' });
  expect(await sessions.get('u')).toEqual({ userId: 'u' });
  await sessions.clear('u');
  expect(await sessions.get('u')).toBeUndefined();

  const deployments = new RedisDeploymentService({}, client, prefix);
  await deployments.start({ deploymentId: 'd', endpoint: 'http://d', functions: ['f'] });
  expect(await deployments.findFunction('f')).toEqual([{ deploymentId: 'd', endpoint: 'http://d' }]);
  await deployments.stop();
  expect(await deployments.findFunction('f')).toEqual([]);

  const secrets = new RedisSecretService(client, { key: 'k', keyPrefix: prefix });
  await secrets.setSecret('s', { a: 1 });
  expect((await secrets.getSecret<unknown>('s')).reveal()).toEqual({ a: 1 });
  const rotated = new RedisSecretService(client, { key: 'l', keyVersion: 2, previousKey: 'k', keyPrefix: prefix });
  expect(await rotated.rotateKEK()).toBe(1);
  expect((await rotated.getSecrets<{ s: unknown; none: unknown }>(['s', 'none'])).s?.reveal()).toEqual({ a: 1 });
  expect(await rotated.hasSecret('s')).toBe(true);
  await rotated.deleteSecret('s');
  expect(await rotated.hasSecret('s')).toBe(false);
}

/** The services that only read and delete, over rows that the client itself has written. */
async function look(client: Redis5, prefix: string): Promise<void> {
  const times = { createdAt: '1', updatedAt: '2' };
  await client.hset(`${prefix}:run:r`, { id: 'r', workflow: 'w', status: 'failed', input: '', ...times });
  await client.hset(`${prefix}:step:r:s:1`, { stepId: 'r:s:1:9', status: 'failed', data: '1', ...times });
  const attempt = { stepId: 'r:s:1:9', stepName: 's:1', attemptCount: 1, status: 'failed', createdAt: 1 };
  await client.zadd(`${prefix}:step-history:r:s:1:9`, 1, JSON.stringify(attempt));
  await client.hset(`${prefix}:version:w:h`, { graph: '{}', source: 'dsl' });
  const runs = new RedisWorkflowRunService(client, prefix);
  expect(await runs.listRuns({ status: 'failed' })).toMatchObject([{ id: 'r' }]);
  expect(await runs.getRun('r')).toMatchObject({ workflow: 'w', input: undefined });
  expect(await runs.getRunSteps('r')).toMatchObject([{ stepName: 's:1', data: 1 }]);
  expect(await runs.getRunHistory('r')).toMatchObject([{ stepName: 's:1', attemptCount: 1 }]);
  expect(await runs.getDistinctWorkflowNames()).toEqual(['w']);
  expect(await runs.getWorkflowVersion('w', 'h')).toEqual({ graph: {}, source: 'dsl' });
  expect(await runs.getAIGeneratedWorkflows()).toEqual([]);
  expect(await runs.deleteRun('r')).toBe(true);
  expect(await runs.deleteRun('r')).toBe(false);

  await client.zadd(`${prefix}:threads`, 1, 't');
  await client.hset(`${prefix}:thread:t`, { id: 't', resourceId: 'ada', ...times });
  await client.sadd(`${prefix}:agent-threads:g`, 't');
  await client.zadd(`${prefix}:messages:t`, 1, '{"createdAt":1}');
  await client.zadd(`${prefix}:thread-runs:t`, 1, 'x');
  await client.hset(`${prefix}:run:x`, { runId: 'x', agentName: 'g', ...times });
  const agents = new RedisAgentRunService(client, prefix);
  expect(await agents.listThreads({ owners: ['ada'] })).toMatchObject([{ id: 't' }]);
  expect(await agents.listThreads({ agentName: 'g' })).toMatchObject([{ id: 't' }]);
  expect(await agents.getThread('t')).toMatchObject({ resourceId: 'ada' });
  expect(await agents.getThreadMessages('t')).toHaveLength(1);
  expect(await agents.getThreadRuns('t')).toMatchObject([{ runId: 'x' }]);
  expect(await agents.getDistinctAgentNames()).toEqual(['g']);
  expect(await agents.deleteThread('t')).toBe(true);
  expect(await agents.deleteThread('t')).toBe(false);
}

describe.each([
  ['ioredis 5', Redis5],
  ['ioredis 6', Redis6 as unknown as typeof Redis5],
])('%s', (_, Redis) => {
  it('is stood in for by a native connection, and stays open', async () => {
    const client = kept(new Redis(on.url));
    await exercise(client, on.prefix());
    await look(client, on.prefix());
    await new RedisSessionStore(client).close();
    await expect(client.ping()).resolves.toBe('PONG');
  });

  it('may put a prefix before its keys', async () => {
    const client = kept(new Redis(on.url, { keyPrefix: 'app[1]:' }));
    const prefix = on.prefix();
    await exercise(client, prefix);
    await look(client, prefix);
    await new RedisSessionStore(client, prefix).set('u', {});
    expect(await on.redis.get(`app[1]:${prefix}:session:u`)).toBe('{}');
  });

  it('may have selected another database', async () => {
    const client = kept(new Redis(on.url, { db: 3 }));
    await new RedisSessionStore(client, 'selected').set('u', {});
    expect(await client.get('selected:session:u')).toBe('{}');
    await client.select(4);
    await expect(new RedisSessionStore(client, 'selected').get('u')).resolves.toBeUndefined();
  });

  it('that has ended is ended for the services too', async () => {
    const client = new Redis(on.url);
    const store = new RedisSessionStore(client);
    await store.init();
    const ended = once(client, 'end');
    await client.quit();
    await ended;
    await expect(store.get('u')).rejects.toThrow('Connection is closed.');
  });

  it('is driven when the user may run no scripts', async () => {
    await on.redis.sendCommand(['ACL', 'SETUSER', 'plain', 'on', '>pw', '~*', '&*', '+@all', '-@scripting']);
    const client = kept(new Redis(on.url, { username: 'plain', password: 'pw' }));
    const prefix = on.prefix();
    await exercise(client, prefix);
    await look(client, prefix);
  });

  it('is driven where its prefix has to be told to SCAN as well', async () => {
    const client = kept(new Redis(on.url, { keyPrefix: 'driven[1]:' }));
    Object.assign(client, { [Symbol.for('ferrodis.driven')]: true });
    const prefix = on.prefix();
    await exercise(client, prefix);
    await look(client, prefix);
  });
});

describe('a double', () => {
  it('is driven as it is', async () => {
    const client = kept(new Mock({ host: 'double', port: 1 }));
    await exercise(client, 'p');
    await look(client, 'p');
  });

  it('sees the commands of the original', async () => {
    const log: string[] = [];
    const double = recorded(new Mock({ host: 'double', port: 2 }), log);
    const took = async (call: () => Promise<unknown>): Promise<string[]> => {
      log.length = 0;
      await call();
      return log.filter((name) => name !== 'then');
    };
    const channels = new RedisChannelStore(double);
    expect(await took(() => channels.addChannel({ channelId: 'a', channelName: 'x' }))).toEqual(['hmset']);
    expect(await took(() => channels.getChannel('a'))).toEqual(['hgetall']);
    expect(await took(() => channels.setState('a', 1))).toEqual(['hset']);
    expect(await took(() => channels.clearState('a'))).toEqual(['hdel']);
    expect(await took(() => channels.removeChannels(['a']))).toEqual(['pipeline']);
    const sessions = new RedisSessionStore(double, 'p', 9);
    expect(await took(() => sessions.set('u', {}))).toEqual(['set']);
    const secrets = new RedisSecretService(double, { key: 'k' });
    expect(await took(() => secrets.setSecret('s', 1))).toEqual(['hget', 'hsetnx', 'hget', 'hset']);
    expect(await took(() => secrets.setSecret('s', 1))).toEqual(['hset']);
    expect(await took(() => secrets.getSecret('s'))).toEqual(['hgetall']);
  });
});

describe('where to connect', () => {
  it.each([
    ['a URL', () => on.url],
    ['host and port', () => `127.0.0.1:${on.server.port}`],
    ['our options', () => ({ host: '127.0.0.1', port: on.server.port, callTimeout: 5000 })],
    [
      "ioredis's options",
      () => ({ host: '127.0.0.1', port: on.server.port, maxRetriesPerRequest: null, lazyConnect: true }),
    ],
  ])('may be %s', async (_, connection) => {
    const store = new RedisSessionStore(connection());
    await store.init();
    await store.close();
  });

  it("keeps the keyPrefix of ioredis's options", async () => {
    const store = new RedisSessionStore({ port: on.server.port, keyPrefix: 'opt:' }, 'p');
    await store.set('u', {});
    await store.close();
    expect(await on.redis.get('opt:p:session:u')).toBe('{}');
  });

  it('names the option that cannot be honoured', () => {
    const Connector = function (): void {};
    expect(() => new RedisSessionStore({ Connector })).toThrow(/^RedisSessionStore: Connector: /);
    expect(() => new RedisSessionStore({ port: 'x' } as never)).toThrow(/^RedisSessionStore: port: must be a number$/);
  });
});

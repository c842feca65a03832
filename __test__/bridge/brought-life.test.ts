import { Redis as Ioredis5 } from 'ioredis5';
import { Redis as Ioredis6 } from 'ioredis6';
import { createClient as createClient5 } from 'redis5';
import { createClient as createClient6 } from 'redis6';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bring } from '../../dist/brought/index.js';
import { operations, type Reply } from '../../dist/client.js';
import { Server } from '../support/server.js';

const { command } = operations('redis') as { command: number };
const read = (reply: Reply) => reply.value();

let server: Server;

beforeAll(async () => {
  server = await Server.start();
});

afterAll(() => server.stop());

/** How many connections the server has that are called `name`. */
async function connectionsNamed(name: string): Promise<number> {
  const raw = await server.client();
  const list = await raw.sendCommand(['CLIENT', 'LIST']);
  raw.destroy();
  return String(list).split(` name=${name} `).length - 1;
}

describe.each([
  ['5', Ioredis5],
  ['6', Ioredis6 as unknown as typeof Ioredis5],
])('an ioredis %s client', (major, Redis) => {
  const open = (options: object = {}) => {
    const client = new Redis(server.url, { ...options });
    client.on('error', () => undefined);
    return client;
  };

  it('has one native side, on a connection of its own', async () => {
    const name = `own${major}`;
    const client = open({ connectionName: name });
    await client.ping();
    const brought = bring('redisStore', client);
    expect(bring('redisBroker', client)).toBe(brought);
    expect(brought.driven).toBe(false);
    expect(await connectionsNamed(name)).toBe(1);
    expect(await brought.call(command, read, 'SET', `k${major}`, 'v')).toBe('OK');
    expect(await client.get(`k${major}`)).toBe('v');
    expect(await connectionsNamed(name)).toBe(2);
    expect(client.listenerCount('end')).toBe(1);
    await client.quit();
    await expect.poll(() => connectionsNamed(name)).toBe(0);
  });

  it('is followed to the database that it selects', async () => {
    const client = open();
    const brought = bring('redisStore', client);
    await brought.call(command, read, 'SET', `db${major}`, 'zero');
    await client.select(5);
    expect(await brought.call(command, read, 'GET', `db${major}`)).toBeNull();
    await brought.call(command, read, 'SET', `db${major}`, 'five');
    expect(await client.get(`db${major}`)).toBe('five');
    await client.select(0);
    expect(await brought.call(command, read, 'GET', `db${major}`)).toBe('zero');
    client.disconnect();
  });

  it('takes pending and later calls with it when it ends', async () => {
    const client = open();
    await client.ping();
    const brought = bring('redisStore', client);
    await brought.call(command, read, 'PING');
    const pending = brought.call(command, read, 'BLPOP', 'nothing-there', '0').catch((reason: unknown) => reason);
    await client.quit();
    expect(await pending).toEqual(new Error('Connection is closed.'));
    await expect(brought.call(command, read, 'PING')).rejects.toEqual(new Error('Connection is closed.'));
    expect(() => brought.listen({ channel: 'c', onMessage: () => undefined })).toThrow('Connection is closed.');
  });

  it('comes back when it connects again', async () => {
    const client = open();
    const brought = bring('redisStore', client);
    await brought.call(command, read, 'PING');
    await client.quit();
    await expect.poll(() => client.status).toBe('end');
    await client.connect();
    expect(await brought.call(command, read, 'PING')).toBe('PONG');
    expect(client.listenerCount('end')).toBe(1);
    client.disconnect();
  });

  it('that waits for its first command is connected by ours', async () => {
    const client = open({ lazyConnect: true });
    const brought = bring('redisStore', client);
    expect(client.status).toBe('wait');
    expect(await brought.call(command, read, 'PING')).toBe('PONG');
    await expect.poll(() => client.status).toBe('ready');
    client.disconnect();
  });

  it('may not wait where its options say so', async () => {
    const client = open({ lazyConnect: true, enableOfflineQueue: false });
    const brought = bring('redisStore', client);
    await expect(brought.call(command, read, 'PING')).rejects.toEqual(
      new Error("Stream isn't writeable and enableOfflineQueue options is false"),
    );
    await client.connect();
    expect(await brought.call(command, read, 'PING')).toBe('PONG');
    client.disconnect();
  });

  it('limits the time of a command', async () => {
    const client = open({ commandTimeout: 100 });
    const brought = bring('redisStore', client);
    await expect(brought.call(command, read, 'BLPOP', 'nothing-there', '0')).rejects.toEqual(
      new Error('Command timed out'),
    );
    client.disconnect();
  });

  it('rejects, and throws nothing, when its options become what cannot be carried', async () => {
    const client = open({ lazyConnect: true });
    const brought = bring('redisStore', client);
    client.options.tls = { checkServerIdentity: () => undefined };
    await expect(brought.call(command, read, 'PING')).rejects.toThrow(/^tls.checkServerIdentity cannot be used/);
    client.disconnect();
  });

  it('has a key prefix that native code has to add', async () => {
    const client = open({ keyPrefix: 'app:' });
    const brought = bring('redisStore', client);
    await brought.call(command, read, 'SET', `${brought.keyPrefix}k`, 'v');
    expect(await client.get('k')).toBe('v');
    client.disconnect();
  });

  it.each([
    [true, ['before', 'after']],
    [false, ['before']],
  ])('with autoResubscribe %s hears after a cut what it then should', async (autoResubscribe, expected) => {
    const client = open({ autoResubscribe });
    const brought = bring('redisBroker', client);
    const heard: string[] = [];
    const channel = `cut${major}${autoResubscribe}`;
    const listener = brought.listen({ channel, onMessage: (payload) => heard.push(payload) });
    await listener.ready;
    await client.publish(channel, 'before');
    await expect.poll(() => heard).toEqual(['before']);
    await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    const subscribers = async () => (await client.call('PUBSUB', 'NUMSUB', channel)) as [string, number];
    await new Promise((resolve) => setTimeout(resolve, 300));
    if (autoResubscribe) await expect.poll(subscribers).toEqual([channel, 1]);
    expect(await subscribers()).toEqual([channel, autoResubscribe ? 1 : 0]);
    await client.publish(channel, 'after');
    await expect.poll(() => heard).toEqual(expected);
    client.disconnect();
  });

  it('hears messages', async () => {
    const client = open();
    const brought = bring('redisBroker', client);
    const heard: string[] = [];
    const listener = brought.listen({ channel: `c${major}`, onMessage: (payload) => heard.push(payload) });
    await listener.ready;
    await client.publish(`c${major}`, 'hello');
    await expect.poll(() => heard).toEqual(['hello']);
    client.disconnect();
  });
});

describe.each([
  ['5', createClient5],
  ['6', createClient6 as unknown as typeof createClient5],
])('a node-redis %s client', (major, createClient) => {
  it('is refused calls until it is open, and after it has ended', async () => {
    const client = createClient({ url: server.url });
    client.on('error', () => undefined);
    const brought = bring('PikkuRedis', client);
    await expect(brought.call(command, read, 'PING')).rejects.toThrow('The client is closed');
    await client.connect();
    expect(await brought.call(command, read, 'PING')).toBe('PONG');
    const pending = brought.call(command, read, 'BLPOP', 'nothing-there', '0').catch((reason: unknown) => reason);
    await client.close();
    expect(await pending).toMatchObject({ message: 'The client is closed' });
    await expect(brought.call(command, read, 'PING')).rejects.toThrow('The client is closed');
    await client.connect();
    expect(await brought.call(command, read, 'PING')).toBe('PONG');
    client.destroy();
  });

  it('has the key prefix of its options, in the version that knows one', async () => {
    const client = createClient({ url: server.url, keyPrefix: 'app:' } as object);
    client.on('error', () => undefined);
    await client.connect();
    const brought = bring('PikkuRedis', client);
    await client.set('prefixed', 'v');
    expect(await brought.call(command, read, 'GET', `${brought.keyPrefix}prefixed`)).toBe('v');
    expect(brought.keyPrefix).toBe(major === '6' ? 'app:' : '');
    client.destroy();
  });

  it('is served in the database that it had selected, arguments staged ahead included', async () => {
    const client = createClient({ url: server.url });
    client.on('error', () => undefined);
    await client.connect();
    await client.select(7);
    const brought = bring('PikkuRedis', client);
    brought.stage('k7', 'seven');
    expect(await brought.call(command, read, 'SET')).toBe('OK');
    expect(await client.get('k7')).toBe('seven');
    client.destroy();
  });
});

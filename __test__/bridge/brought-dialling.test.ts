import { Redis as Ioredis5 } from 'ioredis5';
import { Redis as Ioredis6 } from 'ioredis6';
import { createClient as createClient5 } from 'redis5';
import { createClient as createClient6 } from 'redis6';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { bring } from '../../dist/brought/index.js';
import { operations, type Reply } from '../../dist/client.js';
import { Server } from '../support/server.js';

const { command } = operations('redis') as { command: number };
const read = (reply: Reply) => reply.value();
/** A port that nobody listens on, nor is given by chance. */
const NOBODY = 1;
const refused = () => Promise.reject(new Error('nobody asked for this'));

let server: Server;
const closing: Array<() => void> = [];

beforeAll(async () => {
  server = await Server.start();
  const raw = await server.client();
  await raw.configSet('requirepass', 'first');
  raw.destroy();
});

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

afterAll(() => server.stop());

const url = (password = 'first') => server.url.replace('redis://', `redis://:${password}@`);

/** Ends all connections called `name`, as an operator would. */
async function cut(name: string): Promise<void> {
  const raw = await server.client(url());
  const list = String(await raw.sendCommand(['CLIENT', 'LIST']));
  for (const [, id] of list.matchAll(new RegExp(`id=(\\d+) [^\\n]* name=${name} `, 'g'))) {
    await raw.sendCommand(['CLIENT', 'KILL', 'ID', id as string]);
  }
  raw.destroy();
}

describe.each([
  ['5', Ioredis5],
  ['6', Ioredis6 as unknown as typeof Ioredis5],
])('the functions of an ioredis %s client', (major, Redis) => {
  const open = (target: string, options: object) => {
    const client = new Redis(target, { ...options });
    client.on('error', () => undefined);
    closing.push(() => client.disconnect());
    return client;
  };
  /** A client whose own connection is not there, in the state of one that tries again. */
  const unreachable = (options: object) => {
    const client = open(`redis://127.0.0.1:${NOBODY}`, { lazyConnect: true, ...options });
    vi.spyOn(client as unknown as { status: string }, 'status', 'get').mockReturnValue('reconnecting');
    return client;
  };

  it('retryStrategy says, once for each attempt, how long to wait, until it gives up', async () => {
    const retryStrategy = vi.fn((attempt: number) => (attempt < 4 ? 1 : null));
    const client = unreachable({ retryStrategy });
    const call = bring('redisStore', client).call(command, read, 'PING');
    await expect(call).rejects.toEqual(new Error('Connection is closed.'));
    expect(retryStrategy.mock.calls).toEqual([[1], [2], [3], [4]]);
  });

  it('that are none mean no second attempt', async () => {
    const client = unreachable({ retryStrategy: false });
    const call = bring('redisStore', client).call(command, read, 'PING');
    await expect(call).rejects.toEqual(new Error('Connection is closed.'));
  });

  it('maxRetriesPerRequest limits how long calls wait', async () => {
    const client = unreachable({ retryStrategy: () => 1, maxRetriesPerRequest: 2 });
    const call = bring('redisStore', client).call(command, read, 'PING');
    await expect(call).rejects.toMatchObject({
      name: 'MaxRetriesPerRequestError',
      message:
        'Reached the max retries per request limit (which is 2). Refer to "maxRetriesPerRequest" option for details.',
    });
  });

  it('are asked on behalf of subscriptions too', async () => {
    const retryStrategy = vi.fn((attempt: number) => (attempt < 3 ? 1 : null));
    const client = unreachable({ retryStrategy });
    const { ready } = bring('redisBroker', client).listen({ channel: 'c', onMessage: () => undefined });
    await expect(ready).rejects.toEqual(new Error('Connection is closed.'));
    expect(retryStrategy.mock.calls).toEqual([[1], [2], [3]]);
  });

  it('reconnectOnError hears of every error reply, and may have the command sent again', async () => {
    const reconnectOnError = vi.fn((error: Error) => (error.message.startsWith('WRONGTYPE') ? (2 as const) : false));
    const client = open(url(), { reconnectOnError });
    await client.set(`text${major}`, 'x');
    const brought = bring('redisStore', client);
    expect(brought.driven).toBe(false);
    await expect(brought.call(command, read, 'LPUSH', `text${major}`, 'y')).rejects.toThrow(/^WRONGTYPE/);
    expect(reconnectOnError).toHaveBeenCalledTimes(1);
    await expect(brought.call(command, read, 'NOSUCH')).rejects.toThrow(/^ERR unknown command/);
    expect(reconnectOnError).toHaveBeenCalledTimes(2);
    expect(await brought.call(command, read, 'GET', `text${major}`)).toBe('x');
  });

  it('credentials are those of the options when a connection is made', async () => {
    const name = `rotated${major}`;
    const client = open(url(), { connectionName: name });
    const brought = bring('redisStore', client);
    expect(await brought.call(command, read, 'PING')).toBe('PONG');
    await client.config('SET', 'requirepass', 'second');
    client.options.password = 'second';
    const admin = open(url('second'), {});
    await expect
      .poll(async () => {
        await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        return brought.call(command, read, 'PING');
      })
      .toBe('PONG');
    await admin.config('SET', 'requirepass', 'first');
  });

  it('credentials that the server refuses leave the work to the client', async () => {
    const client = open(url(), {});
    await client.ping();
    client.options.password = 'wrong';
    const brought = bring('redisStore', client);
    const either = () =>
      brought.either(
        'get',
        () => brought.call(command, read, 'PING'),
        () => client.echo('driven'),
      );
    expect(await either()).toBe('driven');
    expect(await either()).toBe('driven');
    await expect(brought.listen({ channel: 'c', onMessage: () => undefined }).ready).rejects.toMatchObject({
      replyCode: 'WRONGPASS',
    });
  });
});

describe.each([
  ['5', createClient5],
  ['6', createClient6 as unknown as typeof createClient5],
])('the functions of a node-redis %s client', (major, createClient) => {
  const open = async (options: object) => {
    const client = createClient({ url: server.url, ...options });
    client.on('error', () => undefined);
    await client.connect();
    closing.push(() => client.destroy());
    return client;
  };

  it('credentials are asked for before every connection', async () => {
    const credentials = vi.fn(() => Promise.resolve({ password: 'first' }));
    const name = `provider${major}`;
    const client = await open({ name, credentialsProvider: { type: 'async-credentials-provider', credentials } });
    const brought = bring('PikkuRedis', client);
    expect(await brought.call(command, read, 'PING')).toBe('PONG');
    const before = credentials.mock.calls.length;
    await cut(name);
    await expect.poll(() => credentials.mock.calls.length).toBeGreaterThanOrEqual(before + 2);
    expect(await brought.call(command, read, 'PING')).toBe('PONG');
  });

  /** A client that is open, to a server that is not there. */
  const unreachable = (reconnectStrategy: unknown) => {
    const socket = { port: NOBODY, reconnectStrategy } as object;
    const client = createClient({ socket });
    vi.spyOn(client as unknown as { isOpen: boolean }, 'isOpen', 'get').mockReturnValue(true);
    return client;
  };

  it('reconnectStrategy is told the failures so far and their cause, and gives up with an error', async () => {
    const reconnectStrategy = vi.fn((retries: number, _cause: Error) => (retries < 3 ? 1 : new Error('enough')));
    const call = bring('PikkuRedis', unreachable(reconnectStrategy)).call(command, read, 'PING');
    await expect(call).rejects.toThrow('enough');
    expect(reconnectStrategy.mock.calls.map(([retries]) => retries)).toEqual([0, 1, 2, 3]);
    expect(reconnectStrategy.mock.calls.every(([, cause]) => /refused/.test(cause.message))).toBe(true);
  });

  it('a reconnectStrategy of false means no second attempt', async () => {
    const call = bring('PikkuRedis', unreachable(false)).call(command, read, 'PING');
    await expect(call).rejects.toThrow('The client is closed');
  });
});

describe('what the server forbids', () => {
  it('is done the other way from then on, each method by itself', async () => {
    const admin = new Ioredis6(url());
    closing.push(() => admin.disconnect());
    await admin.call('ACL', 'SETUSER', 'plain', 'on', '>pw', '~*', '+@all', '-@scripting');
    const client = new Ioredis6(server.url, { username: 'plain', password: 'pw' });
    closing.push(() => client.disconnect());
    const brought = bring('redisStore', client);
    const native = vi.fn(() => brought.call(command, read, 'EVAL', 'return 1', '0'));
    const driven = vi.fn(() => client.echo('1'));
    expect(await brought.either('increment', native, driven)).toBe('1');
    expect(await brought.either('increment', native, driven)).toBe('1');
    expect([native.mock.calls.length, driven.mock.calls.length]).toEqual([1, 2]);
    expect(await brought.either('get', () => brought.call(command, read, 'GET', 'k'), refused)).toBeNull();
  });

  it('is told where the client cannot be driven', async () => {
    const client = createClient6({ url: server.url.replace('redis://', 'redis://plain:pw@') });
    await client.connect();
    closing.push(() => client.destroy());
    const brought = bring('PikkuRedis', client);
    const native = () => brought.call(command, read, 'EVAL', 'return 1', '0');
    await expect(brought.either('increment', native, refused)).rejects.toThrow(/^NOPERM/);
  });
});

import { createPrivateKey } from 'node:crypto';

import { startRedis } from 'ferrodis/testing';
import { Redis as Ioredis5 } from 'ioredis5';
import { Redis as Ioredis6 } from 'ioredis6';
import { createClient as createClient5 } from 'redis5';
import { createClient as createClient6 } from 'redis6';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { bring } from '../../dist/brought/index.js';
import { operations, type Reply } from '../../dist/client.js';
import { MASTER, Sentinels } from '../support/sentinel.js';

const { command } = operations('redis') as { command: number };
const read = (reply: Reply) => reply.value();

/** What the libraries have in common here. */
interface Client {
  on(event: 'error', listener: () => void): unknown;
  get(key: string): Promise<string | null>;
}

/** Where and how, in the words of ioredis. */
interface Place {
  port?: number;
  path?: string;
  password?: string;
  db?: number;
  tls?: object;
}

const ioredis =
  (Redis: typeof Ioredis5) =>
  (place: Place): Promise<Client> =>
    Promise.resolve(new Redis({ ...place }));

const nodeRedis =
  (createClient: typeof createClient5) =>
  async ({ port, path, tls, db, password }: Place): Promise<Client> => {
    const socket = path === undefined ? { port, ...(tls && { tls: true, ...tls }) } : { path };
    const client = createClient({
      socket: socket as { port: number },
      ...(db !== undefined && { database: db }),
      ...(password !== undefined && { password }),
    });
    client.on('error', () => undefined);
    await client.connect();
    return client as unknown as Client;
  };

const closing: Client[] = [];

afterEach(() => {
  vi.unstubAllEnvs();
  for (const client of closing.splice(0)) {
    const { disconnect, destroy } = client as { disconnect?(): void; destroy?(): void };
    if (destroy !== undefined && !('status' in client)) destroy.call(client);
    else disconnect?.call(client);
  }
});

describe.each([
  ['ioredis 5', ioredis(Ioredis5)],
  ['ioredis 6', ioredis(Ioredis6 as unknown as typeof Ioredis5)],
  ['node-redis 5', nodeRedis(createClient5)],
  ['node-redis 6', nodeRedis(createClient6 as unknown as typeof createClient5)],
])('the connection of a brought %s client', (_library, open) => {
  /** Writes natively what the client then reads, and hears a message. */
  async function works(place: Place): Promise<void> {
    const client = await open(place);
    client.on('error', () => undefined);
    closing.push(client);
    const brought = bring('redisStore', client);
    expect(brought.driven).toBe(false);
    await brought.call(command, read, 'SET', 'native', 'wrote');
    expect(await client.get('native')).toBe('wrote');
    const heard: string[] = [];
    const listener = brought.listen({ channel: 'c', onMessage: (payload) => heard.push(payload) });
    await listener.ready;
    await brought.call(command, read, 'PUBLISH', 'c', 'hello');
    await expect.poll(() => heard).toEqual(['hello']);
  }

  it('goes through a unix socket', async () => {
    await using redis = await startRedis({ unixSocket: true });
    await works({ path: redis.path as string, db: 2 });
  });

  it('is encrypted for the authority that the client trusts, as whoever its key says', async () => {
    await using redis = await startRedis({ tls: { clientAuth: true } });
    const { ca, cert, key } = redis.tls as { ca: string; cert: string; key: string };
    await works({ port: redis.port, tls: { ca, cert, key, minVersion: 'TLSv1.3' } });
    const locked = createPrivateKey(key).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'p',
    });
    await works({ port: redis.port, tls: { ca: [ca], cert: Buffer.from(cert), key: locked, passphrase: 'p' } });
  });

  it('verifies as little as the client does, in production too', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    await using redis = await startRedis({ tls: true });
    await works({ port: redis.port, tls: { rejectUnauthorized: false } });
  });

  it('logs in with a password alone', async () => {
    await using redis = await startRedis({ password: 'p@ss:/%?#ü' });
    await works({ port: redis.port, password: 'p@ss:/%?#ü' });
  });
});

describe.each([
  ['5', Ioredis5],
  ['6', Ioredis6 as unknown as typeof Ioredis5],
])('an ioredis %s client that asks sentinels', (_major, Redis) => {
  it('is followed to the master, through a failover', { timeout: 90_000 }, async () => {
    const at = await Sentinels.start();
    const client = new Redis({ sentinels: at.options.sentinels, name: MASTER, maxRetriesPerRequest: null });
    client.on('error', () => undefined);
    closing.push(client as unknown as Client);
    const brought = bring('redisStore', client);
    expect(brought.driven).toBe(false);
    await brought.call(command, read, 'SET', 'before', '1');
    const master = await at.failover();
    // What reaches the old master at the moment of the change is lost, as it is for every client.
    const written = async () => {
      await brought.call(command, read, 'SET', 'after', '2').catch(() => undefined);
      return at.tell(master, 'GET', 'after');
    };
    await expect.poll(written, { timeout: 30_000 }).toBe('2');
    client.disconnect();
    await at.stop();
  });
});

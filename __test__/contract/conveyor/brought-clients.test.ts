import { RedisStore } from 'ferrodis/conveyor';
import { Redis as IoRedis5 } from 'ioredis5';
import { Redis as IoRedis6 } from 'ioredis6';
import { createClient as createClient5 } from 'redis5';
import { createClient as createClient6 } from 'redis6';
import { describe, expect, it } from 'vitest';

import { conveyor } from '../../support/conveyor.js';
import { completion, newJob } from '../../support/job.js';

const on = conveyor();

/** A client somebody brings, reduced to what the tests need of every kind. */
interface Brought {
  client: unknown;
  /** Whether the client still answers. */
  ping(): Promise<string>;
  listeners(): number;
  close(): void;
}

type Bring = (url?: string) => Promise<Brought>;

function nodeRedis(create: typeof createClient5 | typeof createClient6): Bring {
  return async (url = on.server.url) => {
    const client = (create as typeof createClient6)({ url });
    client.on('error', () => {});
    await client.connect();
    return {
      client,
      ping: () => client.ping(),
      listeners: () => client.listenerCount('error'),
      close: () => client.destroy(),
    };
  };
}

function ioRedis(Redis: typeof IoRedis5 | typeof IoRedis6): Bring {
  return async (url = on.server.url) => {
    const client = new (Redis as typeof IoRedis6)(url);
    client.on('error', () => {});
    await client.ping();
    return {
      client,
      ping: () => client.ping(),
      listeners: () => client.listenerCount('error'),
      close: () => client.disconnect(),
    };
  };
}

const kinds: Array<[string, Bring]> = [
  ['node-redis 5', nodeRedis(createClient5)],
  ['node-redis 6', nodeRedis(createClient6)],
  ['ioredis 5', ioRedis(IoRedis5)],
  ['ioredis 6', ioRedis(IoRedis6)],
];

describe.each(kinds)('a brought %s client', (_kind, bring) => {
  async function withStore(url: string, work: (store: RedisStore, brought: Brought) => Promise<void>): Promise<void> {
    const brought = await bring(url);
    const store = new RedisStore({ client: brought.client as never });
    try {
      await store.connect();
      await work(store, brought);
    } finally {
      await store.disconnect();
      brought.close();
    }
  }

  it('says where the server is', async () => {
    await withStore(on.server.url, async (store) => {
      const queue = on.queue();
      const id = await store.saveJob(queue, newJob(queue));
      expect(await on.job(queue, id)).toMatchObject({ id, state: 'waiting' });
      await store.fetchNextJob(queue, 'w', 10_000);
      await store.updateJob(queue, id, completion(1));
      expect(await on.job(queue, id)).toMatchObject({ state: 'completed', returnvalue: 1 });
    });
  });

  it('says which database to use', async () => {
    const raw = await on.server.client(`${on.server.url}/3`);
    await withStore(`${on.server.url}/3`, async (store) => {
      const queue = on.queue();
      const id = await store.saveJob(queue, newJob(queue));
      expect(await raw.exists(on.keys(queue).job(id))).toBe(1);
      expect(await on.store.getJob(queue, id)).toBeNull();
    });
    raw.destroy();
  });

  it('is still open after disconnect and has its listeners back', async () => {
    const brought = await bring();
    const before = brought.listeners();
    const store = new RedisStore({ client: brought.client as never });
    await store.connect();
    await store.disconnect();
    expect(brought.listeners()).toBe(before);
    expect(await brought.ping()).toBe('PONG');
    brought.close();
  });

  it('receives the events of other stores', async () => {
    await withStore(on.server.url, async (store) => {
      const queue = on.queue();
      const received = new Promise((resolve) => store.subscribe(queue, resolve));
      await on.store.publish({ type: 'job:waiting', queueName: queue, timestamp: new Date(1) });
      expect(await received).toMatchObject({ type: 'job:waiting', queueName: queue });
    });
  });

  it('wins over a url', async () => {
    const brought = await bring();
    const store = new RedisStore({ client: brought.client as never, url: 'redis://127.0.0.1:1' });
    await store.connect();
    expect(await store.countJobs(on.queue(), 'waiting')).toBe(0);
    await store.disconnect();
    brought.close();
  });
});

describe('credentials of a brought client', () => {
  it.each(kinds)('of kind %s are used', async (_kind, bring) => {
    const rules = ['on', '>secret', '~*', '&*', '+@all'];
    await on.redis.sendCommand(['ACL', 'SETUSER', 'app', ...rules]);
    const brought = await bring(on.server.url.replace('redis://', 'redis://app:secret@'));
    const store = new RedisStore({ client: brought.client as never });
    await store.connect();
    const list = String(await on.redis.sendCommand(['CLIENT', 'LIST']));
    const users = list.match(/user=app /g) ?? [];
    expect(users.length).toBeGreaterThan(1);
    await store.disconnect();
    brought.close();
  });

  it.each([
    ['5', createClient5],
    ['6', createClient6 as unknown as typeof createClient5],
  ])('are asked for again at every connect (node-redis %s)', async (_major, create) => {
    let password = 'first';
    const setPassword = (to: string) => {
      password = to;
      return on.redis.sendCommand(['ACL', 'SETUSER', 'rotating', 'reset', 'on', `>${to}`, '~*', '&*', '+@all']);
    };
    await setPassword('first');
    const client = create({
      url: on.server.url,
      credentialsProvider: {
        type: 'async-credentials-provider',
        credentials: () => Promise.resolve({ username: 'rotating', password }),
      },
    });
    client.on('error', () => {});
    await client.connect();
    const store = new RedisStore({ client: client as never });
    await store.connect();
    await setPassword('second');
    await on.redis.sendCommand(['CLIENT', 'KILL', 'USER', 'rotating']);
    expect(await store.countJobs(on.queue(), 'waiting')).toBe(0);
    await store.disconnect();
    client.destroy();
  });
});

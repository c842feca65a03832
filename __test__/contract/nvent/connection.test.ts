import { RedisStoreAdapter, type RedisStoreAdapterOptions } from 'ferrodis/nvent/native';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { nvent } from '../../support/nvent.js';
import { Server } from '../../support/server.js';

const PASSWORD = '123456';
const on = nvent();
const opened: RedisStoreAdapter[] = [];
let locked: Server;

beforeAll(async () => {
  locked = await Server.start({ password: PASSWORD });
});

afterAll(() => locked.stop());

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()));
});

/** A store with exactly this connection; the type is that of what may also come out of the environment. */
function open(connection: Record<string, unknown>): RedisStoreAdapter {
  const store = new RedisStoreAdapter({ connection } as RedisStoreAdapterOptions);
  opened.push(store);
  return store;
}

describe('where the server is', () => {
  it('may be told in strings, as the environment has them', async () => {
    const store = open({ host: '127.0.0.1', port: String(on.server.port), db: '2' });
    await store.kv.set('where', 'db 2');
    await on.redis.select(2);
    expect(await on.redis.get('where')).toBe('db 2');
    await on.redis.select(0);
  });

  it('may be a URL, before whose parts the fields beside it go', async () => {
    const store = open({ url: `${on.server.url}/5`, db: 3, host: '', username: undefined });
    await store.kv.set('where', 'db 3');
    await on.redis.select(3);
    expect(await on.redis.get('where')).toBe('db 3');
    await on.redis.select(0);
  });

  it('may stand among settings for other clients', async () => {
    const store = open({ host: '127.0.0.1', port: on.server.port, maxRetriesPerRequest: null, family: 4 });
    expect(await store.kv.get('none')).toBeNull();
  });

  it('is not asked for by a store that nobody calls', async () => {
    const store = open({ host: '127.0.0.1', port: 1 });
    await store.close();
    expect(Object.keys(store)).toEqual(['stream', 'kv', 'index']);
  });

  it('fails the calls, not the constructor, when it makes no sense', async () => {
    const store = open({ host: '127.0.0.1', port: 'redis' });
    await expect(store.kv.get('x')).rejects.toThrow(/port/);
  });
});

describe('a password', () => {
  const server = () => ({ host: '127.0.0.1', port: locked.port });

  it.each([PASSWORD, Number(PASSWORD)])('of digits works as %o: Nitro makes a number of it', async (password) => {
    expect(await open({ ...server(), password }).kv.get('none')).toBeNull();
  });

  it('that is missing or wrong fails each call in the words of the server', async () => {
    for (const [password, words] of [
      [undefined, /^NOAUTH /],
      ['secret-but-wrong', /^WRONGPASS /],
    ] as const) {
      const store = open({ ...server(), password });
      for (const attempt of [1, 2]) {
        const error: unknown = await store.kv.get('x').catch((reason: unknown) => reason);
        expect(error, `attempt ${attempt}`).toBeInstanceOf(Error);
        expect((error as Error).message).toMatch(words);
        expect(String((error as Error).stack)).not.toContain('secret-but-wrong');
      }
    }
  });
});

describe('several stores of one server', () => {
  it('share a connection, which ends with the last of them', async () => {
    const clientName = 'several';
    const connections = async () => {
      const list = (await on.redis.sendCommand(['CLIENT', 'LIST'])) as unknown as string;
      return list.split('\n').filter((line) => line.includes(` name=${clientName} `)).length;
    };
    const stores = Array.from({ length: 5 }, () => open({ host: '127.0.0.1', port: on.server.port, clientName }));
    await Promise.all(stores.map((store, i) => store.kv.set(`several:${i}`, i)));
    expect(await connections()).toBe(1);

    const [last, ...others] = stores as [RedisStoreAdapter, ...RedisStoreAdapter[]];
    await Promise.all(others.map((store) => store.close()));
    expect(await last.kv.get('several:3')).toBe(3);
    await last.close();
    await expect.poll(connections).toBe(0);
  });
});

import { inspect } from 'node:util';

import { connectionOptions, RedisStoreAdapter } from 'ferrodis/nvent/native';
import { describe, expect, it, vi } from 'vitest';

import { nvent } from '../../support/nvent.js';

const on = nvent();

describe('the class', () => {
  it('has the methods of the original and no others', () => {
    expect(Object.keys(on.store.stream)).toEqual(['append', 'read', 'delete']);
    expect(Object.keys(on.store.kv)).toEqual(['get', 'set', 'delete', 'clear', 'increment']);
    expect(Object.keys(on.store.index)).toEqual([
      'add',
      'get',
      'read',
      'update',
      'updateWithRetry',
      'increment',
      'delete',
    ]);
    expect('subscribe' in on.store.stream).toBe(false);
    expect('indexAdd' in on.store || 'indexAdd' in on.store.index).toBe(false);
  });

  it('is the one of the root entry', async () => {
    const entry = 'ferrodis';
    const root: { RedisStoreAdapter?: unknown } = await import(entry);
    expect(root.RedisStoreAdapter).toBe(RedisStoreAdapter);
  });

  it('has methods that work detached', async () => {
    const { append, read } = on.store.stream;
    const { add, update, get } = on.store.index;
    const { set, increment } = on.store.kv;
    const { id } = await append('detached', { type: 't', runId: 'r', flowName: 'f' });
    expect(await read('detached')).toMatchObject([{ id }]);
    await add('detached:i', 'a', 1, { x: 1 });
    expect(await update('detached:i', 'a', { x: 2 })).toBe(true);
    expect(await get('detached:i', 'a')).toEqual({ id: 'a', score: 1, metadata: { version: 1, x: 2 } });
    await set('detached:k', 1);
    expect(await increment('detached:k')).toBe(2);
  });

  it('rejects where others would throw', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const calls: Array<[() => Promise<unknown>, new () => Error]> = [
      [() => on.store.stream.append('s', { type: 't', runId: 'r', flowName: 'f', data: cycle }), TypeError],
      [() => on.store.kv.set('k', 1n), TypeError],
      [() => on.store.kv.increment(12 as never), TypeError],
      [() => on.store.index.add('i', 'a', 1, cycle), RangeError],
      [() => on.store.index.update('i', 'a', null as never), TypeError],
      [() => on.store.index.update('i', 'a', cycle), RangeError],
      [() => on.store.index.updateWithRetry('i', 'a', { 'a.b': 1 }), Error],
    ];
    for (const [call, kind] of calls) {
      const promise = call();
      expect(promise).toBeInstanceOf(Promise);
      await expect(promise).rejects.toBeInstanceOf(kind);
    }
  });

  it('takes no connection before its first call', async () => {
    const nowhere = new RedisStoreAdapter({ connection: { host: 'host.invalid', port: 1 } });
    await nowhere.close();
    await expect(nowhere.kv.get('a')).rejects.toThrow('Connection is closed.');
  });

  it('tells a wrong connection option to the caller of a method, not of the constructor', async () => {
    const wrong = new RedisStoreAdapter({ connection: { port: 'no number' } });
    await expect(wrong.kv.get('a')).rejects.toThrow(/port/);
  });

  it('shows no secret', () => {
    const store = new RedisStoreAdapter({ connection: { password: 's3cret', username: 'me' } });
    expect(inspect(store, { depth: 9, showHidden: true })).not.toContain('s3cret');
    expect(JSON.stringify(store)).not.toContain('s3cret');
  });

  it('names errors of the server as the original does', async () => {
    await on.redis.set('text', 'x');
    const error: unknown = await on.store.index.get('text', 'a').catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      name: 'ReplyError',
      message: 'WRONGTYPE Operation against a key holding the wrong kind of value',
    });
  });
});

describe('a connection of the configuration', () => {
  it('may have numbers as text, and nothing where something is empty', () => {
    expect(connectionOptions({ host: '', port: '6380', username: '', password: '', db: '2' })).toEqual({
      port: 6380,
      db: 2,
    });
    expect(connectionOptions({ host: 'h', port: 0, db: 0 })).toEqual({ host: 'h' });
    expect(connectionOptions(undefined)).toEqual({});
  });

  it('may be a URL, and may hold what is meant for another client', () => {
    const given = { url: 'redis://h:1', lazyConnect: true, tls: true } as never;
    expect(connectionOptions(given)).toEqual({ url: 'redis://h:1', tls: true });
  });

  it('may name sentinels or nodes of a cluster, unless it has an address', () => {
    const sentinels = [{ host: 's', port: 1 }];
    const watched = { sentinels, sentinelName: 'm', sentinelPassword: 'p', db: 2, port: 6379 };
    expect(connectionOptions(watched)).toEqual({ sentinels, sentinelName: 'm', sentinelPassword: 'p', db: 2 });
    expect(connectionOptions({ cluster: [{ host: 'n' }], natMap: {} })).toEqual({
      cluster: [{ host: 'n' }],
      natMap: {},
    });
    const beside = { ...watched, natMap: {}, family: '4' as never, host: 'h' };
    expect(connectionOptions(beside)).toEqual({ host: 'h', port: 6379, db: 2, family: 4 });
  });

  it('selects its database', async () => {
    const store = on.open({ connection: { db: '3' } });
    await store.kv.set('here', 'x');
    const other = await on.server.client(`${on.server.url}/3`);
    expect(await other.get('here')).toBe('x');
    other.destroy();
  });
});

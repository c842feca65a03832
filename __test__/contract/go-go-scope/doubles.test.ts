import { RedisAdapter, RedisCacheAdapter, RedisIdempotencyAdapter } from 'ferrodis/go-go-scope';
import { describe, expect, it } from 'vitest';

/** A client whose methods answer as `answers` says, and note every call. */
function double(answers: Record<string, unknown> = {}) {
  const calls: unknown[][] = [];
  const client = new Proxy({ status: answers.status } as never as { get(): unknown; set(): unknown }, {
    get: (target, name: string) =>
      name in target
        ? (target as Record<string, unknown>)[name]
        : async (...args: unknown[]) => {
            calls.push([name, ...args]);
            return answers[name];
          },
    has: () => false,
  });
  return { client, calls };
}

const checkpoint = { id: 'i', taskId: 't', sequence: 3, timestamp: 1, progress: 0, data: 1 };

describe('on a double, exactly the calls of the original are made', () => {
  it('for locks', async () => {
    const { client, calls } = double({ set: 'OK', get: 'me', status: 'ready' });
    const adapter = new RedisAdapter(client, { keyPrefix: 'p:' });
    const handle = (await adapter.acquire('k', 5, 'me'))!;
    await handle.isValid();
    await handle.extend(7);
    await handle.release();
    await adapter.forceRelease('k');
    expect(calls).toEqual([
      ['set', 'p:lock:k', 'me', 'PX', 5, 'NX'],
      ['get', 'p:lock:k'],
      ['get', 'p:lock:k'],
      ['pexpire', 'p:lock:k', 7],
      ['get', 'p:lock:k'],
      ['del', 'p:lock:k'],
      ['del', 'p:lock:k'],
    ]);
    expect(adapter.isConnected()).toBe(true);
  });

  it('and a falsy reply means that a lock is held', async () => {
    for (const set of [null, undefined, '']) {
      expect(await new RedisAdapter(double({ set }).client).acquire('k', 5)).toBeNull();
    }
  });

  it('for circuits', async () => {
    const { client, calls } = double({ get: '{"state":"closed","failureCount":1}' });
    const adapter = new RedisAdapter(client);
    await adapter.getState('k');
    await adapter.setState('k', { state: 'open', failureCount: 1 });
    expect(await adapter.recordFailure('k', 2)).toBe(2);
    expect(calls).toEqual([
      ['get', 'circuit:k'],
      ['setex', 'circuit:k', 3600, '{"state":"open","failureCount":1}'],
      ['get', 'circuit:k'],
      [
        'setex',
        'circuit:k',
        3600,
        expect.stringMatching(/^\{"state":"open","failureCount":2,"lastFailureTime":\d+\}$/),
      ],
    ]);
  });

  it('for caches', async () => {
    const { client, calls } = double({ keys: ['c:a', 'c:b'], exists: 1, get: '1' });
    const cache = new RedisCacheAdapter(client, { keyPrefix: 'c:' });
    await cache.get('k');
    await cache.set('k', 1);
    await cache.set('k', 2, 1500);
    await cache.delete('k');
    expect(await cache.has('k')).toBe(true);
    expect(await cache.keys('x*')).toEqual(['a', 'b']);
    await cache.clear();
    expect((await cache.stats()).size).toBe(2);
    expect(calls).toEqual([
      ['get', 'c:k'],
      ['set', 'c:k', '1'],
      ['setex', 'c:k', 2, '2'],
      ['del', 'c:k'],
      ['exists', 'c:k'],
      ['keys', 'c:x*'],
      ['keys', 'c:*'],
      ['del', 'c:a', 'c:b'],
      ['keys', 'c:*'],
    ]);
  });

  it('for idempotency', async () => {
    const { client, calls } = double({ get: '{', pttl: 5 });
    expect(await new RedisIdempotencyAdapter(client).get('k')).toBeNull();
    expect(await new RedisIdempotencyAdapter(double({ get: null }).client).get('k')).toBeNull();
    expect(calls).toEqual([
      ['get', 'idempotency:k'],
      ['pttl', 'idempotency:k'],
    ]);
  });

  it('for checkpoints', async () => {
    const { client, calls } = double({ zrange: ['m1', 'm2'], zrevrange: ['m2'], get: JSON.stringify(checkpoint) });
    const adapter = new RedisAdapter(client, { keyPrefix: 'p:' });
    await adapter.save(checkpoint);
    await adapter.load('as it is');
    expect(await adapter.loadLatest('t')).toEqual(checkpoint);
    expect(await adapter.list('t')).toHaveLength(2);
    await adapter.cleanup('t', 1);
    await adapter.cleanup('t', 2);
    await adapter.deleteAll('t');
    expect(calls).toEqual([
      ['set', 'p:checkpoint:t:3', JSON.stringify(checkpoint)],
      ['zadd', 'p:checkpoint:t', 3, 'p:checkpoint:t:3'],
      ['get', 'as it is'],
      ['zrevrange', 'p:checkpoint:t', 0, 0],
      ['get', 'm2'],
      ['zrange', 'p:checkpoint:t', 0, -1],
      ['get', 'm1'],
      ['get', 'm2'],
      ['zrange', 'p:checkpoint:t', 0, -1],
      ['del', 'm1'],
      ['zrem', 'p:checkpoint:t', 'm1'],
      ['zrange', 'p:checkpoint:t', 0, -1],
      ['zrange', 'p:checkpoint:t', 0, -1],
      ['del', 'm1', 'm2'],
      ['del', 'p:checkpoint:t'],
    ]);
  });

  it('for the life of the client', async () => {
    const waiting = double({ status: 'wait' });
    const adapter = new RedisAdapter(waiting.client);
    await adapter.connect();
    await adapter.disconnect();
    expect(adapter.isConnected()).toBe(false);
    expect(waiting.calls).toEqual([['connect'], ['quit']]);
    const ended = double({ status: 'end' });
    await new RedisAdapter(ended.client).connect();
    expect(ended.calls).toEqual([]);
  });
});

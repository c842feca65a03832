import { DRIVEN, LeaseLostError } from 'ferrodis';
import { RedisAdapter } from 'ferrodis/go-go-scope';
import { describe, expect, it, vi } from 'vitest';

import { goGoScope } from '../../support/go-go-scope.js';
import { until } from '../../support/ground.js';

const on = goGoScope();
const adapter = (options?: ConstructorParameters<typeof RedisAdapter>[1]) => new RedisAdapter(on.redis, options);
const wrongType = { name: 'ReplyError', message: 'WRONGTYPE Operation against a key holding the wrong kind of value' };
const notAnInteger = { name: 'ReplyError', message: 'ERR value is not an integer or out of range' };

describe('acquire', () => {
  it('stores the owner under lock: with a life in ms', async () => {
    const handle = await adapter({ keyPrefix: 'app:' }).acquire('job', 60_000, 'me');
    expect(Object.keys(handle ?? {})).toEqual(['release', 'extend', 'isValid']);
    expect(await on.redis.get('app:lock:job')).toBe('me');
    expect(await on.redis.pttl('app:lock:job')).toBeGreaterThan(50_000);
  });

  it('makes up an owner of a time and random digits', async () => {
    await adapter().acquire('job', 60_000);
    expect(await on.redis.get('lock:job')).toMatch(/^\d{13}-[0-9a-z]{5,}$/);
  });

  it('gives null while the lock is held, also to the same owner', async () => {
    const locks = adapter();
    expect(await locks.acquire('job', 60_000, 'me')).not.toBeNull();
    expect(await locks.acquire('job', 60_000, 'me')).toBeNull();
    expect(await locks.acquire('job', 60_000)).toBeNull();
  });

  it('keeps an owner that is empty', async () => {
    const handle = await adapter().acquire('job', 60_000, '');
    expect(await on.redis.get('lock:job')).toBe('');
    expect(await handle?.isValid()).toBe(true);
  });

  it('gives null where something else is stored', async () => {
    await on.redis.hset('lock:job', 'a', '1');
    expect(await adapter().acquire('job', 60_000)).toBeNull();
    expect(await adapter().acquire('job', 60_000, 'me')).toBeNull();
  });

  it.each([0, -1])('rejects a life of %s with the words of the server', async (ttl) => {
    const error = { name: 'ReplyError', message: expect.stringMatching(/^ERR invalid expire time in '?set\b/) };
    await expect(adapter().acquire('job', ttl, 'me')).rejects.toMatchObject(error);
    await expect(adapter().acquire('job', ttl)).rejects.toMatchObject(error);
  });

  it.each([1.5, Number.NaN, undefined])('rejects a life of %s with the words of the server', async (ttl) => {
    await expect(adapter().acquire('job', ttl as number, 'me')).rejects.toMatchObject(notAnInteger);
    await expect(adapter().acquire('job', ttl as number)).rejects.toMatchObject(notAnInteger);
    expect(await on.redis.exists('lock:job')).toBe(0);
  });

  it('lets exactly one of many callers have the lock', async () => {
    const locks = adapter();
    const handles = await Promise.all(Array.from({ length: 200 }, () => locks.acquire('job', 60_000)));
    expect(handles.filter((handle) => handle !== null)).toHaveLength(1);
  });
});

describe('a handle', () => {
  it('releases, once and again', async () => {
    const handle = await adapter().acquire('job', 60_000);
    expect(await handle?.release()).toBeUndefined();
    expect(await on.redis.exists('lock:job')).toBe(0);
    expect(await handle?.release()).toBeUndefined();
  });

  it('works without its object', async () => {
    const { release, extend, isValid } = (await adapter().acquire('job', 60_000)) ?? expect.unreachable();
    expect([await extend(90_000), await isValid()]).toEqual([true, true]);
    expect(await on.redis.pttl('lock:job')).toBeGreaterThan(80_000);
    await release();
    expect([await extend(90_000), await isValid()]).toEqual([false, false]);
  });

  it('leaves the lock of the next holder alone', async () => {
    const handle = await adapter().acquire('job', 60_000, 'me');
    await on.redis.set('lock:job', 'you', 'PX', 30_000);
    expect([await handle?.extend(90_000), await handle?.isValid()]).toEqual([false, false]);
    await handle?.release();
    expect(await on.redis.get('lock:job')).toBe('you');
    expect(await on.redis.pttl('lock:job')).toBeLessThanOrEqual(30_000);
  });

  it('extends through the adapter, so that a subclass takes part', async () => {
    const extended: unknown[] = [];
    class Watched extends RedisAdapter {
      override async extend(key: string, ttl: number, owner: string): Promise<boolean> {
        extended.push([key, ttl, owner]);
        return super.extend(key, ttl, owner);
      }
    }
    const handle = await new Watched(on.redis).acquire('job', 60_000, 'me');
    expect(await handle?.extend(70_000)).toBe(true);
    expect(extended).toEqual([['job', 70_000, 'me']]);
  });

  it('deletes the lock with a life of 0 or less, which counts as extended', async () => {
    const locks = adapter();
    for (const ttl of [0, -5]) {
      await locks.acquire('job', 60_000, 'me');
      expect(await locks.extend('job', ttl, 'me')).toBe(true);
      expect(await on.redis.exists('lock:job')).toBe(0);
    }
  });

  it('rejects a life that is no integer, but only of its own lock', async () => {
    const locks = adapter();
    await locks.acquire('job', 60_000, 'me');
    await expect(locks.extend('job', 1.5, 'me')).rejects.toMatchObject(notAnInteger);
    expect(await locks.extend('job', 1.5, 'you')).toBe(false);
  });

  it('rejects where something else is stored by now', async () => {
    const handle = await adapter().acquire('job', 60_000, 'me');
    await on.redis.del('lock:job');
    await on.redis.hset('lock:job', 'a', '1');
    await expect(handle?.release()).rejects.toMatchObject(wrongType);
    await expect(handle?.extend(60_000)).rejects.toMatchObject(wrongType);
    await expect(handle?.isValid()).rejects.toMatchObject(wrongType);
  });
});

describe('forceRelease', () => {
  it('takes a lock away from whoever holds it', async () => {
    const locks = adapter();
    const handle = await locks.acquire('job', 60_000);
    expect(await locks.forceRelease('job')).toBeUndefined();
    expect(await handle?.isValid()).toBe(false);
  });
});

describe('fencing', () => {
  it('gives every holder a higher number', async () => {
    const locks = adapter({ keyPrefix: 'app:', fencing: true });
    const tokens: unknown[] = [];
    for (const owner of ['a', undefined, 'b']) {
      const handle = await locks.acquire('job', 60_000, owner);
      tokens.push(handle?.fence);
      expect(await locks.acquire('job', 60_000, 'late')).toBeNull();
      await handle?.release();
    }
    expect(tokens).toEqual([1, 2, 3]);
    expect(await on.redis.get('app:fence:job')).toBe('3');
  });

  it('takes no lock when it can give no number', async () => {
    await on.redis.hset('fence:job', 'a', '1');
    await expect(adapter({ fencing: true }).acquire('job', 60_000)).rejects.toMatchObject(wrongType);
    expect(await on.redis.exists('lock:job')).toBe(0);
  });
});

describe.each([
  ['natively', false],
  ['by the client itself', true],
])('renewLocks, %s', (_name, driven) => {
  /** A machine that stands still for two thirds of it loses the lock. */
  const TTL = 3000;
  const renewing = () => {
    const redis = Object.assign(on.redis.duplicate(), { [DRIVEN]: driven });
    redis.on('error', () => undefined);
    return { redis, locks: new RedisAdapter(redis, { renewLocks: true }) };
  };

  it('keeps a lock beyond its life, until it is released', async () => {
    const { redis, locks } = renewing();
    const handle = (await locks.acquire('job', TTL, 'me'))!;
    await new Promise((resolve) => setTimeout(resolve, TTL + 500));
    expect(await on.redis.get('lock:job')).toBe('me');
    expect(await handle.isValid()).toBe(true);
    expect(handle.lost?.aborted).toBe(false);
    await handle.release();
    expect(await on.redis.exists('lock:job')).toBe(0);
    expect(await locks.acquire('job', TTL, 'you')).not.toBeNull();
    redis.disconnect();
  });

  it('tells of a lock that somebody else has by now, and leaves that alone', async () => {
    const { redis, locks } = renewing();
    const handle = (await locks.acquire('job', TTL))!;
    const heard = vi.fn();
    handle.lost?.addEventListener('abort', heard);
    await on.redis.set('lock:job', 'thief', 'PX', 60_000);
    await until(() => heard.mock.calls.length > 0);
    expect(handle.lost?.reason).toBeInstanceOf(LeaseLostError);
    await handle.release();
    expect(heard).toHaveBeenCalledTimes(1);
    expect(await on.redis.get('lock:job')).toBe('thief');
    expect(await on.redis.pttl('lock:job')).toBeGreaterThan(50_000);
    redis.disconnect();
  });

  it('lets go of a lock with its client', async () => {
    const { redis, locks } = renewing();
    const handle = (await locks.acquire('job', 600))!;
    redis.disconnect();
    await until(() => handle.lost?.aborted === true);
    await until(async () => (await on.redis.exists('lock:job')) === 0);
  });

  it('is refused for a life that no renewal can keep', async () => {
    const { redis, locks } = renewing();
    await expect(locks.acquire('job', 0)).rejects.toThrow(/^ttl: must be more than 0 ms/);
    await expect(locks.acquire('job', 1.5)).rejects.toMatchObject(notAnInteger);
    expect(await on.redis.exists('lock:job')).toBe(0);
    redis.disconnect();
  });
});

it('renews a lock where scripts are forbidden', async () => {
  await on.redis.call('ACL', 'SETUSER', 'plain', 'on', '>pw', '~*', '&*', '+@all', '-@scripting');
  const redis = on.redis.duplicate({ username: 'plain', password: 'pw' });
  const handle = (await new RedisAdapter(redis, { renewLocks: true }).acquire('job', 3000, 'me'))!;
  await new Promise((resolve) => setTimeout(resolve, 3500));
  expect(await on.redis.get('lock:job')).toBe('me');
  expect(handle.lost?.aborted).toBe(false);
  await handle.release();
  redis.disconnect();
});

it('a handle without renewLocks knows of no loss', async () => {
  expect(await adapter().acquire('job', 60_000)).not.toHaveProperty('lost');
});

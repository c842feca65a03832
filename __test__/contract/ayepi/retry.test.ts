import type { RedisStoreOptions } from 'ferrodis/ayepi';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { AT_ONCE, ayepi, ground, required } from '../../support/ayepi.js';

const on = ground();
const { core, redisCache, redisStore } = ayepi;
const WRONGTYPE = 'WRONGTYPE Operation against a key holding the wrong kind of value';

/** A store whose key `list` makes `get` fail. */
async function failing(options: RedisStoreOptions): Promise<ReturnType<typeof redisStore>> {
  await on.redis.del('list');
  await on.redis.lpush('list', '1');
  return redisStore(on.redis, options);
}

afterEach(() => {
  for (const { setDefaultRetryOptions } of [core, required.core]) {
    setDefaultRetryOptions({ attempts: 3, onSuccess: undefined, now: undefined, sleep: undefined });
  }
});

describe('a call that keeps failing', () => {
  it('is attempted three times by default, with pauses, and reported once', async () => {
    const sleep = vi.fn(async () => undefined);
    const onError = vi.fn();
    const store = await failing({ retry: { sleep, random: () => 0 }, onError });
    const error = await store.get('list').catch((why: unknown) => why);
    expect(error).toMatchObject({ message: WRONGTYPE });
    expect(sleep.mock.calls).toEqual([[1000], [2000]]);
    expect(onError.mock.calls).toEqual([[error]]);
  });

  it('is attempted again at once only by retry: the first attempt counts', async () => {
    const seen: number[] = [];
    const store = await failing({
      retry: { ...AT_ONCE, attempts: 4, onRetry: (_e, state) => seen.push(state.attempt) },
    });
    await on.redis.config('RESETSTAT');
    await store.get('list').catch(() => undefined);
    expect(seen).toEqual([1, 2, 3]);
    expect(await on.redis.info('commandstats')).toMatch(/cmdstat_get:calls=4,/);
  });

  it('keeps its own rejection when onError throws', async () => {
    const onError = (): never => {
      throw new Error('mine');
    };
    const store = await failing({ retry: { attempts: 1 }, onError });
    await expect(store.get('list')).rejects.toThrow(WRONGTYPE);
  });

  it('does not call the onError of the retry options', async () => {
    const onError = vi.fn();
    const store = await failing({ retry: { attempts: 1, onError } as never });
    await expect(store.get('list')).rejects.toThrow(WRONGTYPE);
    expect(onError).not.toHaveBeenCalled();
  });

  it('ends at once when `on` says false, and unwraps a RetryAbort', async () => {
    const judge = vi.fn(() => false as const);
    const store = await failing({ retry: { ...AT_ONCE, on: judge } });
    await expect(store.get('list')).rejects.toThrow(WRONGTYPE);
    expect(judge).toHaveBeenCalledTimes(1);
    const cause = new Error('enough');
    const now = (): never => {
      throw new core.RetryAbort(cause);
    };
    await expect(redisCache({} as never, { now }).set('k', { staleUntil: 1 } as never)).rejects.toBe(cause);
  });

  it('resolves with errorResult, which only the types forbid', async () => {
    const onError = vi.fn();
    const store = await failing({ retry: { attempts: 1, errorResult: 'instead' } as never, onError });
    expect(await store.get('list')).toBe('instead');
    expect(onError).toHaveBeenCalledTimes(1);
  });

  it.each([0, Number.NaN, undefined])('is never made with attempts %s', async (attempts) => {
    const onError = vi.fn();
    const store = await failing({ retry: { attempts } as never, onError });
    await on.redis.config('RESETSTAT');
    expect(
      await store.get('k').then(
        () => 'resolved',
        (error: unknown) => error,
      ),
    ).toBeUndefined();
    expect(onError).not.toHaveBeenCalled();
    expect(await on.redis.info('commandstats')).not.toMatch(/cmdstat_get:/);
  });
});

describe('options', () => {
  it('are read at each call', async () => {
    const options: { retry?: RedisStoreOptions['retry']; onError?: (error: unknown) => void } = {};
    const store = await failing(options);
    const onError = vi.fn();
    options.retry = { attempts: 1 };
    options.onError = onError;
    await expect(store.get('list')).rejects.toThrow(WRONGTYPE);
    expect(onError).toHaveBeenCalledTimes(1);
  });

  it('are those of the call, whatever becomes of them before it has failed', async () => {
    const sleep = vi.fn(async () => undefined);
    core.setDefaultRetryOptions({ sleep });
    const absent: { retry?: RedisStoreOptions['retry'] } = {};
    const given: RedisStoreOptions = { retry: { attempts: 2 } };
    const failed = [await failing(absent), await failing(given)].map((store) =>
      store.get('list').catch(() => undefined),
    );
    absent.retry = { attempts: 1 };
    Object.assign(given.retry!, { attempts: 9 });
    await Promise.all(failed);
    expect(sleep).toHaveBeenCalledTimes(2 + 1);
  });

  it('lie over those of the process, which each module system has for itself', async () => {
    const sleep = vi.fn(async () => undefined);
    core.setDefaultRetryOptions({ attempts: 2, sleep });
    await failing({});
    await expect(redisStore(on.redis).get('list')).rejects.toThrow(WRONGTYPE);
    expect(sleep).toHaveBeenCalledTimes(1);
    const other = vi.fn(async () => undefined);
    required.core.setDefaultRetryOptions({ attempts: 5, sleep: other });
    await expect(required.redisStore(on.redis).get('list')).rejects.toThrow(WRONGTYPE);
    expect(other).toHaveBeenCalledTimes(4);
    expect(sleep).toHaveBeenCalledTimes(1);
  });

  it('onSuccess and now are called, from the call or from the process', async () => {
    const onSuccess = vi.fn();
    const now = vi.fn(() => 7);
    await redisStore(on.redis, { retry: { onSuccess, now } }).get('missing');
    expect(onSuccess).toHaveBeenCalledWith(undefined, expect.objectContaining({ startAt: 7, attempt: 1 }));
    core.setDefaultRetryOptions({ onSuccess });
    await redisStore(on.redis).get('missing');
    expect(onSuccess).toHaveBeenCalledTimes(2);
  });

  it('a success that is refused by onSuccess is attempted again', async () => {
    let refusals = 1;
    const onSuccess = (): void => {
      if (refusals-- > 0) throw new Error('not like this');
    };
    const prefix = on.prefix();
    expect(await redisStore(on.redis, { prefix, retry: { ...AT_ONCE, onSuccess } }).increment('n', 1)).toBe(2);
  });
});

it('what fails in JavaScript is retried too', async () => {
  const pred = vi.fn(() => {
    throw new Error('predicate');
  });
  const prefix = on.prefix();
  const cache = redisCache(on.redis, { prefix, retry: AT_ONCE });
  await cache.set('k', { key: 'k', staleUntil: Date.now() + 60_000 } as never);
  await expect(cache.invalidate(pred)).rejects.toThrow('predicate');
  expect(pred).toHaveBeenCalledTimes(3);
  expect(await on.redis.exists(`${prefix}k`)).toBe(1);
});

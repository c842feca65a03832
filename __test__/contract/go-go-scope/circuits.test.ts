import { RedisAdapter } from 'ferrodis/go-go-scope';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { goGoScope } from '../../support/go-go-scope.js';
import { until } from '../../support/ground.js';
import { expectLife } from '../../support/life.js';

const on = goGoScope();
const adapter = (options?: ConstructorParameters<typeof RedisAdapter>[1]) => new RedisAdapter(on.redis, options);
const NOW = 1_780_000_000_000;
const HOUR = 3_600_000;

afterEach(() => {
  vi.restoreAllMocks();
});

function atNow(): void {
  vi.spyOn(Date, 'now').mockReturnValue(NOW);
}

describe('getState', () => {
  it.each([
    ['nothing', null, null],
    ['an empty text', '', null],
    ['what is no JSON', '{', null],
    ['a state', '{"state":"open","failureCount":3,"x":1}', { state: 'open', failureCount: 3, x: 1 }],
    ['whatever parses', '5', 5],
  ])('reads %s', async (_name, text, state) => {
    if (text !== null) await on.redis.set('circuit:api', text);
    expect(await adapter().getState('api')).toEqual(state);
  });
});

describe('setState', () => {
  it('stores the object as it is, for an hour', async () => {
    const state = { lastSuccessTime: 2, state: 'half-open', failureCount: 1, note: 'é' } as const;
    await expectLife(on.redis, 'app:circuit:api', HOUR, async () => {
      expect(await adapter({ keyPrefix: 'app:' }).setState('api', state)).toBeUndefined();
    });
    expect(await on.redis.get('app:circuit:api')).toBe(JSON.stringify(state));
  });
});

describe('recordSuccess', () => {
  it('closes the circuit and drops the last failure', async () => {
    atNow();
    await on.redis.set('circuit:api', '{"state":"open","failureCount":9,"lastFailureTime":1}');
    expect(await adapter().recordSuccess('api')).toBeUndefined();
    expect(await on.redis.get('circuit:api')).toBe(`{"state":"closed","failureCount":0,"lastSuccessTime":${NOW}}`);
    vi.restoreAllMocks();
    await expectLife(on.redis, 'circuit:api', HOUR, () => adapter().recordSuccess('api'));
  });
});

describe('recordFailure', () => {
  it('counts, opens at the limit, and renews the hour', async () => {
    atNow();
    const circuits = adapter();
    expect(await circuits.recordFailure('api', 2)).toBe(1);
    expect(await on.redis.get('circuit:api')).toBe(`{"state":"closed","failureCount":1,"lastFailureTime":${NOW}}`);
    expect(await circuits.recordFailure('api', 2)).toBe(2);
    expect(await on.redis.get('circuit:api')).toBe(`{"state":"open","failureCount":2,"lastFailureTime":${NOW}}`);
    vi.restoreAllMocks();
    await on.redis.expire('circuit:api', 60);
    await expectLife(on.redis, 'circuit:api', HOUR, () => circuits.recordFailure('api', 2));
  });

  it.each<[string, string, number | undefined, unknown, string]>([
    ['keeps a state that is half-open', '{"state":"half-open","failureCount":1}', 9, 2, 'half-open'],
    ['keeps a state that is open', '{"state":"open","failureCount":1}', 9, 2, 'open'],
    ['takes an empty text as nothing', '', 9, 1, 'closed'],
    ['takes invalid JSON as nothing', '{"state', 9, 1, 'closed'],
    ['takes null as nothing', 'null', 9, 1, 'closed'],
    ['takes a number as nothing', '7', 9, 1, 'closed'],
    ['takes a list as nothing', '[1]', 9, 1, 'closed'],
    ['takes null members as nothing', '{"state":null,"failureCount":null}', 9, 1, 'closed'],
    ['opens at once with a limit of 0', '', 0, 1, 'open'],
    ['never opens without a limit', '{"state":"closed","failureCount":99}', undefined, 100, 'closed'],
    ['never opens with a limit that is no number', '', Number.NaN, 1, 'closed'],
    ['never opens with an infinite limit', '', Number.POSITIVE_INFINITY, 1, 'closed'],
    ['adds to a text as JavaScript does', '{"failureCount":"2"}', 99, '21', 'closed'],
    ['keeps a state that nobody knows', '{"state":"odd","failureCount":2}', 9, 3, 'odd'],
    ['does not read numbers that only Lua knows', '{"failureCount":0x10}', 9, 1, 'closed'],
    ['does not read numbers that are none', '{"failureCount":NaN}', 9, 1, 'closed'],
    [
      'reads what nests deeper than Lua can',
      `{"failureCount":4,"x":${'['.repeat(1500)}${']'.repeat(1500)}}`,
      9,
      5,
      'closed',
    ],
    ['counts fractions', '{"failureCount":1.5}', 9, 2.5, 'closed'],
  ])('%s', async (_name, before, max, count, state) => {
    atNow();
    await on.redis.set('circuit:api', before);
    expect(await adapter().recordFailure('api', max as number)).toBe(count);
    const after = JSON.stringify({ state, failureCount: count, lastFailureTime: NOW });
    expect(await on.redis.get('circuit:api')).toBe(after);
  });

  it('counts each of a thousand at once, also from two clients', async () => {
    const other = on.redis.duplicate();
    const circuits = [adapter(), new RedisAdapter(other)];
    await Promise.all(Array.from({ length: 1_000 }, (_, i) => circuits[i % 2]?.recordFailure('api', 5)));
    expect(await circuits[0]?.getState('api')).toMatchObject({ state: 'open', failureCount: 1_000 });
    other.disconnect();
  });

  it('counts each at once where JavaScript has to read the state', async () => {
    await on.redis.set('circuit:api', '{"state":"odd","failureCount":0}');
    const circuits = adapter();
    await Promise.all(Array.from({ length: 20 }, () => circuits.recordFailure('api', 99)));
    expect(await circuits.getState('api')).toMatchObject({ state: 'odd', failureCount: 20 });
  });

  it('goes through getState and setState of a subclass that has its own', async () => {
    const stored: unknown[] = [];
    class Watched extends RedisAdapter {
      override async setState(...[key, state]: Parameters<RedisAdapter['setState']>): Promise<void> {
        stored.push(state);
        await super.setState(key, state);
      }
    }
    expect(await new Watched(on.redis).recordFailure('api', 1)).toBe(1);
    expect(stored).toEqual([{ state: 'open', failureCount: 1, lastFailureTime: expect.any(Number) }]);
  });

  it('takes bytes that are no text for nothing', async () => {
    await on.redis.set('circuit:bytes', Buffer.from([0x7b, 0xff]));
    expect(await new RedisAdapter(on.redis).recordFailure('bytes', 5)).toBe(1);
    expect(await new RedisAdapter(on.redis).recordFailure('bytes', 5)).toBe(2);
  });

  it('rejects where something else is stored', async () => {
    await on.redis.hset('circuit:api', 'a', '1');
    await expect(adapter().recordFailure('api', 1)).rejects.toMatchObject({ name: 'ReplyError' });
  });
});

describe('with circuitEvents', () => {
  it('every change is heard by adapters with the option, and by no other circuit', async () => {
    const circuits = adapter({ circuitEvents: true });
    const heard: unknown[] = [];
    const end = circuits.subscribe?.('api', (state) => heard.push(state.failureCount));
    const listeners = async (): Promise<unknown> => (await on.redis.pubsub('NUMSUB', 'circuit:api'))[1];
    await until(async () => (await listeners()) === 1);
    await circuits.recordFailure('api', 9);
    await circuits.recordFailure('other', 9);
    await circuits.setState('api', { state: 'open', failureCount: 7 });
    await on.redis.set('circuit:api', '{"state":"odd"}');
    await circuits.recordFailure('api', 9);
    await circuits.recordSuccess('api');
    await until(() => heard.length >= 4);
    expect(heard).toEqual([1, 7, 1, 0]);
    end?.();
    await until(async () => (await listeners()) === 0);
  });

  it('the adapter has subscribe, and without the option it has not', () => {
    expect(adapter().subscribe).toBeUndefined();
    expect(adapter({ circuitEvents: true }).subscribe).toBeTypeOf('function');
  });
});

import { RedisSessionStore } from 'ferrodis/pikku';
import { describe, expect, it } from 'vitest';

import { original, siblings } from '../../support/pikku/siblings.js';

const on = siblings();

function open(prefix: string, ttlSeconds?: number): RedisSessionStore {
  return on.keep(new RedisSessionStore(on.url, prefix, ttlSeconds));
}

describe('sessions', () => {
  it('come back as they were set, until they are cleared', async () => {
    const store = open(on.prefix());
    await store.init();
    await expect(store.get('ada')).resolves.toBeUndefined();
    await store.set('ada', { userId: 'ada' });
    await expect(store.get('ada')).resolves.toEqual({ userId: 'ada' });
    await store.clear('ada');
    await store.clear('ada');
    await expect(store.get('ada')).resolves.toBeUndefined();
  });

  it('live as long as the store was told, from each set on', async () => {
    const prefix = on.prefix();
    const store = open(prefix, 60);
    await store.set('ada', { userId: 'ada' });
    await on.redis.expire(`${prefix}:session:ada`, 10);
    await store.get('ada');
    expect(await on.redis.ttl(`${prefix}:session:ada`)).toBeLessThanOrEqual(10);
    await store.set('ada', { userId: 'ada' });
    expect(await on.redis.ttl(`${prefix}:session:ada`)).toBeGreaterThan(50);
  });

  it('live for ever without that, whatever held before', async () => {
    const prefix = on.prefix();
    await open(prefix, 60).set('ada', { userId: 'ada' });
    await open(prefix, 0).set('ada', { userId: 'ada' });
    expect(await on.redis.ttl(`${prefix}:session:ada`)).toBe(-1);
  });

  it('of no value are stored as nothing and read as none', async () => {
    const prefix = on.prefix();
    const store = open(prefix);
    await store.set('ada', undefined as never);
    expect(await on.redis.get(`${prefix}:session:ada`)).toBe('');
    await expect(store.get('ada')).resolves.toBeUndefined();
  });

  it('that are not JSON are a SyntaxError', async () => {
    const prefix = on.prefix();
    await on.redis.set(`${prefix}:session:ada`, '{');
    await expect(open(prefix).get('ada')).rejects.toBeInstanceOf(SyntaxError);
  });

  it('refuse a time to live that the server refuses', async () => {
    await expect(open(on.prefix(), 1.5).set('ada', {})).rejects.toMatchObject({ name: 'ReplyError' });
  });

  it('take one round trip each', async () => {
    const store = on.keep(new RedisSessionStore(on.proxy.url, on.prefix()));
    await store.init();
    expect(await on.proxy.count(() => store.set('ada', {}))).toBe(1);
    expect(await on.proxy.count(() => store.get('ada'))).toBe(1);
    expect(await on.proxy.count(() => store.clear('ada'))).toBe(1);
  });
});

describe('beside the original', () => {
  it('each reads what the other wrote, byte for byte the same', async () => {
    const { RedisSessionStore: Original } = await original('0.12.18');
    const [theirs, ours] = [on.prefix(), on.prefix()];
    const stores = [on.keep(new Original(on.url, theirs, 60)) as RedisSessionStore, open(ours, 60)];
    const session = { userId: 'ä', list: [1, null, undefined], at: new Date(0) };
    for (const store of stores) await store.set('ada:1', session);
    expect(await on.dump(ours)).toEqual(await on.dump(theirs));
    const read = { userId: 'ä', list: [1, null, null], at: '1970-01-01T00:00:00.000Z' };
    await expect(open(theirs).get('ada:1')).resolves.toEqual(read);
    await expect(on.keep(new Original(on.url, ours) as RedisSessionStore).get('ada:1')).resolves.toEqual(read);
  });
});

describe('an own connection', () => {
  it('is closed with the store, and says so afterwards', async () => {
    const store = new RedisSessionStore(on.url);
    await store.init();
    await store.close();
    await store.close();
    await expect(store.get('ada')).rejects.toThrow('Connection is closed.');
  });
});

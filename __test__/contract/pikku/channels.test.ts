import { ChannelStore } from '@pikku/core/channel';
import { RedisChannelStore, RedisEventHubStore } from 'ferrodis/pikku';
import { describe, expect, it } from 'vitest';

import { original, siblings } from '../../support/pikku/siblings.js';

const on = siblings();

function channels(prefix: string, url: string = on.url): RedisChannelStore {
  return on.keep(new RedisChannelStore(url, prefix));
}

function topics(prefix: string, url: string = on.url): RedisEventHubStore {
  return on.keep(new RedisEventHubStore(url, prefix));
}

describe('RedisChannelStore', () => {
  it("extends the host's ChannelStore", () => {
    expect(channels(on.prefix())).toBeInstanceOf(ChannelStore);
  });

  it('keeps name, opening data and user of a channel', async () => {
    const store = channels(on.prefix());
    await store.init();
    await store.addChannel({ channelId: 'a:1', channelName: 'chat', channelObject: {}, openingData: { room: 7 } });
    expect(await store.getChannel('a:1')).toStrictEqual({
      channelId: 'a:1',
      channelName: 'chat',
      openingData: { room: 7 },
      pikkuUserId: undefined,
    });
    await store.setPikkuUserId('a:1', 'ada');
    await expect(store.getChannel('a:1')).resolves.toMatchObject({ pikkuUserId: 'ada' });
    await store.setPikkuUserId('a:1', null);
    await store.setPikkuUserId('a:1', '');
    await expect(store.getChannel('a:1')).resolves.toMatchObject({ pikkuUserId: undefined });
  });

  it.each([[undefined], [null], [0], ['']])('stores opening data %j as an empty object', async (openingData) => {
    const prefix = on.prefix();
    await channels(prefix).addChannel({ channelId: 'a', channelName: undefined as never, openingData });
    expect(await on.redis.hGetAll(`${prefix}:channel:a`)).toMatchObject({ channelName: '', openingData: '{}' });
  });

  it('keeps user and state of a channel that is added again', async () => {
    const store = channels(on.prefix());
    await store.addChannel({ channelId: 'a', channelName: 'x' });
    await store.setPikkuUserId('a', 'ada');
    await store.setState('a', { step: 2 });
    await store.addChannel({ channelId: 'a', channelName: 'y' });
    await expect(store.getChannel('a')).resolves.toMatchObject({ channelName: 'y', pikkuUserId: 'ada' });
    await expect(store.getState('a')).resolves.toEqual({ step: 2 });
  });

  it('rejects an unknown channel with the exact text, also when only a user is known of it', async () => {
    const store = channels(on.prefix());
    await expect(store.getChannel('a')).rejects.toThrow(/^Channel not found: a$/);
    await store.setPikkuUserId('a', 'ada');
    await expect(store.getChannel('a')).rejects.toThrow(/^Channel not found: a$/);
    await expect(store.getChannelAndSession('a')).rejects.toThrow(/^Channel not found: a$/);
  });

  it.each([[0], [false], [''], [{ a: [1] }]])('gives the state %j back', async (state) => {
    const store = channels(on.prefix());
    await store.setState('a', state);
    await expect(store.getState('a')).resolves.toEqual(state);
    await store.clearState('a');
    await expect(store.getState('a')).resolves.toBeUndefined();
  });

  it.each([['null'], [''], ['{']])('reads the stored state %j as none', async (stored) => {
    const prefix = on.prefix();
    await on.redis.hSet(`${prefix}:channel:a`, 'state', stored);
    await expect(channels(prefix).getState('a')).resolves.toBeUndefined();
  });

  it('stores what has no JSON as null', async () => {
    const prefix = on.prefix();
    await channels(prefix).setState('a', undefined);
    await channels(prefix).setState('b', () => 1);
    expect(await on.redis.hGet(`${prefix}:channel:a`, 'state')).toBe('null');
    expect(await on.redis.hGet(`${prefix}:channel:b`, 'state')).toBe('null');
  });

  it('has the session methods of hosts before 0.12.5', async () => {
    const store = channels(on.prefix());
    await store.addChannel({ channelId: 'a', channelName: 'x', openingData: { b: 1 } });
    const channel = { channelId: 'a', channelName: 'x', openingData: { b: 1 } };
    await expect(store.getChannelAndSession('a')).resolves.toEqual({ ...channel, session: {} });
    await store.setUserSession('a', { userId: 'ada' });
    await expect(store.getChannelAndSession('a')).resolves.toEqual({ ...channel, session: { userId: 'ada' } });
    await store.setUserSession('a', null);
    await expect(store.getChannelAndSession('a')).resolves.toEqual({ ...channel, session: {} });
  });

  it('takes removed channels out of their topics', async () => {
    const prefix = on.prefix();
    const [store, hub] = [channels(prefix), topics(prefix)];
    for (const id of ['a', 'b', 'c']) {
      await store.addChannel({ channelId: id, channelName: 'x' });
      await hub.subscribe('news', id);
      await hub.subscribe(`only:${id}`, id);
    }
    await store.removeChannels(['a', 'b', 'unknown']);
    expect(Object.keys(await on.dump(prefix))).toEqual(['channel:c', 'subs:c', 'topic:news', 'topic:only:c']);
    await expect(hub.getChannelIdsForTopic('news')).resolves.toEqual(['c']);
    await store.removeChannels([]);
  });

  it('removes a thousand channels at once', async () => {
    const prefix = on.prefix();
    const [store, hub] = [channels(prefix), topics(prefix)];
    const ids = Array.from({ length: 1000 }, (_, at) => `c${at}`);
    await Promise.all(ids.map((id) => hub.subscribe('news', id)));
    await store.removeChannels(ids);
    await expect(on.dump(prefix)).resolves.toEqual({});
  });

  it('names the argument that is missing, and writes nothing', async () => {
    const prefix = on.prefix();
    const store = channels(prefix);
    const missing = { code: 'ERR_FERRODIS_ARGUMENT', message: 'channelId is missing' };
    await expect(store.addChannel({ channelId: undefined as never, channelName: 'x' })).rejects.toMatchObject(missing);
    await expect(store.removeChannels(['a', undefined as never])).rejects.toMatchObject(missing);
    await expect(on.dump(prefix)).resolves.toEqual({});
  });

  it('takes one round trip for every call', async () => {
    const prefix = on.prefix();
    const [store, hub] = [channels(prefix, on.proxy.url), topics(prefix, on.proxy.url)];
    await store.removeChannels(['warm up']);
    await hub.init();
    const calls = [
      () => store.addChannel({ channelId: 'a', channelName: 'x' }),
      () => store.getChannel('a'),
      () => store.setPikkuUserId('a', 'ada'),
      () => store.setState('a', 1),
      () => store.getState('a'),
      () => store.clearState('a'),
      () => hub.subscribe('news', 'a'),
      () => hub.getChannelIdsForTopic('news'),
      () => hub.unsubscribe('news', 'a'),
      () => store.removeChannels(['a', 'b', 'c']),
    ];
    for (const call of calls) expect(await on.proxy.count(call)).toBe(1);
    expect(await on.proxy.count(() => store.removeChannels([]))).toBe(0);
  });
});

describe('RedisEventHubStore', () => {
  it('knows who follows a topic', async () => {
    const hub = topics(on.prefix());
    await expect(hub.getChannelIdsForTopic('news')).resolves.toEqual([]);
    await expect(hub.subscribe('news', 'a')).resolves.toBe(true);
    await expect(hub.subscribe('news', 'a')).resolves.toBe(true);
    await hub.subscribe('news', 'b');
    expect((await hub.getChannelIdsForTopic('news')).sort()).toEqual(['a', 'b']);
    await expect(hub.unsubscribe('news', 'a')).resolves.toBe(true);
    await expect(hub.unsubscribe('news', 'a')).resolves.toBe(false);
    await expect(hub.getChannelIdsForTopic('news')).resolves.toEqual(['b']);
  });

  it('says so when Redis refuses, where the original says that all is well', async () => {
    const prefix = on.prefix();
    await on.redis.set(`${prefix}:topic:news`, 'no set');
    await expect(topics(prefix).subscribe('news', 'a')).rejects.toThrow(/WRONGTYPE/);
  });
});

/** Both stores on one prefix. */
interface Side {
  store: RedisChannelStore;
  hub: RedisEventHubStore;
}

describe('beside the original', () => {
  it.each(['0.12.18', '0.12.3'])('writes the same bytes as %s, and each reads the other', async (version) => {
    const theirClasses = await original(version);
    const oldMethods = version === '0.12.3';
    const open = (classes: typeof theirClasses, prefix: string): Side => ({
      store: on.keep(new classes['RedisChannelStore'](on.url, prefix)) as RedisChannelStore,
      hub: on.keep(new classes['RedisEventHubStore'](on.url, prefix)) as RedisEventHubStore,
    });
    const ourClasses = { RedisChannelStore, RedisEventHubStore } as unknown as typeof theirClasses;
    const [theirs, ours] = [on.prefix(), on.prefix()];
    const dumps: unknown[] = [];
    for (const [classes, prefix] of [
      [theirClasses, theirs],
      [ourClasses, ours],
    ] as const) {
      const { store, hub } = open(classes, prefix);
      await store.addChannel({ channelId: 'a', channelName: 'ä', openingData: { n: null, at: new Date(0) } });
      if (oldMethods) await store.setUserSession('a', { userId: 'ada' });
      else {
        await store.setPikkuUserId('a', 'ada');
        await store.setState('a', { list: [undefined, Number.NaN] });
      }
      await hub.subscribe('news', 'a');
      await hub.subscribe('other', 'a');
      await hub.unsubscribe('other', 'a');
      const found = (await on.dump(prefix)) as Record<string, Record<string, string>>;
      expect(Number(found['channel:a']?.['createdAt'])).toBeGreaterThan(0);
      delete found['channel:a']?.['createdAt'];
      dumps.push(found);
    }
    expect(dumps[1]).toEqual(dumps[0]);

    for (const { store, hub } of [open(ourClasses, theirs), open(theirClasses, ours)]) {
      const read = oldMethods ? store.getChannelAndSession('a') : store.getChannel('a');
      await expect(read).resolves.toMatchObject({ channelId: 'a', channelName: 'ä', openingData: { n: null } });
      await expect(hub.getChannelIdsForTopic('news')).resolves.toEqual(['a']);
    }
  });

  it('cleans up behind a channel that the original subscribed', async () => {
    const { RedisEventHubStore: Original } = await original('0.12.18');
    const prefix = on.prefix();
    const hub = on.keep(new Original(on.url, prefix)) as RedisEventHubStore;
    await hub.subscribe('news', 'a');
    await channels(prefix).removeChannels(['a']);
    await expect(hub.getChannelIdsForTopic('news')).resolves.toEqual([]);
  });
});

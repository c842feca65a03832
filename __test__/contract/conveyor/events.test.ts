import { RedisStore } from 'ferrodis/conveyor';
import { describe, expect, it, vi } from 'vitest';

import { conveyor, Warnings } from '../../support/conveyor.js';

const on = conveyor();
type Event = Parameters<RedisStore['publish']>[0];

function event(queueName: string, fields: Partial<Event> = {}): Event {
  return { type: 'job:progress', queueName, jobId: 'i', data: 5, timestamp: new Date(1), ...fields };
}

/** Collects the events a store receives for a queue. */
function listen(store: RedisStore, queue: string) {
  const events: Event[] = [];
  let wake: () => void = () => {};
  store.subscribe(queue, (received) => {
    events.push(received);
    wake();
  });
  return {
    events,
    async until(count: number): Promise<Event[]> {
      while (events.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return events;
    },
  };
}

/** Publishes a last message that every subscriber of the queue sees, so that all before it have come. */
async function marker(queue: string): Promise<void> {
  const payload = { type: 'marker', queueName: queue, timestamp: 2, originId: 'elsewhere' };
  await on.redis.publish('conveyor:events', JSON.stringify(payload));
}

describe('publish', () => {
  it('hands the very same event to subscribers of the same store before it returns', async () => {
    const queue = on.queue();
    const callback = vi.fn();
    on.store.subscribe(queue, callback);
    const sent = event(queue);
    const published = on.store.publish(sent);
    expect(callback).toHaveBeenCalledTimes(1);
    expect(callback.mock.calls[0][0]).toBe(sent);
    await published;
  });

  it('reaches the subscribers of another store with all five properties', async () => {
    const queue = on.queue();
    const other = await on.open();
    const inbox = listen(other, queue);
    await on.store.publish(event(queue));
    expect(await inbox.until(1)).toEqual([event(queue)]);
    await on.store.publish({ type: 'queue:paused', queueName: queue, timestamp: new Date(3) });
    const [, second] = await inbox.until(2);
    expect(Object.keys(second).sort()).toEqual(['data', 'jobId', 'queueName', 'timestamp', 'type']);
    expect(second.data).toBeUndefined();
  });

  it('does not come back to the store that sent it', async () => {
    const queue = on.queue();
    const inbox = listen(on.store, queue);
    await on.store.publish(event(queue));
    await marker(queue);
    const events = await inbox.until(2);
    expect(events.map(({ type }) => type)).toEqual(['job:progress', 'marker']);
  });

  it('keeps the order of a publisher', async () => {
    const queue = on.queue();
    const other = await on.open();
    const inbox = listen(other, queue);
    const numbers = Array.from({ length: 200 }, (_, i) => i);
    await Promise.all(numbers.map((data) => on.store.publish(event(queue, { data }))));
    expect((await inbox.until(200)).map(({ data }) => data)).toEqual(numbers);
  });

  it('reaches only subscribers of its queue', async () => {
    const [one, two] = [on.queue(), on.queue()];
    const other = await on.open();
    const [first, second] = [listen(other, one), listen(other, two)];
    await on.store.publish(event(one));
    await marker(two);
    expect(await first.until(1)).toHaveLength(1);
    expect((await second.until(1)).map(({ type }) => type)).toEqual(['marker']);
  });

  it.each([
    ['data that cannot be serialised', { data: 1n }],
    ['a timestamp that is no Date', { timestamp: 5 as never }],
  ])('rejects %s after it told local subscribers', async (_name, fields) => {
    const queue = on.queue();
    const callback = vi.fn();
    on.store.subscribe(queue, callback);
    await expect(on.store.publish(event(queue, fields))).rejects.toThrow(TypeError);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  it('rejects before connect without telling anybody', async () => {
    const store = new RedisStore({ url: on.server.url });
    const callback = vi.fn();
    store.subscribe('q', callback);
    await expect(store.publish(event('q'))).rejects.toThrow(
      new Error('[Conveyor] RedisStore is not connected — call connect() first'),
    );
    expect(callback).not.toHaveBeenCalled();
  });
});

describe('callbacks', () => {
  it('are called in the order they were registered, each once', async () => {
    const queue = on.queue();
    const calls: string[] = [];
    const first = (): void => void calls.push('first');
    on.store.subscribe(queue, first);
    on.store.subscribe(queue, () => void calls.push('second'));
    on.store.subscribe(queue, first);
    await on.store.publish(event(queue));
    expect(calls).toEqual(['first', 'second']);
  });

  it('may be removed and added while an event is handed out', async () => {
    const queue = on.queue();
    const calls: string[] = [];
    const removed = (): void => void calls.push('removed');
    on.store.subscribe(queue, () => {
      calls.push('first');
      on.store.unsubscribe(queue, removed);
      on.store.subscribe(queue, added);
    });
    const added = (): void => void calls.push('added');
    on.store.subscribe(queue, removed);
    await on.store.publish(event(queue));
    expect(calls).toEqual(['first', 'added']);
  });

  it('that throw are warned about and do not stop the others', async () => {
    const warnings = new Warnings();
    const store = await on.open({ logger: warnings.logger });
    const queue = on.queue();
    const failure = new Error('mine');
    const callback = vi.fn();
    store.subscribe(queue, () => {
      throw failure;
    });
    store.subscribe(queue, callback);
    await store.publish(event(queue));
    expect(callback).toHaveBeenCalledTimes(1);
    expect(warnings.lines).toEqual([['[Conveyor] Subscriber callback threw:', failure]]);
  });

  it('that throw go to onEventHandlerError instead when it is given', async () => {
    const warnings = new Warnings();
    const onEventHandlerError = vi.fn();
    const store = await on.open({ logger: warnings.logger, onEventHandlerError });
    const queue = on.queue();
    const failure = new Error('mine');
    store.subscribe(queue, () => {
      throw failure;
    });
    await store.publish(event(queue));
    expect(onEventHandlerError.mock.calls[0]?.[0]).toBe(failure);
    expect(warnings.lines).toEqual([]);
  });

  it('are removed one by one or all at once', async () => {
    const queue = on.queue();
    const [one, two] = [vi.fn(), vi.fn()];
    on.store.subscribe(queue, one);
    on.store.subscribe(queue, two);
    on.store.unsubscribe(queue, one);
    await on.store.publish(event(queue));
    on.store.unsubscribe(queue);
    await on.store.publish(event(queue));
    expect([one.mock.calls.length, two.mock.calls.length]).toEqual([0, 1]);
  });

  it('that are unknown may be removed', () => {
    expect(on.store.unsubscribe('nobody')).toBeUndefined();
    expect(on.store.unsubscribe('nobody', () => {})).toBeUndefined();
  });

  it('registered before connect work after it', async () => {
    const queue = on.queue();
    const store = new RedisStore({ url: on.server.url });
    const inbox = listen(store, queue);
    await store.connect();
    await on.store.publish(event(queue));
    expect(await inbox.until(1)).toHaveLength(1);
    await store.disconnect();
  });
});

describe('a message from elsewhere', () => {
  const shape = '[Conveyor] Dropping Redis event with invalid shape (missing queueName or timestamp):';

  it.each([
    ['null', 'null'],
    ['a number', '5'],
    ['a text', '"x"'],
    ['a list', '[]'],
    ['no queue name', '{"type":"x","timestamp":1}'],
    ['a queue name that is no text', '{"queueName":5,"timestamp":1}'],
    ['no timestamp', '{"queueName":"q"}'],
    ['a timestamp that is no number', '{"queueName":"q","timestamp":"1"}'],
  ])('with %s is dropped with a warning', async (_name, payload) => {
    const warnings = new Warnings();
    await on.open({ logger: warnings.logger });
    await on.redis.publish('conveyor:events', payload);
    const [, parsed] = await warnings.seen(shape);
    expect(parsed).toEqual(JSON.parse(payload));
  });

  it.each(['', '{', 'not json'])('that is no JSON (%s) is dropped with a warning', async (payload) => {
    const warnings = new Warnings();
    await on.open({ logger: warnings.logger });
    await on.redis.publish('conveyor:events', payload);
    const [, error] = await warnings.seen('[Conveyor] Received malformed Redis event payload:');
    expect(error).toBeInstanceOf(Error);
  });

  it('is handed out after malformed ones', async () => {
    const queue = on.queue();
    const inbox = listen(on.store, queue);
    for (const payload of ['{', 'null', '{"queueName":5}']) {
      await on.redis.publish('conveyor:events', payload);
    }
    await marker(queue);
    expect(await inbox.until(1)).toEqual([
      { type: 'marker', queueName: queue, timestamp: new Date(2), jobId: undefined, data: undefined },
    ]);
  });

  it('keeps escapes, order of keys and unknown properties from confusing it', async () => {
    const queue = `q "\\ é-${on.queue()}`;
    const inbox = listen(on.store, queue);
    const name = JSON.stringify(queue);
    await on.redis.publish(
      'conveyor:events',
      ` { "extra":{"queueName":"no","originId":"no"}, "timestamp" : 1e3, "data":{"queueName":"x"}, "queueName":${name}, "type":"t"}`,
    );
    expect(await inbox.until(1)).toEqual([
      {
        type: 't',
        queueName: queue,
        jobId: undefined,
        data: { queueName: 'x' },
        timestamp: new Date(1000),
      },
    ]);
  });

  it('under another prefix is not heard', async () => {
    const queue = on.queue();
    const other = await on.open({ keyPrefix: 'other' });
    const inbox = listen(other, queue);
    await on.store.publish(event(queue));
    const last = { type: 'last', queueName: queue, timestamp: 1, originId: 'x' };
    await on.redis.publish('other:events', JSON.stringify(last));
    expect((await inbox.until(1)).map(({ type }) => type)).toEqual(['last']);
  });
});

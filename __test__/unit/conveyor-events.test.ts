import { beforeEach, describe, expect, it, vi } from 'vitest';

import { EventHub } from '../../ts/conveyor/events.js';
import type { Logger, StoreEvent } from '../../ts/conveyor/types.js';

const warn = vi.fn<Logger['warn']>();
const logger: Logger = { debug: vi.fn(), info: vi.fn(), warn, error: vi.fn() };
const event: StoreEvent = { type: 'job:progress', queueName: 'q', jobId: 'i', data: 5, timestamp: new Date(1) };

function listener() {
  return { interest: vi.fn(), ready: Promise.resolve(), close: () => Promise.resolve() };
}

beforeEach(() => {
  warn.mockClear();
});

describe('delivery in this process', () => {
  it('calls the callbacks of that queue, in order, with the very event', () => {
    const hub = new EventHub('me', logger);
    const calls: unknown[] = [];
    hub.subscribe('q', (got) => calls.push(['first', got]));
    hub.subscribe('other', () => calls.push('other'));
    hub.subscribe('q', (got) => calls.push(['second', got]));
    hub.dispatch(event);
    expect(calls).toEqual([
      ['first', event],
      ['second', event],
    ]);
    expect((calls[0] as unknown[])[1]).toBe(event);
  });

  it('calls a callback once that was registered twice', () => {
    const hub = new EventHub('me', logger);
    const callback = vi.fn();
    hub.subscribe('q', callback);
    hub.subscribe('q', callback);
    hub.dispatch(event);
    expect(callback).toHaveBeenCalledOnce();
  });

  it('also calls what a callback registers, and no longer what it removes', () => {
    const hub = new EventHub('me', logger);
    const added = vi.fn();
    const removed = vi.fn();
    hub.subscribe('q', () => {
      hub.unsubscribe('q', removed);
      hub.subscribe('q', added);
    });
    hub.subscribe('q', removed);
    hub.dispatch(event);
    expect(added).toHaveBeenCalledOnce();
    expect(removed).not.toHaveBeenCalled();
  });

  it('goes on after a callback that throws, and warns', () => {
    const hub = new EventHub('me', logger);
    const failure = new Error('no');
    const after = vi.fn();
    hub.subscribe('q', () => {
      throw failure;
    });
    hub.subscribe('q', after);
    hub.dispatch(event);
    expect(after).toHaveBeenCalledOnce();
    expect(warn).toHaveBeenCalledExactlyOnceWith('[Conveyor] Subscriber callback threw:', failure);
  });

  it('tells onEventHandlerError instead of warning', () => {
    const onHandlerError = vi.fn();
    const hub = new EventHub('me', logger, onHandlerError);
    const failure = new Error('no');
    hub.subscribe('q', () => {
      throw failure;
    });
    hub.dispatch(event);
    expect(onHandlerError).toHaveBeenCalledExactlyOnceWith(failure);
    expect(warn).not.toHaveBeenCalled();
  });

  it('survives an onEventHandlerError that throws', () => {
    const hub = new EventHub('me', logger, () => {
      throw new Error('again');
    });
    hub.subscribe('q', () => {
      throw new Error('no');
    });
    expect(() => hub.dispatch(event)).not.toThrow();
    expect(warn).toHaveBeenCalledOnce();
  });

  it('ends with unsubscribe, of one or of all', () => {
    const hub = new EventHub('me', logger);
    const [one, other] = [vi.fn(), vi.fn()];
    hub.subscribe('q', one);
    hub.subscribe('q', other);
    hub.unsubscribe('q', one);
    hub.unsubscribe('unknown');
    hub.dispatch(event);
    hub.unsubscribe('q');
    hub.dispatch(event);
    expect(one).not.toHaveBeenCalled();
    expect(other).toHaveBeenCalledOnce();
  });
});

describe('what crosses Redis', () => {
  it('is written in the order of the original, without what is undefined', () => {
    const hub = new EventHub('me', logger);
    expect(hub.encode(event)).toBe(
      '{"type":"job:progress","queueName":"q","jobId":"i","data":5,"timestamp":1,"originId":"me"}',
    );
    expect(hub.encode({ type: 'queue:drained', queueName: 'q', timestamp: new Date(2) })).toBe(
      '{"type":"queue:drained","queueName":"q","timestamp":2,"originId":"me"}',
    );
  });

  it('is delivered with all five properties', () => {
    const hub = new EventHub('me', logger);
    const got: StoreEvent[] = [];
    hub.subscribe('q', (received) => got.push(received));
    hub.receive('{"type":"anything","queueName":"q","timestamp":7,"originId":"you"}');
    expect(got).toStrictEqual([
      { type: 'anything', queueName: 'q', jobId: undefined, data: undefined, timestamp: new Date(7) },
    ]);
  });

  it('is not heard by who said it', () => {
    const hub = new EventHub('me', logger);
    const callback = vi.fn();
    hub.subscribe('q', callback);
    hub.receive(hub.encode(event));
    expect(callback).not.toHaveBeenCalled();
    expect(warn).not.toHaveBeenCalled();
  });

  it('is dropped with a warning when it is no JSON', () => {
    new EventHub('me', logger).receive('{');
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      '[Conveyor] Received malformed Redis event payload:',
      expect.any(SyntaxError),
    );
  });

  it.each([
    'null',
    '7',
    '{}',
    '{"queueName":"q"}',
    '{"queueName":1,"timestamp":1}',
    '{"queueName":"q","timestamp":"1"}',
  ])('is dropped with a warning when it has not the shape of an event: %s', (payload) => {
    new EventHub('me', logger).receive(payload);
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      '[Conveyor] Dropping Redis event with invalid shape (missing queueName or timestamp):',
      JSON.parse(payload),
    );
  });
});

describe('interest in a queue', () => {
  it('is announced for what was subscribed before, and for the first and the last callback', () => {
    const hub = new EventHub('me', logger);
    const link = listener();
    const [one, other] = [vi.fn(), vi.fn()];
    hub.subscribe('early', one);
    hub.attach(link);
    hub.subscribe('q', one);
    hub.subscribe('q', other);
    hub.unsubscribe('q', one);
    hub.unsubscribe('q', other);
    hub.clear();
    expect(link.interest.mock.calls).toEqual([
      ['early', true],
      ['q', true],
      ['q', false],
      ['early', false],
    ]);
  });
});

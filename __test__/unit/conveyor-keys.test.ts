import { describe, expect, it } from 'vitest';

import {
  createKeys,
  decodeFlowChild,
  DEFAULT_PREFIX,
  encodeFlowChild,
  FLOW_CHILD_SEP,
  GROUP_ACTIVE_SUFFIX,
  GROUP_WAITING_SUFFIX,
  SCHEMA_VERSION,
} from '../../ts/conveyor/keys.js';

describe('keys', () => {
  it('are those of the original', () => {
    const keys = createKeys('p');
    const names = {
      schema: keys.schema(),
      queueIndex: keys.queueIndex(),
      eventsChannel: keys.eventsChannel(),
      jobPrefix: keys.jobPrefix('q'),
      job: keys.job('q', 'i'),
      waiting: keys.waiting('q'),
      waitingChildren: keys.waitingChildren('q'),
      active: keys.active('q'),
      delayed: keys.delayed('q'),
      completed: keys.completed('q'),
      failed: keys.failed('q'),
      cancelled: keys.cancelled('q'),
      paused: keys.paused('q'),
      lockPrefix: keys.lockPrefix('q'),
      lock: keys.lock('q', 'i'),
      rateLimit: keys.rateLimit('q'),
      dedup: keys.dedup('q', 'k'),
      groupIndex: keys.groupIndex('q'),
      groupPrefix: keys.groupPrefix('q'),
      groupActive: keys.groupActive('q', 'g'),
      groupWaiting: keys.groupWaiting('q', 'g'),
      flowChildren: keys.flowChildren('q', 'i'),
      flowPending: keys.flowPending('q', 'i'),
    };
    expect(names).toEqual({
      schema: 'p:schema',
      queueIndex: 'p:queues',
      eventsChannel: 'p:events',
      jobPrefix: '{p:q}:job:',
      job: '{p:q}:job:i',
      waiting: '{p:q}:waiting',
      waitingChildren: '{p:q}:waiting-children',
      active: '{p:q}:active',
      delayed: '{p:q}:delayed',
      completed: '{p:q}:completed',
      failed: '{p:q}:failed',
      cancelled: '{p:q}:cancelled',
      paused: '{p:q}:paused',
      lockPrefix: '{p:q}:lock:',
      lock: '{p:q}:lock:i',
      rateLimit: '{p:q}:rl',
      dedup: '{p:q}:dedup:k',
      groupIndex: '{p:q}:groups:index',
      groupPrefix: '{p:q}:group:',
      groupActive: '{p:q}:group:g:active',
      groupWaiting: '{p:q}:group:g:waiting',
      flowChildren: '{p:q}:flow:i:children',
      flowPending: '{p:q}:flow:i:pending',
    });
    expect(Object.keys(keys).sort()).toEqual(Object.keys(names).sort());
  });

  it('take the default prefix only when there is none', () => {
    expect(createKeys().schema()).toBe('conveyor:schema');
    expect(createKeys('').schema()).toBe(':schema');
  });

  it('take queue names as they are', () => {
    expect(createKeys('p').waiting('a}b*[1]')).toBe('{p:a}b*[1]}:waiting');
  });

  it('come with the constants of the original', () => {
    expect([SCHEMA_VERSION, DEFAULT_PREFIX, GROUP_ACTIVE_SUFFIX, GROUP_WAITING_SUFFIX, FLOW_CHILD_SEP]).toEqual([
      'redis-v1',
      'conveyor',
      ':active',
      ':waiting',
      '\0',
    ]);
  });
});

describe('a flow child', () => {
  it('is split at the first separator', () => {
    expect(encodeFlowChild('q', 'i')).toBe('q\0i');
    expect(decodeFlowChild('q\0a\0b')).toEqual({ queueName: 'q', id: 'a\0b' });
    expect(decodeFlowChild('\0')).toEqual({ queueName: '', id: '' });
  });

  it('without a separator is refused', () => {
    expect(() => decodeFlowChild('a"b')).toThrow(
      new Error('[Conveyor] Malformed flow-child tuple: "a\\"b" (missing separator)'),
    );
  });
});

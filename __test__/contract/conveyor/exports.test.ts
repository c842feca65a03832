import * as conveyor from 'ferrodis/conveyor';
import {
  createKeys,
  decodeFlowChild,
  encodeFlowChild,
  hashToJobData,
  jobDataToHash,
  RedisStore,
} from 'ferrodis/conveyor';
import { describe, expect, it } from 'vitest';

import { newJob } from '../../support/job.js';

const NUL = String.fromCharCode(0);

describe('module', () => {
  it('has every runtime export of the original and no default export', () => {
    expect(Object.keys(conveyor)).toEqual(
      expect.arrayContaining([
        'RedisStore',
        'SCHEMA_VERSION',
        'DEFAULT_PREFIX',
        'createKeys',
        'GROUP_ACTIVE_SUFFIX',
        'GROUP_WAITING_SUFFIX',
        'FLOW_CHILD_SEP',
        'encodeFlowChild',
        'decodeFlowChild',
        'jobDataToHash',
        'hashToJobData',
      ]),
    );
    expect(conveyor).not.toHaveProperty('default');
  });

  it('has the constants of the original', () => {
    expect(conveyor.SCHEMA_VERSION).toBe('redis-v1');
    expect(conveyor.DEFAULT_PREFIX).toBe('conveyor');
    expect(conveyor.GROUP_ACTIVE_SUFFIX).toBe(':active');
    expect(conveyor.GROUP_WAITING_SUFFIX).toBe(':waiting');
    expect(conveyor.FLOW_CHILD_SEP).toBe(NUL);
  });

  it('has every method of the store interface on the prototype', () => {
    const methods = [
      'connect disconnect saveJob saveBulk getJob updateJob removeJob findByDeduplicationKey fetchNextJob',
      'extendLock releaseLock getActiveCount listJobs countJobs getNextDelayedTimestamp promoteDelayedJobs',
      'pauseJobName resumeJobName getPausedJobNames getStalledJobs clean drain subscribe unsubscribe publish',
      'saveFlow notifyChildCompleted failParentOnChildFailure getChildrenJobs getGroupActiveCount',
      'getWaitingGroupCount getJobCounts obliterate retryJobs promoteJobs listQueues findJobById cancelJob',
    ].flatMap((line) => line.split(' '));
    const store = new RedisStore();
    for (const method of [...methods, Symbol.asyncDispose]) {
      expect(typeof Reflect.get(RedisStore.prototype, method), String(method)).toBe('function');
      expect(Object.hasOwn(store, method), String(method)).toBe(false);
    }
  });

  it('opens nothing and throws nothing in the constructor', () => {
    expect(() => new RedisStore()).not.toThrow();
    expect(() => new RedisStore({ url: 'not a url' })).not.toThrow();
  });

  it('uses the default prefix only when none is given', () => {
    expect(new RedisStore().keys.schema()).toBe('conveyor:schema');
    expect(new RedisStore({ keyPrefix: 'app' }).keys.schema()).toBe('app:schema');
    expect(new RedisStore({ keyPrefix: '' }).keys.schema()).toBe(':schema');
  });
});

describe('createKeys', () => {
  const keys = createKeys('p');

  it.each([
    ['schema', keys.schema(), 'p:schema'],
    ['queueIndex', keys.queueIndex(), 'p:queues'],
    ['eventsChannel', keys.eventsChannel(), 'p:events'],
    ['jobPrefix', keys.jobPrefix('q'), '{p:q}:job:'],
    ['waiting', keys.waiting('q'), '{p:q}:waiting'],
    ['waitingChildren', keys.waitingChildren('q'), '{p:q}:waiting-children'],
    ['active', keys.active('q'), '{p:q}:active'],
    ['delayed', keys.delayed('q'), '{p:q}:delayed'],
    ['completed', keys.completed('q'), '{p:q}:completed'],
    ['failed', keys.failed('q'), '{p:q}:failed'],
    ['cancelled', keys.cancelled('q'), '{p:q}:cancelled'],
    ['paused', keys.paused('q'), '{p:q}:paused'],
    ['lockPrefix', keys.lockPrefix('q'), '{p:q}:lock:'],
    ['rateLimit', keys.rateLimit('q'), '{p:q}:rl'],
    ['groupIndex', keys.groupIndex('q'), '{p:q}:groups:index'],
    ['groupPrefix', keys.groupPrefix('q'), '{p:q}:group:'],
    ['job', keys.job('q', 'i'), '{p:q}:job:i'],
    ['lock', keys.lock('q', 'i'), '{p:q}:lock:i'],
    ['dedup', keys.dedup('q', 'k'), '{p:q}:dedup:k'],
    ['groupActive', keys.groupActive('q', 'g'), '{p:q}:group:g:active'],
    ['groupWaiting', keys.groupWaiting('q', 'g'), '{p:q}:group:g:waiting'],
    ['flowChildren', keys.flowChildren('q', 'i'), '{p:q}:flow:i:children'],
    ['flowPending', keys.flowPending('q', 'i'), '{p:q}:flow:i:pending'],
  ])('names %s', (_name, actual, expected) => {
    expect(actual).toBe(expected);
  });

  it('inserts queue names raw', () => {
    expect(createKeys().waiting('a}b*[é')).toBe('{conveyor:a}b*[é}:waiting');
  });
});

describe('flow children', () => {
  it('joins queue and id with a NUL byte', () => {
    expect(encodeFlowChild('q', 'i')).toBe(`q${NUL}i`);
  });

  it('splits at the first NUL byte', () => {
    expect(decodeFlowChild(`q${NUL}i${NUL}j`)).toEqual({ queueName: 'q', id: `i${NUL}j` });
  });

  it('refuses a tuple without one', () => {
    expect(() => decodeFlowChild('abc')).toThrow(
      new Error('[Conveyor] Malformed flow-child tuple: "abc" (missing separator)'),
    );
  });
});

describe('jobDataToHash', () => {
  const encode = (fields: object): Record<string, string> =>
    jobDataToHash({ ...newJob('q', { createdAt: new Date(5) }), id: 'i', ...fields } as never);

  it('gives a fresh plain job exactly fifteen fields in the order of the original', () => {
    expect(Object.entries(encode({}))).toEqual([
      ['id', 'i'],
      ['queueName', 'q'],
      ['name', 'task'],
      ['state', 'waiting'],
      ['attemptsMade', '0'],
      ['progress', '0'],
      ['pendingChildrenCount', '0'],
      ['discarded', '0'],
      ['createdAt', '5'],
      ['data', '{"n":1}'],
      ['opts', '{}'],
      ['logs', '[]'],
      ['stacktrace', '[]'],
      ['attemptLogs', '[]'],
      ['childrenIds', '[]'],
    ]);
  });

  it('leaves out null and undefined and keeps empty strings', () => {
    const hash = encode({ data: undefined, groupId: '', failedReason: null });
    expect(hash).not.toHaveProperty('data');
    expect(hash).not.toHaveProperty('failedReason');
    expect(hash.groupId).toBe('');
  });

  it.each([
    [33.3, '33.3'],
    [1e21, '1e+21'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
  ])('writes the number %s as JavaScript prints it', (value, text) => {
    expect(encode({ progress: value }).progress).toBe(text);
  });

  it('writes payloads as compact JSON with lone surrogates escaped', () => {
    expect(encode({ data: { b: [1, 'é\ud800'], a: new Date(0) } }).data).toBe(
      '{"b":[1,"é\\ud800"],"a":"1970-01-01T00:00:00.000Z"}',
    );
  });

  it('ignores properties that are no job fields', () => {
    expect(encode({ extra: 1 })).not.toHaveProperty('extra');
  });

  it('refuses a BigInt payload with a TypeError', () => {
    expect(() => encode({ data: 1n })).toThrow(TypeError);
  });

  it('refuses a circular payload with a TypeError', () => {
    const loop: { self?: unknown } = {};
    loop.self = loop;
    expect(() => encode({ data: loop })).toThrow(TypeError);
  });
});

describe('hashToJobData', () => {
  const least = { id: 'i', queueName: 'q', name: 'n', state: 'waiting' };

  it('fills every absent field with its default', () => {
    expect(hashToJobData(least)).toEqual({
      ...newJob('q', { name: 'n', data: null, createdAt: new Date(0) }),
      id: 'i',
    });
  });

  it('reads back what jobDataToHash wrote', () => {
    const job = {
      ...newJob('q', {
        state: 'active',
        data: { deep: [null, { a: 'ü' }] },
        returnvalue: 0,
        progress: 33.3,
        failedReason: '',
        lockedBy: 'w',
        lockUntil: new Date(7),
        groupId: 'g',
        discarded: true,
        logs: ['a'],
        childrenIds: ['c'],
      }),
      id: 'i',
    };
    expect(hashToJobData(jobDataToHash(job as never))).toEqual(job);
  });

  it('takes only "1" for true', () => {
    expect(hashToJobData({ ...least, discarded: 'true' }).discarded).toBe(false);
    expect(hashToJobData({ ...least, discarded: '1' }).discarded).toBe(true);
  });

  it('turns the dates of a repeat option into Dates', () => {
    const opts = JSON.stringify({ repeat: { every: 5, startDate: new Date(1), endDate: new Date(2) } });
    expect(hashToJobData({ ...least, opts }).opts).toEqual({
      repeat: { every: 5, startDate: new Date(1), endDate: new Date(2) },
    });
  });

  it('does not let a payload reach a prototype', () => {
    const data = '{"__proto__":{"polluted":1}}';
    expect(hashToJobData({ ...least, data, '__proto__.polluted': '1' })).not.toHaveProperty('polluted');
    expect({}).not.toHaveProperty('polluted');
  });

  it('refuses an empty hash', () => {
    expect(() => hashToJobData({})).toThrow(new Error('[Conveyor] Cannot decode empty Redis hash into JobData'));
  });

  it.each(['id', 'queueName', 'name', 'state'])('refuses a hash without %s', (field) => {
    const hash: Record<string, string> = { ...least };
    delete hash[field];
    expect(() => hashToJobData(hash)).toThrow(new Error('[Conveyor] Redis hash is missing required job fields'));
  });

  it('refuses an unreadable date', () => {
    expect(() => hashToJobData({ ...least, failedAt: 'NaN' })).toThrow(
      new Error('[Conveyor] Invalid date encoding for field "failedAt": "NaN"'),
    );
  });

  it('refuses an unknown state', () => {
    expect(() => hashToJobData({ ...least, state: 'lost' })).toThrow(new Error('Invalid job state: "lost"'));
  });
});

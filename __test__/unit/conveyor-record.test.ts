import { describe, expect, it } from 'vitest';

import { encodeField, encodeJob, hashToJobData, jobDataToHash, readJob } from '../../ts/conveyor/record.js';
import type { JobData } from '../../ts/conveyor/types.js';
import { freshJob } from './support/job.js';
import { NOT_UTF8, type Played, replyOf } from './support/reply.js';

const FULL = freshJob({
  state: 'active',
  data: { b: 1, a: ['ü', null], '1': true },
  attemptsMade: 2,
  progress: 33.3,
  returnvalue: 'done',
  failedReason: '',
  opts: { attempts: 3, priority: -1 },
  deduplicationKey: 'k',
  logs: ['one'],
  stacktrace: ['at x'],
  processedAt: new Date(1),
  completedAt: new Date(2),
  failedAt: new Date(3),
  delayUntil: new Date(4),
  lockUntil: new Date(5),
  lockedBy: 'w',
  parentId: 'p',
  parentQueueName: 'pq',
  pendingChildrenCount: 7,
  cancelledAt: new Date(6),
  groupId: 'g',
  discarded: true,
  childrenIds: ['c'],
  attemptLogs: [
    { attempt: 1, startedAt: 's', endedAt: null, status: 'failed', error: 'e', stacktrace: null, logs: [] },
  ],
});

function played(job: JobData): Played[] {
  return encodeJob(job, job.id);
}

function replaced(at: number, value: Played): Played[] {
  return played(FULL).with(at, value);
}

describe('a job as a hash', () => {
  it('has exactly the 15 fields of a plain job, in order', () => {
    expect(Object.entries(jobDataToHash(freshJob()))).toEqual([
      ['id', 'j1'],
      ['queueName', 'mail'],
      ['name', 'send'],
      ['state', 'waiting'],
      ['attemptsMade', '0'],
      ['progress', '0'],
      ['pendingChildrenCount', '0'],
      ['discarded', '0'],
      ['createdAt', '1700000000000'],
      ['data', '{"to":"a@b"}'],
      ['opts', '{}'],
      ['logs', '[]'],
      ['stacktrace', '[]'],
      ['attemptLogs', '[]'],
      ['childrenIds', '[]'],
    ]);
  });

  it('has all 28 fields when all are set, and gives the same job back', () => {
    const hash = jobDataToHash(FULL);
    expect(Object.keys(hash)).toHaveLength(28);
    expect(hash.failedReason).toBe('');
    expect(hash.progress).toBe('33.3');
    expect(hash.discarded).toBe('1');
    expect(hash.data).toBe('{"1":true,"b":1,"a":["ü",null]}');
    expect(hashToJobData(hash)).toEqual(FULL);
  });

  it('leaves null and undefined out, whatever the kind of field', () => {
    const hash = jobDataToHash(freshJob({ data: undefined, returnvalue: null, lockedBy: null }));
    expect(hash).not.toHaveProperty('data');
    expect(hash).not.toHaveProperty('returnvalue');
    expect(hash).not.toHaveProperty('lockedBy');
    expect(hashToJobData(hash).data).toBeNull();
  });

  it.each([
    [1e21, '1e+21'],
    [NaN, 'NaN'],
    [Infinity, 'Infinity'],
    [-0.5, '-0.5'],
  ])('writes the number %s as JavaScript does', (value, text) => {
    const hash = jobDataToHash(freshJob({ progress: value }));
    expect(hash.progress).toBe(text);
    expect(hashToJobData(hash).progress).toBe(value);
  });

  it('writes payloads as JSON.stringify does', () => {
    const data = { nan: NaN, gone: undefined, at: new Date(0), map: new Map([[1, 2]]), lone: '\ud800' };
    expect(jobDataToHash(freshJob({ data })).data).toBe(
      '{"nan":null,"at":"1970-01-01T00:00:00.000Z","map":{},"lone":"\\ud800"}',
    );
  });

  it.each([
    ['a function', () => 1],
    ['a BigInt', 1n],
  ])('refuses %s as a payload', (_kind, data) => {
    expect(() => jobDataToHash(freshJob({ data }))).toThrow(TypeError);
  });

  it('refuses what is no Date in a date field', () => {
    expect(() => jobDataToHash(freshJob({ processedAt: '2020' as unknown as Date }))).toThrow(TypeError);
  });

  it('ignores fields it does not know', () => {
    expect(hashToJobData({ ...jobDataToHash(FULL), extra: 'x', constructor: 'y' })).toEqual(FULL);
  });

  it('takes defaults for absent fields', () => {
    expect(hashToJobData({ id: 'i', queueName: 'q', name: 'n', state: 'waiting' })).toEqual(
      freshJob({ id: 'i', queueName: 'q', name: 'n', data: null, createdAt: new Date(0) }),
    );
  });

  it('counts only 1 as true', () => {
    expect(hashToJobData({ ...jobDataToHash(FULL), discarded: 'true' }).discarded).toBe(false);
  });

  it('hands out fresh lists and objects every time', () => {
    const hash = jobDataToHash(freshJob());
    const [one, other] = [hashToJobData(hash), hashToJobData(hash)];
    expect(one.logs).not.toBe(other.logs);
    expect(one.opts).not.toBe(other.opts);
    expect(one.createdAt).not.toBe(other.createdAt);
  });

  it('gives the dates of a repeating job back as Dates, and leaves other texts alone', () => {
    const startDate = new Date(10);
    const endDate = new Date(20);
    const hash = jobDataToHash(freshJob({ opts: { repeat: { every: '5m', startDate, endDate } } }));
    expect(hash.opts).toContain('"startDate":"1970-01-01T00:00:00.010Z"');
    expect(hashToJobData(hash).opts.repeat).toEqual({ every: '5m', startDate, endDate });
    const odd = hashToJobData({ ...hash, opts: '{"repeat":{"startDate":"soon"}}' });
    expect(odd.opts.repeat?.startDate).toBe('soon');
  });

  it('accepts an empty name and an empty id', () => {
    const job = hashToJobData(jobDataToHash(freshJob({ name: '', id: '' })));
    expect([job.name, job.id]).toEqual(['', '']);
  });
});

describe('a broken hash', () => {
  const hash = jobDataToHash(freshJob());

  it.each(['id', 'queueName', 'name', 'state'])('without %s is refused', (field) => {
    const { [field]: _dropped, ...rest } = hash;
    expect(() => hashToJobData(rest)).toThrow(new Error('[Conveyor] Redis hash is missing required job fields'));
  });

  it('that is empty is refused as such', () => {
    expect(() => hashToJobData({})).toThrow(new Error('[Conveyor] Cannot decode empty Redis hash into JobData'));
  });

  it('with a date that is no number is refused, and the field named', () => {
    expect(() => hashToJobData({ ...hash, failedAt: 'x"y' })).toThrow(
      new Error('[Conveyor] Invalid date encoding for field "failedAt": "x\\"y"'),
    );
    expect(() => hashToJobData({ ...hash, createdAt: 'NaN' })).toThrow(/field "createdAt": "NaN"/);
  });

  it('with a state that is none is refused', () => {
    expect(() => hashToJobData({ ...hash, state: 'cancelled' })).toThrow(new Error('Invalid job state: "cancelled"'));
  });
});

describe('a job in a reply', () => {
  it('is the job that was encoded', () => {
    expect(readJob(replyOf(played(FULL)))).toEqual(FULL);
    expect(readJob(replyOf(played(freshJob())))).toEqual(freshJob());
  });

  it('is null when nil, and when all fields are absent', () => {
    expect(readJob(replyOf(null))).toBeNull();
    expect(readJob(replyOf(Array.from({ length: 28 }, () => null)))).toBeNull();
  });

  it.each([
    ['a missing name', replaced(2, null), /missing required/],
    ['an unknown state', replaced(3, 'x'), /Invalid job state/],
    ['bytes that are no text', replaced(21, NOT_UTF8), /not UTF-8/],
    ['broken JSON', replaced(21, '{'), SyntaxError],
  ])('with %s is refused, and the reply stands behind it', (_what, record, failure) => {
    const reply = replyOf([record, 'next']);
    reply.list();
    expect(() => readJob(reply)).toThrow(failure);
    expect(reply.text()).toBe('next');
  });

  it('that is broken is named by the error', () => {
    expect(() => readJob(replyOf(replaced(21, '{')))).toThrow(expect.objectContaining({ jobId: 'j1' }));
    expect(() => readJob(replyOf(replaced(0, NOT_UTF8)))).toThrow(expect.not.objectContaining({ jobId: 'j1' }));
  });
});

describe('one field of an update', () => {
  it.each([
    ['state', 'failed', 'failed'],
    ['attemptsMade', 3, '3'],
    ['discarded', false, '0'],
    ['completedAt', new Date(9), '9'],
    ['returnvalue', { ok: 1 }, '{"ok":1}'],
    ['returnvalue', undefined, null],
    ['lockedBy', null, null],
    ['discarded', null, null],
    ['processedAt', undefined, null],
    ['nonsense', 1, undefined],
    ['__proto__', 1, undefined],
  ])('%s = %o is encoded', (field, value, text) => {
    expect(encodeField(field, value)).toBe(text);
  });

  it('is encoded as it is in a whole job', () => {
    const hash = jobDataToHash(FULL);
    for (const [field, value] of Object.entries(FULL)) expect(encodeField(field, value)).toBe(hash[field]);
  });
});

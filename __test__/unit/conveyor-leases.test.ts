import { describe, expect, it } from 'vitest';

import { Leases } from '../../ts/conveyor/leases.js';
import { endsLease, looksLikeSweep, speaksForHolder } from '../../ts/conveyor/update.js';
import { freshJob } from './support/job.js';

function leased(id: string, at: number) {
  return freshJob({ id, state: 'active', lockedBy: 'w', processedAt: new Date(at), lockUntil: new Date(at + 5) });
}

describe('the table of leases', () => {
  it('knows who leased a job and when', () => {
    const leases = new Leases();
    leases.take('q', leased('a', 10));
    expect(leases.of('q', 'a')).toEqual({ owner: 'w', leasedAt: '10' });
    expect(leases.of('q', 'b')).toBeUndefined();
    expect(leases.of('r', 'a')).toBeUndefined();
  });

  it('forgets a lease that was given up, but not the one that came after', () => {
    const leases = new Leases();
    leases.take('q', leased('a', 10));
    const first = leases.of('q', 'a');
    leases.take('q', leased('a', 20));
    leases.giveUp('q', 'a', first);
    expect(leases.of('q', 'a')).toEqual({ owner: 'w', leasedAt: '20' });
    leases.giveUp('q', 'a', leases.of('q', 'a'));
    expect(leases.of('q', 'a')).toBeUndefined();
  });

  it('hands the expiry of a stalled job out once', () => {
    const leases = new Leases();
    leases.reportStalled('q', leased('a', 10));
    expect(leases.takeStalled('q', 'a')).toBe('15');
    expect(leases.takeStalled('q', 'a')).toBeUndefined();
  });

  it('no longer calls a job stalled that was leased again', () => {
    const leases = new Leases();
    leases.reportStalled('q', leased('a', 10));
    leases.take('q', leased('a', 20));
    expect(leases.takeStalled('q', 'a')).toBeUndefined();
  });

  it('is bounded: the oldest go', () => {
    const leases = new Leases(2);
    for (const id of ['a', 'b', 'c']) leases.take('q', leased(id, 1));
    leases.take('q', leased('b', 2));
    leases.take('q', leased('d', 1));
    expect(['a', 'b', 'c', 'd'].map((id) => leases.of('q', id) !== undefined)).toEqual([false, true, false, true]);
  });

  it('forgets a removed queue and a removed job', () => {
    const leases = new Leases();
    leases.take('q', leased('a', 1));
    leases.take('q', leased('b', 1));
    leases.take('r', leased('a', 1));
    leases.forget('q', 'a');
    expect(leases.of('q', 'a')).toBeUndefined();
    leases.forgetQueue('q');
    expect(leases.of('q', 'b')).toBeUndefined();
    expect(leases.of('r', 'a')).toBeDefined();
  });
});

describe('an update', () => {
  it.each([
    [{ state: 'waiting', attemptsMade: 1, lockUntil: null, lockedBy: null }, true],
    [{ state: 'failed', attemptsMade: 1, lockUntil: null, lockedBy: null, failedReason: 'stalled' }, true],
    [{ state: 'waiting', attemptsMade: 1, lockUntil: null, lockedBy: null, stacktrace: [] }, false],
    [{ state: 'failed', attemptsMade: 1, lockUntil: null, lockedBy: null, attemptLogs: [] }, false],
    [{ state: 'completed', attemptsMade: 1, lockUntil: null, lockedBy: null, returnvalue: 1 }, false],
    [{ state: 'waiting', attemptsMade: 0 }, false],
  ] as const)('%o comes from a sweep: %s', (updates, sweep) => {
    expect(looksLikeSweep(updates as object)).toBe(sweep);
  });

  it.each([
    [{ state: 'completed' }, true],
    [{ state: 'failed', failedReason: 'x' }, true],
    [{ attemptLogs: [] }, true],
    [{ progress: 5 }, true],
    [{ state: 'waiting', lockedBy: null }, true],
    [{ state: 'waiting', progress: 0, attemptsMade: 0 }, false],
    [{ cancelledAt: new Date() }, false],
    [{ data: 1 }, false],
  ] as const)('%o speaks for the holder of the lease: %s', (updates, speaks) => {
    expect(speaksForHolder(updates as object)).toBe(speaks);
  });

  it.each([
    [{ state: 'completed' }, true],
    [{ state: 'active' }, false],
    [{ state: 'active', processedAt: new Date() }, true],
    [{ lockedBy: 'other' }, true],
    [{ progress: 5 }, false],
  ] as const)('%o ends the lease: %s', (updates, ends) => {
    expect(endsLease(updates as object)).toBe(ends);
  });
});

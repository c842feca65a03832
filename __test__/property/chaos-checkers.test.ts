import { describe, expect, it } from 'vitest';

import type { Ending } from '../chaos/calls.js';
import { claimViolations, CounterHistory, eventViolations, lockViolations, StreamHistory } from '../chaos/checkers.js';

const ok = <T>(value: T): Ending<T> => ({ is: 'ok', value });
const UNKNOWN = { is: 'unknown' } as const;
const REFUSED = { is: 'refused' } as const;

describe('the checker of counters', () => {
  const after = (endings: Array<Ending<number>>, final: number): string[] => {
    const history = new CounterHistory();
    for (const ending of endings) history.add(ending);
    return history.violations('c', final);
  };

  it('finds nothing where every sum is told once, and additions of which nobody knows count or do not', () => {
    expect(after([ok(1), ok(3), UNKNOWN, REFUSED], 3)).toEqual([]);
    expect(after([ok(1), ok(2), UNKNOWN], 2)).toEqual([]);
  });

  it('finds a sum that was told twice', () => {
    expect(after([ok(1), ok(1), UNKNOWN], 2)).toEqual(['V9: c: a sum was told twice']);
  });

  it('finds an addition that is gone, and one that was made twice', () => {
    expect(after([ok(1), ok(2)], 1)).toEqual([expect.stringContaining('V9: c: is 1 after 2')]);
    expect(after([ok(1), UNKNOWN], 3)).toEqual([expect.stringContaining('V9: c: is 3 after 1')]);
    expect(after([ok(1), REFUSED], 2)).toEqual([expect.stringContaining('V9: c: is 2 after 1')]);
  });
});

describe('the checker of streams', () => {
  const history = new StreamHistory();
  history.add(1, ok(null));
  history.add(2, UNKNOWN);
  history.add(3, REFUSED);

  it('finds nothing where all that was told is there', () => {
    expect(history.violations('s', [1])).toEqual([]);
    expect(history.violations('s', [2, 1])).toEqual([]);
  });

  it('finds an entry that is gone, one that is there twice, and one that was refused', () => {
    expect(history.violations('s', [2])).toEqual(['V11: s: 1 is gone']);
    expect(history.violations('s', [1, 2, 2])).toEqual(['V11: s: an entry is there twice']);
    expect(history.violations('s', [1, 3])).toEqual(['V11: s: 3 was refused and is there']);
  });
});

describe('the checker of events', () => {
  it('finds nothing where some are missing', () => {
    expect(eventViolations('e', [1, 2, 5])).toEqual([]);
  });

  it('finds one that was heard twice, and one that was overtaken', () => {
    expect(eventViolations('e', [1, 1])).toEqual(['V12: e: 1 was heard twice']);
    expect(eventViolations('e', [2, 1])).toEqual(['V12: e: 1 was heard after 2']);
  });
});

describe('the checker of locks', () => {
  it('finds nothing where one holds after the other, whatever the order of the report', () => {
    const holdings = [
      { from: 20, to: 30, fence: 5 },
      { from: 0, to: 20, fence: 4 },
    ];
    expect(lockViolations('l', holdings)).toEqual([]);
  });

  it('finds two that hold a lock at once', () => {
    const holdings = [
      { from: 0, to: 20, fence: 1 },
      { from: 15, to: 30, fence: 2 },
    ];
    expect(lockViolations('l', holdings)).toEqual(['V8: l: held by two for 5 ms']);
  });

  it('finds a number that does not grow', () => {
    const holdings = [
      { from: 0, to: 10, fence: 2 },
      { from: 10, to: 20, fence: 2 },
    ];
    expect(lockViolations('l', holdings)).toEqual(['V8: l: number 2 after 2']);
  });
});

describe('the checker of claims', () => {
  it('finds nothing where one has it, or nobody knows', () => {
    expect(claimViolations('k', [ok(false), ok(true), UNKNOWN], true)).toEqual([]);
    expect(claimViolations('k', [ok(false), UNKNOWN], true)).toEqual([]);
    expect(claimViolations('k', [REFUSED, UNKNOWN], false)).toEqual([]);
  });

  it('finds a claim of two, one that is gone, and one that nobody was told of', () => {
    expect(claimViolations('k', [ok(true), ok(true)], true)).toEqual(['V8: k: claimed by 2']);
    expect(claimViolations('k', [ok(true)], false)).toEqual(['V1: k: the claim is gone']);
    expect(claimViolations('k', [ok(false), REFUSED], true)).toEqual(['V8: k: claimed, and nobody was told']);
  });
});

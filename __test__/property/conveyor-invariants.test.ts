import { describe, expect, it } from 'vitest';

import { type Snapshot, violations } from '../support/conveyor-invariants.js';
import { JOB_STATES } from '../support/job.js';

/** A queue in order: one job waiting in a group, one active in it, one completed. */
function sound(): Snapshot {
  const empty = Object.fromEntries(JOB_STATES.map((state) => [state, []]));
  return {
    indexes: { ...empty, waiting: ['w'], active: ['a'], completed: ['c'] },
    groups: { g: { active: ['a'], waiting: ['w'] } },
    jobs: new Map<string, Record<string, string>>([
      ['w', { state: 'waiting', groupId: 'g' }],
      ['a', { state: 'active', groupId: 'g', lockedBy: 'x', lockUntil: '1' }],
      ['c', { state: 'completed' }],
    ]),
  };
}

/** A violation to plant: what it is, what the checker has to say, how it comes about. */
type Planted = [string, RegExp, (queue: Snapshot) => void];

const planted: Planted[] = [
  [
    'a lost job',
    /V1: acknowledged job c is gone/,
    (queue) => {
      queue.jobs.delete('c');
      queue.indexes.completed = [];
    },
  ],
  ['a ghost', /V2: ghost is in delayed without/, ({ indexes }) => void indexes.delayed.push('ghost')],
  ['an orphan', /V2: c is in no index/, ({ indexes }) => void (indexes.completed = [])],
  ['a job in two indexes', /V2: w is in waiting and failed/, ({ indexes }) => void indexes.failed.push('w')],
  ['a job twice in a list', /V2: w is in waiting and waiting/, ({ indexes }) => void indexes.waiting.push('w')],
  [
    'a job in a wrong index',
    /V2: c is completed but in failed/,
    ({ indexes }) => {
      indexes.completed = [];
      indexes.failed = ['c'];
    },
  ],
  ['an active job without an owner', /V3: a is active, not leased/, ({ jobs }) => void delete jobs.get('a')?.lockedBy],
  [
    'a finished job with a lease',
    /V3: c is completed, leased/,
    ({ jobs }) => void jobs.set('c', { state: 'completed', lockedBy: 'x', lockUntil: '1' }),
  ],
  ['a leaked slot of a group', /V3: c is in the active set of group g/, ({ groups }) => void groups.g.active.push('c')],
  ['a missing slot of a group', /V3: a is active but not so/, ({ groups }) => void (groups.g.active = [])],
  ['a stale waiting entry of a group', /V3: a is in the waiting set/, ({ groups }) => void groups.g.waiting.push('a')],
];

describe('the checker of the invariants', () => {
  it('finds nothing in a sound queue', () => {
    expect(violations(sound(), ['w', 'a', 'c'])).toEqual([]);
  });

  it.each(planted)('finds %s', (_name, message, plant) => {
    const queue = sound();
    plant(queue);
    expect(violations(queue, ['w', 'a', 'c']).join('\n')).toMatch(message);
  });
});

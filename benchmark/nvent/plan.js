/**
 * Which workloads are measured, how many calls are in flight, and how each run is prepared and checked.
 */

import { CHANGED_ENTRIES, fill } from './workloads.js';

/**
 * One line of the result.
 *
 * @typedef {object} Entry
 * @property {string} id
 * @property {string} label
 * @property {string} workload name in workloads.js
 * @property {number} rounds counted runs of each contestant, after one that is not counted
 * @property {{ inFlight: number, forMs: number }} options
 * @property {(admin: object, key: string) => Promise<unknown>} [prepare] before each run
 * @property {(admin: object, key: string, operations: number) => Promise<void>} [check] after each run
 */

async function expectCount(what, found, operations) {
  if (Number(await found) !== operations) throw new Error(`${what}: ${await found}, but ${operations} calls`);
}

const changing = (admin, key) => fill(admin, key, CHANGED_ENTRIES);

/** The versions of all entries together: every update and every increment counts one up. */
async function versions(admin, key) {
  const all = await Promise.all(
    Array.from({ length: CHANGED_ENTRIES }, (_, i) => admin.hGet(`${key}:meta:run-${i}`, 'version')),
  );
  return all.reduce((sum, version) => sum + Number(version), 0);
}

const counted = (admin, key, operations) => expectCount('versions', versions(admin, key), operations);

/** Workloads with their labels. */
const CALLS = [
  ['append', 'stream.append', { check: (admin, key, n) => expectCount('events', admin.xLen(key), n) }],
  ['add', 'index.add', { check: (admin, key, n) => expectCount('members', admin.zCard(key), n) }],
  ['get', 'index.get', {}],
  ['read50', 'index.read of 50', {}],
  ['update', 'index.update', { prepare: changing, check: counted }],
  ['increment', 'index.increment', { prepare: changing, check: counted }],
  ['kvGet', 'kv.get', {}],
  ['kvSet', 'kv.set', {}],
  ['filtered', 'index.read filtered over 10k', {}],
];

/**
 * The filter keeps the original busy for up to a second a call, so it has fewer rounds, and no 128 calls in flight.
 *
 * @param {'quick' | 'full'} size
 * @returns {Entry[]}
 */
export function entries(size) {
  const [rounds, filterRounds, forMs] = size === 'quick' ? [3, 1, 80] : [5, 3, 400];
  return CALLS.flatMap(([workload, label, steps]) => {
    const filter = workload === 'filtered';
    const inFlight = filter ? (size === 'quick' ? [1] : [1, 16]) : [1, 16, 128];
    const entry = (calls) => ({
      id: `${workload}-${calls}`,
      label: `${label}, ${calls} in flight`,
      workload,
      rounds: filter ? filterRounds : rounds,
      options: { inFlight: calls, forMs },
      ...steps,
    });
    return inFlight.map(entry);
  });
}

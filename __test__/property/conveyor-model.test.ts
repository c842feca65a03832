import type { RedisStore } from 'ferrodis/conveyor';
import * as fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';

import { conveyor } from '../support/conveyor.js';
import { snapshot, violations } from '../support/conveyor-invariants.js';
import { QueueModel } from '../support/conveyor-model.js';
import { JOB_STATES, newJob } from '../support/job.js';
import { OriginalStore } from '../support/original-conveyor.js';
import { SEED } from '../support/seed.js';

const on = conveyor();
const RUNS = Number(process.env.FERRODIS_MODEL_RUNS ?? 250);
let ours: RedisStore[];
/** The two stores that the commands choose from. */
let stores: Array<RedisStore | OriginalStore>;

beforeAll(async () => {
  ours = [on.store, await on.open()];
});

/** The queue under test of one sequence. */
interface Real {
  queue: string;
}

type Command = fc.AsyncCommand<QueueModel, Real>;

/** Settles as the model says: with the value, or with the error of a lost lease. */
async function settle(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    (value) => ({ value }),
    (error: { code?: string }) => {
      if (error.code === 'ERR_FERRODIS_LEASE_LOST') return 'lease lost';
      throw error;
    },
  );
}

/** Compares all of Redis with the model: invariants, states and the order of the waiting list. */
async function check(model: QueueModel, { queue }: Real): Promise<void> {
  const found = await snapshot(on.redis, on.keys(queue));
  expect(violations(found, model.jobs.keys())).toEqual([]);
  const states = Object.fromEntries([...found.jobs].map(([id, { state }]) => [id, state]));
  expect(states).toEqual(Object.fromEntries([...model.jobs].map(([id, { state }]) => [id, state])));
  expect(found.indexes.waiting).toEqual(model.waiting);
}

/** One step: `act` does it to both and compares what they answer; then all of Redis is looked at. */
function step(name: string, act: (model: QueueModel, real: Real) => Promise<void>): Command {
  return {
    check: () => true,
    run: async (model, real) => {
      await act(model, real);
      await check(model, real);
    },
    toString: () => name,
  };
}

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const who = fc.constantFrom(0, 1);
const end = fc.constantFrom('completed' as const, 'failed' as const);

const saved = fc.record({
  state: fc.constantFrom('waiting' as const, 'waiting' as const, 'delayed' as const, 'waiting-children' as const),
  priority: fc.constantFrom(0, 0, 0, 1, -1),
  groupId: fc.constantFrom(null, 'g', 'h'),
  dedup: fc.constantFrom(null, null, 'k', 'l'),
  pending: fc.constantFrom(0, 1, 2),
});

type Saved = typeof saved extends fc.Arbitrary<infer T> ? T : never;

function job(queue: string, model: QueueModel, jobId: string, fields: Saved) {
  return newJob(queue, {
    id: jobId,
    state: fields.state,
    createdAt: new Date(1_600_000_000_000 + model.tick()),
    delayUntil: fields.state === 'delayed' ? new Date(1_600_000_000_000 + model.tick()) : null,
    opts: fields.priority === 0 ? {} : { priority: fields.priority },
    groupId: fields.groupId,
    deduplicationKey: fields.dedup,
    pendingChildrenCount: fields.pending,
  });
}

const save = fc.tuple(who, id, saved).map(([store, jobId, fields]) =>
  step(`save(${store}, ${jobId}, ${JSON.stringify(fields)})`, async (model, { queue }) => {
    const answer = await stores[store].saveJob(queue, job(queue, model, jobId, fields));
    expect(answer).toBe(model.save(jobId, fields));
  }),
);

const saveBulk = fc.tuple(who, fc.array(fc.tuple(id, saved), { maxLength: 4 })).map(([store, jobs]) =>
  step(`saveBulk(${store}, ${JSON.stringify(jobs)})`, async (model, { queue }) => {
    const made = jobs.map(([jobId, fields]) => job(queue, model, jobId, fields));
    const answer = await stores[store].saveBulk(queue, made);
    expect(answer).toEqual(jobs.map(([jobId, fields]) => model.save(jobId, fields)));
  }),
);

const fetch = fc.tuple(who, fc.boolean()).map(([store, lifo]) =>
  step(`fetch(${store}, lifo ${lifo})`, async (model, { queue }) => {
    const leased = await stores[store].fetchNextJob(queue, `worker-${store}-${model.tick()}`, 60_000, { lifo });
    expect(leased?.id ?? null).toBe(model.fetch(store, lifo));
  }),
);

const finish = fc.tuple(who, id, fc.oneof(end, fc.constant('waiting' as const))).map(([store, jobId, to]) =>
  step(`finish(${store}, ${jobId}, ${to})`, async (model, { queue }) => {
    const now = new Date(1_700_000_000_000 + model.tick());
    const ended = to === 'completed' ? { completedAt: now } : to === 'failed' ? { failedAt: now } : {};
    const update = { state: to, ...ended, lockedBy: null, lockUntil: null };
    const answer = await settle(stores[store].updateJob(queue, jobId, update));
    expect(answer).toEqual(model.finish(store, jobId, to));
  }),
);

const extend = fc.tuple(who, id).map(([store, jobId]) =>
  step(`extend(${store}, ${jobId})`, async (model, { queue }) => {
    const answer = await stores[store].extendLock(queue, jobId, 60_000);
    expect(answer).toBe(model.extend(store, jobId));
  }),
);

const remove = fc.tuple(who, id).map(([store, jobId]) =>
  step(`remove(${store}, ${jobId})`, async (model, { queue }) => {
    await stores[store].removeJob(queue, jobId);
    model.remove(store, jobId);
  }),
);

/** A lease runs out, both stores notice, and both sweep; in between its holder may finish after all. */
const stall = fc.tuple(who, id, fc.boolean()).map(([first, jobId, finishes]) =>
  step(`stall(${first}, ${jobId}${finishes ? ', finished in between' : ''})`, async (model, { queue }) => {
    if (model.jobs.get(jobId)?.state !== 'active') return;
    await on.redis.hSet(on.keys(queue).job(jobId), 'lockUntil', '1');
    for (const store of stores) {
      expect((await store.getStalledJobs(queue, 0)).map((stalled) => stalled.id)).toEqual([jobId]);
    }
    if (finishes) {
      const completedAt = new Date(1_700_000_000_000 + model.tick());
      const update = { state: 'completed', completedAt, lockedBy: null, lockUntil: null } as const;
      const answer = await settle(stores[first].updateJob(queue, jobId, update));
      expect(answer).toEqual(model.finish(first, jobId, 'completed'));
    }
    const sweep = { state: 'waiting', attemptsMade: 1, lockedBy: null, lockUntil: null } as const;
    if (model.jobs.get(jobId)?.state === 'active') model.requeue(jobId);
    await stores[first].updateJob(queue, jobId, sweep);
    await stores[1 - first].updateJob(queue, jobId, sweep);
  }),
);

const promote = who.map((store) =>
  step(`promote(${store})`, async (model, { queue }) => {
    const delayed = await on.redis.zRange(on.keys(queue).delayed, 0, -1);
    expect(await stores[store].promoteDelayedJobs(queue, Date.now())).toBe(delayed.length);
    for (const jobId of delayed) model.requeue(jobId);
  }),
);

const retry = fc.tuple(who, end).map(([store, from]) =>
  step(`retry(${store}, ${from})`, async (model, { queue }) => {
    expect(await stores[store].retryJobs(queue, from)).toBe(model.retry(from));
  }),
);

const clean = fc.tuple(who, fc.constantFrom(...JOB_STATES)).map(([store, state]) =>
  step(`clean(${store}, ${state})`, async (model, { queue }) => {
    expect(await stores[store].clean(queue, state, 0)).toBe(model.clear([state]));
  }),
);

const drain = who.map((store) =>
  step(`drain(${store})`, async (model, { queue }) => {
    await stores[store].drain(queue);
    model.clear(['waiting', 'waiting-children', 'delayed']);
  }),
);

const child = fc.tuple(who, id).map(([store, jobId]) =>
  step(`childCompleted(${store}, ${jobId})`, async (model, { queue }) => {
    const answer = await stores[store].notifyChildCompleted(queue, jobId);
    expect(answer).toBe(model.childCompleted(jobId));
  }),
);

/** Random sequences of commands, each on a queue of its own. */
const sequences = fc.asyncProperty(
  fc.commands(
    [save, save, saveBulk, fetch, fetch, finish, finish, extend, remove, stall, promote, retry, clean, drain, child],
    { maxCommands: 30 },
  ),
  async (sequence) => {
    const queue = on.queue();
    await fc.asyncModelRun(() => ({ model: new QueueModel(), real: { queue } }), sequence);
    await on.redis.flushDb();
  },
);

it(
  `behaves as the model and keeps its invariants over ${RUNS} sequences (seed ${SEED})`,
  { timeout: 300_000 },
  async () => {
    stores = ours;
    const limits = { interruptAfterTimeLimit: 280_000, markInterruptAsFailure: true };
    await fc.assert(sequences, { numRuns: RUNS, seed: SEED, ...limits });
  },
);

it('finds the faults of the original', { timeout: 300_000 }, async () => {
  const original = new OriginalStore({ url: on.server.url });
  await original.connect();
  stores = [original, original];
  const result = await fc.check(sequences, { numRuns: RUNS, seed: SEED, endOnFailure: true });
  await original.disconnect();
  expect(result.errorInstance).toMatchObject({ name: 'AssertionError' });
});

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { LATEST, Packages } from '../../support/pikku/packages.mjs';
import { rows } from '../../support/pikku/rows.js';
import { STORE, type StoreName } from '../../support/pikku/scene.js';
import { type RawClient, Server } from '../../support/server.js';

/** A store of either package, with the methods that its host calls. */
type Store = Awaited<ReturnType<Packages['store']>>['RedisWorkflowService'];

/** Calls that are made on both stores; what they return is compared as well. */
type Script = (store: Store, remember: (id: string) => string) => Promise<unknown[]>;

const START = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const WIRE = { type: 'http', id: 'request-1', pikkuUserId: 'ada' };
const PREFIX = 'wörk:flows';

let server: Server;
let stores: Record<StoreName, { store: Store; redis: RawClient }>;

beforeAll(async () => {
  server = await Server.start();
  const open = async (name: StoreName, database: number) => {
    const { RedisWorkflowService } = await new Packages(LATEST).store(name);
    const url = `${server.url}/${database}`;
    const store = new RedisWorkflowService(url, PREFIX, { wireQueues: false });
    await store.init();
    return { store, redis: await server.client(url) };
  };
  stores = { original: await open('original', 1), ferrodis: await open(STORE, 2) };
});

afterAll(async () => {
  for (const { store, redis } of Object.values(stores)) {
    await store.close();
    redis.destroy();
  }
  await server.stop();
});

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: START });
  for (const { redis } of Object.values(stores)) await redis.flushDb();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Makes the calls on one store, a second apart, and reads what is there then. */
async function play(name: StoreName, script: Script) {
  const { store, redis } = stores[name];
  vi.setSystemTime(START);
  const ids = new Map<string, string>();
  const ticking = new Proxy(store, {
    get(target, method) {
      const member = target[method];
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]) => {
        vi.setSystemTime(Date.now() + 1000);
        return member.apply(target, args);
      };
    },
  });
  const returned = await script(ticking, (id) => {
    if (!ids.has(id)) ids.set(id, `<run ${ids.size + 1}>`);
    return id;
  });
  const text = [...ids].reduce((result, [id, named]) => result.replaceAll(id, named), JSON.stringify(returned));
  return { rows: await rows(redis, PREFIX, ids), returned: JSON.parse(text) };
}

async function expectSame(script: Script): Promise<void> {
  const original = await play('original', script);
  const ours = await play('ferrodis', script);
  expect(Object.keys(original.rows).length).toBeGreaterThan(0);
  expect(ours.rows).toEqual(original.rows);
  expect(ours.returned).toEqual(original.returned);
}

describe('the same rows as @pikku/redis 0.12.18', () => {
  it('for a run that completes', () =>
    expectSame(async (store, remember) => {
      const runId = remember(await store.createRun('import', { file: 'a.csv', rows: 3 }, true, 'hash-1', WIRE));
      const read = await store.getStepState(runId, 'load').catch((error: Error) => error.message);
      const step = await store.insertStepState(
        runId,
        'load',
        'loadFile',
        { file: 'a.csv' },
        { retries: 2, retryDelay: 1500 },
      );
      await store.setStepRunning(step.stepId);
      await store.setStepResult(step.stepId, { loaded: 3 });
      await store.updateRunStatus(runId, 'completed', { loaded: 3 });
      return [read, step, await store.getRun(runId), await store.getStepState(runId, 'load')];
    }));

  it('for planned steps, and a deterministic workflow', () =>
    expectSame(async (store, remember) => {
      const options = { deterministic: true, plannedSteps: [{ stepName: 'load', displayName: 'Load' }] };
      const runId = remember(await store.createRun('import', [], false, 'hash-1', WIRE, options));
      return [await store.getRun(runId)];
    }));

  it('for a step that goes through the queue, fails and is tried again', () =>
    expectSame(async (store, remember) => {
      const runId = remember(await store.createRun('import', {}, false, 'hash-1', WIRE));
      const step = await store.insertStepState(
        runId,
        'a:b',
        'load',
        { n: 1 },
        { retries: 1, retryDelay: '2s' },
        'before',
      );
      await store.setStepScheduled(step.stepId);
      await store.setStepRunning(step.stepId);
      const failure = new Error('no disk');
      failure.stack = 'Error: no disk\n    at somewhere';
      await store.setStepError(step.stepId, Object.assign(failure, { code: 'ENOSPC' }));
      const { error, ...failed } = await store.getStepState(runId, 'a:b');
      // Ours also keeps its name.
      const { message, stack, code } = error;
      const { stepId, status, attemptCount, retries, retryDelay } = await store.createRetryAttempt(
        step.stepId,
        'pending',
      );
      await store.setStepRunning(step.stepId);
      await store.setStepResult(step.stepId, null);
      await store.updateRunStatus(runId, 'failed', undefined, { message: 'given up', stack: '', code: 'X' });
      return [failed, { message, stack, code }, { stepId, status, attemptCount, retries, retryDelay }];
    }));

  it('for the steps of a graph', () =>
    expectSame(async (store, remember) => {
      const runId = remember(await store.createRun('graph', { go: true }, false, 'hash-2', { type: 'unknown' }));
      for (const name of ['a', 'b#1', 'c[0]', 'd*']) {
        const { stepId } = await store.insertStepState(
          runId,
          name,
          'node',
          {},
          { retries: 0 },
          name === 'a' ? undefined : 'a',
        );
        await store.setStepRunning(stepId);
        if (name === 'c[0]') await store.setStepError(stepId, { message: 'not an Error', stack: 's' });
        else await store.setStepResult(stepId, { from: name });
        if (name === 'a') await store.setBranchTaken(stepId, 'yes');
        if (name === 'd*') await store.setStepChildRunId(stepId, 'a-child-run');
      }
      await store.updateRunState(runId, 'counter', 7);
      await store.updateRunState(runId, 'nothing', undefined);
      const { completedNodeIds, failedNodeIds, branchKeys } = await store.getCompletedGraphState(runId);
      const byName = (x: { stepName: string }, y: { stepName: string }) => x.stepName.localeCompare(y.stepName);
      return [
        { completed: completedNodeIds.sort(), failedNodeIds, branchKeys },
        (await store.getStepInstances(runId)).sort(byName),
        await store.getNodeResults(runId, ['a', 'c[0]', 'd*', 'none']),
        await store.getRunState(runId),
      ];
    }));

  it('for versions of workflows', () =>
    expectSame(async (store) => {
      await store.upsertWorkflowVersion('import', 'h1', { nodes: { a: 1 } }, 'graph');
      await store.upsertWorkflowVersion('import', 'h1', { nodes: { a: 2 } }, 'dsl', 'draft');
      await store.upsertWorkflowVersion('import', 'h2', { nodes: {} }, 'dsl', 'draft');
      await store.updateWorkflowVersionStatus('import', 'h2', 'declined');
      return [await store.getWorkflowVersion('import', 'h1'), await store.getWorkflowVersion('import', 'h3')];
    }));

  it('for awkward values', () =>
    expectSame(async (store, remember) => {
      const awkward = [
        null,
        0,
        false,
        '',
        new Date(START),
        Number.NaN,
        -0,
        1e21,
        5e-324,
        { a: undefined, b: { c: undefined }, d: [undefined] },
        new Map([[1, 2]]),
        'lone \uD800 surrogate',
        'line\u2028separator "quotes" \\ \u0000',
        'x'.repeat(1 << 20),
        undefined,
        () => 1,
      ];
      const runId = remember(await store.createRun('values', awkward.slice(0, 14), true, 'h', WIRE));
      const read = [];
      for (const [i, value] of awkward.entries()) {
        const { stepId } = await store.insertStepState(runId, `value ${i}`, null, value);
        await store.setStepRunning(stepId);
        await store.setStepResult(stepId, value);
        read.push([(await store.getStepState(runId, `value ${i}`)).result]);
      }
      await store.updateRunStatus(runId, 'completed', 0);
      return [read, (await store.getRun(runId)).output];
    }));

  it('for names of steps that look like parts of keys', () =>
    expectSame(async (store, remember) => {
      const runId = remember(await store.createRun('names', {}, true, 'h', WIRE));
      const states = [];
      for (const name of ['a:b:c', '#1', '[0]', '*', '?', 'ünï', '__workflow_suspend:why', ' ', 'name:onError']) {
        const { stepId } = await store.insertStepState(runId, name, 'f', { name });
        await store.setStepRunning(stepId);
        await store.setStepResult(stepId, name);
        states.push(await store.getStepState(runId, name));
      }
      return states;
    }));

  it('for nothing but values that cannot be stored', () =>
    expectSame(async (store, remember) => {
      const runId = remember(await store.createRun('refused', {}, true, 'h', WIRE));
      const { stepId } = await store.insertStepState(runId, 's', 'f', {});
      const loop: { self?: unknown } = {};
      loop.self = loop;
      const refusals = [];
      for (const value of [10n, loop]) {
        refusals.push(await store.setStepResult(stepId, value).then(String, (error: Error) => error.name));
        refusals.push(
          await store.createRun('refused', value, true, 'h', WIRE).then(String, (error: Error) => error.name),
        );
      }
      return refusals;
    }));
});

/** `RedisWorkflowService` when several are at one thing at once. */
import { beforeAll, describe, expect, it } from 'vitest';

import { siblings } from '../../support/pikku/siblings.js';
import { newRun, type OpenService, openService } from '../../support/pikku/workflow.js';

const on = siblings();
let prefix: string;
let one: OpenService;
let other: OpenService;

beforeAll(async () => {
  prefix = on.prefix();
  [one, other] = [on.url, on.proxy.url].map((url) => on.keep(openService(url, prefix, { wireQueues: false }))) as [
    OpenService,
    OpenService,
  ];
  await Promise.all([one.init(), other.init()]);
});

describe('transitions', () => {
  it('leave one entry for each attempt, two hundred times at once', async () => {
    const run = await newRun(one);
    const names = Array.from({ length: 200 }, (_, index) => `s${index}`);
    const steps = await Promise.all(names.map((name) => one.insertStepState(run, name, null, null)));
    await Promise.all(steps.flatMap(({ stepId }) => [one.setStepRunning(stepId), other.setStepResult(stepId, 1)]));
    const counts = await Promise.all(steps.map(({ stepId }) => on.redis.zCard(`${prefix}:step-history:${stepId}`)));
    expect(counts).toEqual(names.map(() => 1));
    for (const { stepName, status } of await one.getRunHistory(run)) {
      expect(status).toBe((await one.getStepState(run, stepName)).status);
    }
  });

  it('count attempts that begin at once', async () => {
    const { stepId } = await one.insertStepState(await newRun(one), 's', null, null);
    const begun = await Promise.all(
      [...Array(20)].map((_, i) => (i % 2 ? one : other).createRetryAttempt(stepId, 'pending')),
    );
    expect(begun.map(({ attemptCount }) => attemptCount).sort((a, b) => a - b)).toEqual(
      [...Array(20)].map((_, i) => i + 2),
    );
    expect(await on.redis.zCard(`${prefix}:step-history:${stepId}`)).toBe(21);
  });
});

describe('insertion', () => {
  it('makes one step for all who want to', async () => {
    const run = await newRun(one);
    const made = await Promise.all(
      [...Array(50)].map((_, i) => (i % 2 ? one : other).insertStepState(run, 's', 'r', i)),
    );
    expect(new Set(made.map(({ stepId }) => stepId)).size).toBe(1);
    expect(await on.redis.zCard(`${prefix}:step-history:${made[0]?.stepId}`)).toBe(1);
  });
});

describe('a claim', () => {
  it('is given to one of many', async () => {
    const run = await newRun(one);
    await one.insertStepState(run, 's', 'rpc', null);
    const claims = await Promise.all(
      [...Array(20)].map((_, i) => (i % 2 ? one : other).claimStepForExecution(run, 's', 'rpc')),
    );
    expect(claims.filter((claim) => claim !== null)).toMatchObject([{ status: 'running', attemptCount: 1 }]);
    expect((await one.getRunHistory(run))[0]?.runningAt).toBeInstanceOf(Date);
  });

  it('of a step that has failed is its next attempt', async () => {
    const run = await newRun(one);
    const { stepId } = await one.insertStepState(run, 's', 'rpc', null);
    await one.setStepError(stepId, new Error('x'));
    const claims = await Promise.all([one, other].map((service) => service.claimStepForExecution(run, 's', 'rpc')));
    expect(claims.filter((claim) => claim !== null)).toMatchObject([
      { status: 'running', attemptCount: 2, error: undefined, stepName: 's' },
    ]);
  });

  it('is refused for what is done, what is not there, and another function', async () => {
    const run = await newRun(one);
    await expect(one.claimStepForExecution(run, 's', 'rpc')).rejects.toThrow(/^Step not found: runId=/);
    const { stepId } = await one.insertStepState(run, 's', 'rpc', null);
    await expect(one.claimStepForExecution(run, 's', 'evil')).rejects.toThrow(
      `Workflow step 's' (run ${run}) was dispatched with a different function`,
    );
    await one.setStepResult(stepId, 1);
    expect(await one.claimStepForExecution(run, 's', 'rpc')).toBeNull();
  });

  it('of a step that older versions wrote with an empty function is one without a function', async () => {
    const run = await newRun(one);
    await one.insertStepState(run, 's', null, null);
    await on.redis.hSet(`${prefix}:step:${run}:s`, 'rpcName', '');
    expect(await one.getStepState(run, 's')).toMatchObject({ rpcName: null });
    expect(await one.claimStepForExecution(run, 's', undefined as unknown as string)).toMatchObject({
      status: 'running',
    });
  });

  it('waits for a process that claims under the lock of the step', async () => {
    const run = await newRun(one);
    await one.insertStepState(run, 's', 'rpc', null);
    const lock = `${prefix}:step-lock:${run}:s`;
    await on.redis.set(lock, 'theirs', { PX: 30_000 });
    const patient = on.keep(openService(on.url, prefix, { wireQueues: false, stepLockWait: 15_000 }));
    const claim = patient.claimStepForExecution(run, 's', 'rpc');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await on.redis.hGet(`${prefix}:step:${run}:s`, 'status')).toBe('pending');
    await on.redis.del(lock);
    expect(await claim).toMatchObject({ status: 'running' });

    await on.redis.set(lock, 'theirs', { PX: 30_000 });
    await expect(one.claimStepForExecution(run, 's', 'rpc')).rejects.toThrow(
      `Failed to acquire step lock for run ${run}, step s after 10 retries`,
    );
  });
});

/** `RedisWorkflowService` beside every generation of the class that it extends. */
import { beforeAll, describe, expect, it } from 'vitest';

import { CORES, Packages } from '../../support/pikku/packages.mjs';
import { oursBeside, siblings } from '../../support/pikku/siblings.js';
import type { OpenService } from '../../support/pikku/workflow.js';

const on = siblings();
const WRAPPED = ['createRun', 'updateRunStatus', 'insertStepState', 'setStepRunning', 'setStepScheduled'].concat(
  ['setStepResult', 'setStepChildRunId', 'setStepError', 'createRetryAttempt', 'setBranchTaken', 'updateRunState'],
  ['upsertWorkflowVersion', 'updateWorkflowVersionStatus'],
);

describe.each(CORES)('core %s', (core) => {
  let Base: { prototype: Record<string, unknown> };
  let service: OpenService;

  beforeAll(async () => {
    Base = (await new Packages(core).import('@pikku/core/workflow')).PikkuWorkflowService;
    const { RedisWorkflowService } = await oursBeside(core);
    const Service = RedisWorkflowService as unknown as new (...args: unknown[]) => OpenService;
    service = on.keep(new Service(on.url, on.prefix(), { wireQueues: false }));
  });

  it('is what the service extends', () => {
    expect(service).toBeInstanceOf(Base);
  });

  it('has its wrappers left to it, and its abstract methods filled in', () => {
    for (const name of WRAPPED) {
      const inherited = Base.prototype[name];
      const member = (service as unknown as Record<string, unknown>)[name];
      expect(member, name).toBeTypeOf('function');
      if (typeof inherited === 'function') expect(member, name).toBe(inherited);
    }
  });

  it('runs its steps', async () => {
    const run = await service.createRun('w', { a: 1 }, true, 'h', { type: 't' });
    const { stepId } = await service.insertStepState(run, 's', 'rpc', null, { retries: 1 });
    await service.setStepScheduled(stepId);
    await service.setStepRunning(stepId);
    await service.setStepError(stepId, new Error('x'));
    await service.createRetryAttempt(stepId, 'pending');
    await service.setStepChildRunId(stepId, 'c');
    await service.setBranchTaken(stepId, 'b');
    await service.setStepResult(stepId, 1);
    await service.updateRunState(run, 'v', 1);
    await service.updateRunStatus(run, 'completed', 2);
    await service.upsertWorkflowVersion('w', 'h', {}, 'dsl');
    await service.updateWorkflowVersionStatus('w', 'h', 'draft');
    expect(await service.getRun(run)).toMatchObject({ status: 'completed', output: 2 });
    expect((await service.getRunHistory(run)).map(({ status }) => status)).toEqual(['failed', 'succeeded']);
  });
});

it('tells a mirror of every write and claim, and of nothing else', async () => {
  const { RedisWorkflowService } = await oursBeside('0.12.84');
  const told: string[] = [];
  const mirror = new Proxy({}, { get: (_, name) => async () => void told.push(String(name)) });
  const Service = RedisWorkflowService as unknown as new (...args: unknown[]) => OpenService;
  const service = on.keep(new Service(on.url, on.prefix(), { wireQueues: false, mirror }));
  const run = await service.createRun('w', 1, true, 'h', { type: 't' });
  const { stepId } = await service.insertStepState(run, 's', 'rpc', null);
  await service.claimStepForExecution(run, 's', 'rpc');
  await service.setStepError(stepId, new Error('x'));
  await service.claimStepForExecution(run, 's', 'rpc');
  // No write: another has the run at work.
  const message = `Failed to acquire lock for run ${run} after 10 retries`;
  await expect(service.updateRunStatus(run, 'failed', undefined, { message })).rejects.toThrow(message);
  expect(told).toEqual(['createRun', 'insertStepState', 'setStepRunning', 'setStepError', 'createRetryAttempt']);
});

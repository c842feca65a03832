/** `RedisWorkflowService`: one command for each method, however many runs and keys there are. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Monitor } from '../../support/monitor.js';
import { siblings } from '../../support/pikku/siblings.js';
import { newRun, type OpenService, openService } from '../../support/pikku/workflow.js';

const on = siblings();
let prefix: string;
let service: OpenService;
let monitor: Monitor;

beforeAll(async () => {
  monitor = await Monitor.start(on.server, on.redis);
  prefix = on.prefix();
  service = on.keep(openService(on.url, prefix, { wireQueues: false }));
  // The server sees every script once, so that no count holds the loading of one.
  for (const [, call] of calls) await call(await scene());
});

afterAll(async () => {
  await monitor.stop();
});

/** A run with a step, as every call finds it. */
async function scene() {
  const run = await newRun(service);
  const { stepId } = await service.insertStepState(run, 's', 'rpc', null);
  return { run, stepId };
}

type Scene = Awaited<ReturnType<typeof scene>>;

const calls: Array<[string, (scene: Scene) => Promise<unknown>, number?]> = [
  ['createRun', () => newRun(service)],
  ['getRun', ({ run }) => service.getRun(run)],
  ['updateRunStatus', ({ run }) => service.updateRunStatus(run, 'completed', 1)],
  ['insertStepState', ({ run }) => service.insertStepState(run, 'new', 'rpc', 1)],
  ['getStepState', ({ run }) => service.getStepState(run, 's')],
  ['setStepRunning', ({ stepId }) => service.setStepRunning(stepId)],
  ['setStepScheduled', ({ stepId }) => service.setStepScheduled(stepId)],
  ['setStepResult', ({ stepId }) => service.setStepResult(stepId, 1)],
  ['setStepError', ({ stepId }) => service.setStepError(stepId, new Error('x'))],
  ['setStepChildRunId', ({ stepId }) => service.setStepChildRunId(stepId, 'c')],
  ['setBranchTaken', ({ stepId }) => service.setBranchTaken(stepId, 'b')],
  ['createRetryAttempt', ({ stepId }) => service.createRetryAttempt(stepId, 'running')],
  ['claimStepForExecution', ({ run }) => service.claimStepForExecution(run, 's', 'rpc')],
  ['withRunLock', ({ run }) => service.withRunLock(run, async () => 1), 2],
  ['withStepLock', ({ run }) => service.withStepLock(run, 's', async () => 1), 2],
  ['getRunHistory', ({ run }) => service.getRunHistory(run)],
  ['getRunStatus', ({ run }) => service.getRunStatus(run), 2],
  ['getCompletedGraphState', ({ run }) => service.getCompletedGraphState(run)],
  ['getStepInstances', ({ run }) => service.getStepInstances(run)],
  ['getNodeResults', ({ run }) => service.getNodeResults(run, ['s', 'a', 'b'])],
  ['getNodesWithoutSteps', ({ run }) => service.getNodesWithoutSteps(run, ['s', 'a', 'b'])],
  ['updateRunState', ({ run }) => service.updateRunState(run, 'v', 1)],
  ['getRunState', ({ run }) => service.getRunState(run)],
  ['upsertWorkflowVersion', ({ run }) => service.upsertWorkflowVersion('v', run, {}, 'dsl')],
  ['updateWorkflowVersionStatus', ({ run }) => service.updateWorkflowVersionStatus('v', run, 'draft')],
  ['getWorkflowVersion', ({ run }) => service.getWorkflowVersion('v', run)],
];

/** The commands that a call sends. */
async function spent(call: () => Promise<unknown>): Promise<string[]> {
  await monitor.take();
  await call();
  return monitor.take();
}

describe('one command', () => {
  it.each(calls)('%s', async (_, call, expected = 1) => {
    const found = await scene();
    expect(await spent(() => call(found))).toHaveLength(expected);
  });
});

describe('a run of three steps', () => {
  const run = async (steps = ['one', 'two', 'three']) => {
    const id = await service.createRun('flow', {}, true, 'hash', { type: 'test' });
    await service.getRun(id);
    await service.withRunLock(id, async () => {
      for (const name of steps) {
        await expect(service.getStepState(id, name)).rejects.toThrow('Step not found');
        const { stepId } = await service.insertStepState(id, name, 'rpc', {});
        await service.setStepRunning(stepId);
        await service.setStepResult(stepId, name);
        expect((await service.getStepState(id, name)).result).toBe(name);
      }
      await service.updateRunStatus(id, 'completed', 1);
    });
    return id;
  };

  it('takes thirteen commands as the engine makes it inline', async () => {
    await run();
    expect(await spent(() => run())).toHaveLength(13);
  });

  it('is read back without a walk through the database', async () => {
    const id = await run();
    await on.redis.eval(`for i = 1, 20000 do redis.call('SET', 'foreign:' .. i, i) end`);
    const listings = async () => {
      await service.getRunHistory(id);
      await service.getStepInstances(id);
      await service.getCompletedGraphState(id);
    };
    // One for the histories, and one for the two that the runner of graphs asks for.
    expect(await spent(listings)).toHaveLength(2);
  });

  it('is read once for all that the runner of graphs asks for at a time', async () => {
    const id = await run();
    const round = async () => {
      const graph = await service.getCompletedGraphState(id);
      const [found, steps] = [await service.getRun(id), await service.getStepInstances(id)];
      expect(graph.completedNodeIds.sort()).toEqual(['one', 'three', 'two']);
      expect(steps.map(({ stepName }) => stepName).sort()).toEqual(['one', 'three', 'two']);
      expect(found).toMatchObject({ id, status: 'completed', output: 1 });
    };
    expect(await spent(round)).toHaveLength(1);
  });
});

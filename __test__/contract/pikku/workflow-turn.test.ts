/** `RedisWorkflowService`: what a reply has brought is not believed for longer than nobody can know better. */
import { nextTick } from 'node:process';
import { setImmediate as turned } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';

import { siblings } from '../../support/pikku/siblings.js';
import { newRun, type OpenService, openService } from '../../support/pikku/workflow.js';

const on = siblings();
let prefix: string;
let service: OpenService;
let other: OpenService;

beforeAll(async () => {
  prefix = on.prefix();
  [service, other] = [0, 1].map(() => on.keep(openService(on.url, prefix, { wireQueues: false }))) as [
    OpenService,
    OpenService,
  ];
  await Promise.all([service.init(), other.init()]);
});

/** What was called is on its way. */
const sent = () => new Promise<void>((resolve) => nextTick(() => nextTick(resolve)));

/** Keeps the event loop from hearing anything. */
function busyFor(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

async function graph() {
  const run = await newRun(service, { n: 1 });
  const { stepId } = await service.insertStepState(run, 's', 'rpc', null, { retries: 0 }, 'before');
  return { run, stepId };
}

describe('a run that was just made, or read with its graph', () => {
  it('is the same as it is stored', async () => {
    const made = await newRun(service, { n: 1 });
    const first = await service.getRun(made);
    await turned();
    expect(await service.getRun(made)).toStrictEqual(first);

    const { run } = await graph();
    const stored = await other.getRun(run);
    const instances = await other.getStepInstances(run);
    await service.getCompletedGraphState(run);
    const [known, steps] = [await service.getRun(run), await service.getStepInstances(run)];
    expect(known).toStrictEqual(stored);
    expect(steps).toStrictEqual(instances);
    expect(steps).toEqual([{ stepName: 's', status: 'pending', fromStepName: 'before' }]);
  });

  it('is read anew once the event loop has turned', async () => {
    const run = await newRun(service);
    await turned();
    await on.redis.hSet(`${prefix}:run:${run}`, 'status', 'cancelled');
    expect((await service.getRun(run))?.status).toBe('cancelled');
    await service.getCompletedGraphState(run);
    await other.updateRunStatus(run, 'completed', 1);
    expect((await service.getRun(run))?.status).toBe('completed');
  });

  it('is known of each of many that were read at once', async () => {
    const runs = await Promise.all(Array.from({ length: 20 }, () => newRun(service, { text: 'x'.repeat(2000) })));
    await Promise.all(runs.map((run) => service.insertStepState(run, 's', 'rpc', null)));
    await turned();
    const hashesRead = async () =>
      Number(/cmdstat_hgetall:calls=(\d+)/.exec(await on.redis.info('commandstats'))?.[1] ?? 0);
    const read = async (work: (run: string) => Promise<unknown>) => {
      const before = await hashesRead();
      await Promise.all(runs.map(work));
      return (await hashesRead()) - before;
    };
    const alone = await read((run) => service.getCompletedGraphState(run));
    const both = await read(async (run) => {
      await service.getCompletedGraphState(run);
      expect((await service.getRun(run))?.id).toBe(run);
    });
    expect(both).toBe(alone);
  });

  it('is read anew once another service of this process has been heard to write, with no turn in between', async () => {
    for (let round = 0; round < 5; round++) {
      const run = await newRun(service);
      await turned();
      const read = service.getCompletedGraphState(run);
      await sent();
      const written = other.updateRunStatus(run, 'completed', 1);
      await sent();
      busyFor(20); // both are answered before either answer is looked at
      await Promise.all([read, written]);
      expect((await service.getRun(run))?.status).toBe('completed');
    }
  });

  it('is read anew after every write of this process', async () => {
    const { run, stepId } = await graph();
    const read = async () => {
      const [found, [step]] = [await service.getRun(run), await service.getStepInstances(run)];
      return `${found?.status} ${step?.status}`;
    };
    // All in one turn: the replies to the graph and to the write come together.
    const after = async (write: Promise<unknown>) => {
      await Promise.all([service.getCompletedGraphState(run), write]);
      return read();
    };
    expect(await after(service.setStepRunning(stepId))).toBe('running running');
    expect(await after(service.setStepResult(stepId, 1))).toBe('running succeeded');
    expect(await after(service.createRetryAttempt(stepId, 'pending'))).toBe('running pending');
    expect(await after(service.claimStepForExecution(run, 's', 'rpc'))).toBe('running running');
    expect(await after(service.updateRunStatus(run, 'failed'))).toBe('failed running');

    await service.getCompletedGraphState(run);
    const written = service.updateRunStatus(run, 'running');
    expect((await service.getRun(run))?.status).toBe('running');
    await written;
  });

  it('has its steps read page by page when they are many', async () => {
    const run = await newRun(service);
    const names = Array.from({ length: 501 }, (_, index) => `s${index}`);
    await Promise.all(names.map((name) => service.insertStepState(run, name, null, null)));
    const { failedNodeIds, completedNodeIds } = await service.getCompletedGraphState(run);
    expect([failedNodeIds, completedNodeIds]).toEqual([[], []]);
    expect(await service.getStepInstances(run)).toHaveLength(501);
    expect((await service.getRun(run))?.id).toBe(run);
  });
});

import { RedisWorkflowRunService, RedisWorkflowService } from 'ferrodis/pikku';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { ioredis, original, siblings } from '../../support/pikku/siblings.js';

const on = siblings();

/** What the tests use of the original's workflow service, to have runs as it writes them. */
interface Workflows {
  createRun(name: string, input: unknown, inline: boolean, graphHash: string, wire: object): Promise<string>;
  updateRunStatus(id: string, status: string, output?: unknown, error?: unknown): Promise<void>;
  insertStepState(
    run: string,
    name: string,
    rpc: string | null,
    data: unknown,
    options?: object,
    from?: string,
  ): Promise<{ stepId: string }>;
  setStepRunning(id: string): Promise<void>;
  setStepResult(id: string, result: unknown): Promise<void>;
  setStepError(id: string, error: Error): Promise<void>;
  createRetryAttempt(id: string, status: string): Promise<unknown>;
  updateRunState(id: string, name: string, value: unknown): Promise<void>;
  upsertWorkflowVersion(name: string, hash: string, graph: unknown, source: string, status?: string): Promise<void>;
}

type Client = InstanceType<Awaited<ReturnType<typeof ioredis>>['Redis']>;
let client: Client;

beforeAll(async () => {
  const { Redis } = await ioredis();
  client = new Redis(on.url);
});

afterAll(() => client.disconnect());

function open(prefix: string, options: { mixedFleet?: boolean } = {}, url: string = on.url): RedisWorkflowRunService {
  return on.keep(new RedisWorkflowRunService(url, prefix, options));
}

async function theirs(prefix: string): Promise<{ workflows: Workflows; runs: RedisWorkflowRunService }> {
  const classes = await original('0.12.18');
  return {
    workflows: new classes['RedisWorkflowService'](client, prefix, { wireQueues: false }) as Workflows,
    runs: new classes['RedisWorkflowRunService'](client, prefix) as RedisWorkflowRunService,
  };
}

/** Writes a run's hash, as the original has it. */
async function run(prefix: string, id: string, createdAt: number, fields: Record<string, string> = {}): Promise<void> {
  const at = String(createdAt);
  const row = { id, workflow: 'w', status: 'running', input: '{}', wire: '', createdAt: at, updatedAt: at };
  await on.redis.hSet(`${prefix}:run:${id}`, { ...row, ...fields });
}

describe('beside the original', () => {
  it('reads runs, steps, histories and versions as it does, and deletes them', async () => {
    const prefix = on.prefix();
    const { workflows, runs } = await theirs(prefix);
    const id = await workflows.createRun('order', { n: 1 }, true, 'hash', { type: 'http', id: 'x' });
    const one = await workflows.insertStepState(id, 'step', 'charge', { cents: 5 }, { retries: 2, retryDelay: 1500 });
    await workflows.setStepRunning(one.stepId);
    await workflows.setStepError(one.stepId, Object.assign(new Error('no'), { code: 'E' }));
    await workflows.createRetryAttempt(one.stepId, 'pending');
    await workflows.setStepResult(one.stepId, { ok: true });
    const two = await workflows.insertStepState(id, 'a:b[0]*', null, undefined, {}, 'step');
    await workflows.setStepResult(two.stepId, null);
    await workflows.updateRunState(id, 'v', 1);
    await workflows.updateRunStatus(id, 'completed', { total: 5 });
    await workflows.upsertWorkflowVersion('order', 'hash', { nodes: [] }, 'dsl');
    const ours = open(prefix);

    expect(await ours.getRun(id)).toStrictEqual(await runs.getRun(id));
    await expect(ours.getRun('none')).resolves.toBeNull();
    expect(await ours.listRuns()).toStrictEqual(await runs.listRuns());
    expect(await ours.getWorkflowVersion('order', 'hash')).toStrictEqual({ graph: { nodes: [] }, source: 'dsl' });
    await expect(ours.getWorkflowVersion('order', 'other')).resolves.toBeNull();
    await expect(ours.getDistinctWorkflowNames()).resolves.toEqual(['order']);

    // Ours adds what the types promise and the original leaves out.
    const steps = await ours.getRunSteps(id);
    for (const [at, step] of (await runs.getRunSteps(id)).entries()) expect(steps[at]).toMatchObject(step);
    expect(steps.map(({ stepName, fromStepName }) => [stepName, fromStepName])).toEqual([
      ['step', undefined],
      ['a:b[0]*', 'step'],
    ]);
    const history = await ours.getRunHistory(id);
    const expected = await runs.getRunHistory(id);
    expect(history).toHaveLength(expected.length);
    for (const [at, attempt] of expected.entries()) {
      const { updatedAt: _, ...same } = attempt;
      expect(history[at]).toMatchObject(same);
    }

    await expect(ours.deleteRun(id)).resolves.toBe(true);
    await expect(ours.deleteRun(id)).resolves.toBe(false);
    expect(Object.keys(await on.dump(prefix)).filter((key) => !key.startsWith('runs-complete'))).toEqual([
      'version:order:hash',
    ]);
  });

  it('lists what other processes begin: within a minute, or at once in a mixed fleet', async () => {
    const prefix = on.prefix();
    await run(prefix, 'a', 1);
    const [ours, mixed] = [open(prefix), open(prefix, { mixedFleet: true })];
    const ids = async (service: RedisWorkflowRunService) => (await service.listRuns()).map(({ id }) => id);
    await expect(ids(ours)).resolves.toEqual(['a']);
    await run(prefix, 'b', 2);
    await expect(ids(mixed)).resolves.toEqual(['b', 'a']);
    const trusted = await on.redis.ttl(`${prefix}:runs-complete`);
    expect(trusted).toBeGreaterThan(0);
    expect(trusted).toBeLessThanOrEqual(60);
    await on.redis.del(`${prefix}:runs-complete`);
    await expect(ids(ours)).resolves.toEqual(['b', 'a']);
  });
});

it('lists the runs of our own processes at once', async () => {
  const prefix = on.prefix();
  const service = open(prefix);
  await expect(service.listRuns()).resolves.toEqual([]);
  const workflows = on.keep(new RedisWorkflowService(on.url, prefix, { wireQueues: false }));
  const id = await workflows.createRun('w', { n: 1 }, true, '', { type: 'x' });
  await expect(service.listRuns()).resolves.toMatchObject([{ id, input: { n: 1 } }]);
  const { stepId } = await workflows.insertStepState(id, 's', null, { d: 1 });
  await workflows.setStepResult(stepId, 7);
  await expect(service.getRunSteps(id)).resolves.toMatchObject([{ stepName: 's', data: { d: 1 }, result: 7 }]);
  await expect(service.getRunHistory(id)).resolves.toMatchObject([{ stepName: 's', status: 'succeeded', result: 7 }]);
  await expect(service.deleteRun(id)).resolves.toBe(true);
  expect(Object.keys(await on.dump(prefix)).filter((key) => !key.startsWith('runs-complete'))).toEqual([]);
});

describe('listing', () => {
  it('is newest first, filtered, and cut as an array is', async () => {
    const prefix = on.prefix();
    for (let at = 0; at < 9; at++) {
      await run(prefix, `r${at}`, 1000 + at, { workflow: at % 3 ? 'w' : 'v', status: at < 2 ? 'failed' : 'running' });
    }
    await on.redis.hSet(`${prefix}:run:half`, 'status', 'running');
    for (const service of [open(prefix), open(prefix, { mixedFleet: true })]) {
      const ids = async (options?: Parameters<typeof service.listRuns>[0]) =>
        (await service.listRuns(options)).map(({ id }) => id).join(' ');
      await expect(ids()).resolves.toBe('r8 r7 r6 r5 r4 r3 r2 r1 r0');
      await expect(ids({ limit: 2, offset: 3 })).resolves.toBe('r5 r4');
      await expect(ids({ limit: 0 })).resolves.toBe('');
      await expect(ids({ offset: 8, limit: Number.POSITIVE_INFINITY })).resolves.toBe('r0');
      await expect(ids({ limit: -7 })).resolves.toBe('r8 r7');
      await expect(ids({ workflowName: 'v' })).resolves.toBe('r6 r3 r0');
      await expect(ids({ workflowName: '', status: 'failed' })).resolves.toBe('r1 r0');
      await expect(ids({ workflowName: 'v', status: 'failed', limit: 1 })).resolves.toBe('r0');
      await expect(service.getDistinctWorkflowNames()).resolves.toEqual(['v', 'w']);
    }
  });

  it('goes on past runs that are gone, or have expired', async () => {
    const prefix = on.prefix();
    for (let at = 0; at < 1200; at++) await run(prefix, `r${at}`, at);
    const service = open(prefix);
    await service.listRuns();
    for (let at = 200; at < 1200; at++) await on.redis.del(`${prefix}:run:r${at}`);
    const listed = await service.listRuns({ limit: 300 });
    expect(listed.map(({ id }) => id)).toEqual(Array.from({ length: 200 }, (_, at) => `r${199 - at}`));
    expect(await on.redis.zCard(`${prefix}:runs`)).toBe(200);
  });

  it('leaves one unreadable run out, and reads a run without input', async () => {
    const prefix = on.prefix();
    await run(prefix, 'bad', 3, { output: '{' });
    await run(prefix, 'empty', 2, { input: '' });
    await on.redis.set(`${prefix}:run:text`, 'no hash');
    const service = open(prefix);
    const listed = await service.listRuns();
    expect(listed.map(({ id, input }) => [id, input])).toEqual([['empty', undefined]]);
    await expect(service.getRun('bad')).rejects.toBeInstanceOf(SyntaxError);
  });

  it('takes a prefix literally', async () => {
    await run('q[1]*', 'mine', 1);
    await run('q1x', 'other', 1);
    await expect(open('q[1]*').listRuns()).resolves.toMatchObject([{ id: 'mine' }]);
  });

  it('lists the active workflows that agents have written', async () => {
    const prefix = on.prefix();
    const { workflows } = await theirs(prefix);
    await workflows.upsertWorkflowVersion('ai:helper:plan', 'h1', { n: 1 }, 'ai-agent', 'active');
    await workflows.upsertWorkflowVersion('ai:other:plan', 'h2', { n: 2 }, 'ai-agent', 'active');
    await workflows.upsertWorkflowVersion('ai:helper:draft', 'h3', { n: 3 }, 'ai-agent', 'draft');
    await workflows.upsertWorkflowVersion('ai:helper:hand', 'h4', { n: 4 }, 'dsl', 'active');
    const service = open(prefix);
    await expect(service.getAIGeneratedWorkflows('helper')).resolves.toEqual([
      { workflowName: 'ai:helper:plan', graphHash: 'h1', graph: { n: 1 } },
    ]);
    await expect(service.getAIGeneratedWorkflows()).resolves.toHaveLength(2);
  });
});

describe('deletion', () => {
  it('takes orphaned histories and variables along, and leaves locks and other runs alone', async () => {
    const prefix = on.prefix();
    const { workflows } = await theirs(prefix);
    const [doomed, other] = [
      await workflows.createRun('w', 1, true, '', { type: 'x' }),
      await workflows.createRun('w', 1, true, '', { type: 'x' }),
    ];
    for (const id of [doomed, other]) {
      const { stepId } = await workflows.insertStepState(id, 's', null, 1);
      await on.redis.zAdd(`${prefix}:step-history:${stepId}0`, { value: '{}', score: 1 });
      await workflows.updateRunState(id, 'v', 1);
    }
    await on.redis.set(`${prefix}:lock:${doomed}`, 'held');
    await expect(open(prefix).deleteRun(doomed)).resolves.toBe(true);
    const left = Object.keys(await on.dump(prefix));
    expect(left.filter((key) => key.includes(doomed))).toEqual([`lock:${doomed}`]);
    expect(left.filter((key) => key.includes(other))).toHaveLength(5);
  });

  it('of a run that our index knows whole is one round trip for each 500 steps, without a walk', async () => {
    const prefix = on.prefix();
    await run(prefix, 'r', 1, { stepIndex: '1' });
    for (let at = 0; at < 1100; at++) {
      await on.redis.zAdd(`${prefix}:steps:r`, { value: `s${at}`, score: at });
      await on.redis.hSet(`${prefix}:step:r:s${at}`, 'stepId', `r:s${at}:1`);
      await on.redis.zAdd(`${prefix}:step-history:r:s${at}:1`, { value: '{}', score: 1 });
    }
    const service = open(prefix, {}, on.proxy.url);
    await service.deleteRun('warm up');
    expect(await on.proxy.count(() => service.deleteRun('r'))).toBe(3);
    await expect(on.dump(prefix)).resolves.toEqual({});
  });
});

describe('among a hundred thousand foreign keys', () => {
  it('lists and deletes in a bounded number of round trips', async () => {
    const prefix = on.prefix();
    await client.eval("for i = 1, 100000 do redis.call('SET', 'foreign:' .. i, '') end return 1", 0);
    for (let at = 0; at < 60; at++) await run(prefix, `r${at}`, at, { stepIndex: '1' });
    const service = open(prefix, {}, on.proxy.url);
    await service.deleteRun('warm up');
    // The first listing walks, in steps of ten thousand keys; what follows within the minute asks the index.
    expect(await on.proxy.count(() => service.listRuns())).toBeLessThan(20);
    expect(await on.proxy.count(() => service.listRuns())).toBe(3);
    expect(await on.proxy.count(() => service.listRuns({ workflowName: 'w', offset: 20 }))).toBe(3);
    expect(await on.proxy.count(() => service.getDistinctWorkflowNames())).toBe(2);
    expect(await on.proxy.count(() => service.getRun('r1'))).toBe(1);
    expect(await on.proxy.count(() => service.getRunSteps('r1'))).toBe(1);
    expect(await on.proxy.count(() => service.deleteRun('r1'))).toBe(1);
    await client.flushall();
  });
});

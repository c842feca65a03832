/** `RedisWorkflowService`: what is written, what is read back, and what of it the original can read. */
import { setTimeout as elapse } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';

import { siblings } from '../../support/pikku/siblings.js';
import { newRun, type OpenService, openService } from '../../support/pikku/workflow.js';

const on = siblings();
const NOWHERE = '00000000-0000-4000-8000-000000000000';
let prefix: string;
let service: OpenService;

beforeAll(async () => {
  prefix = on.prefix();
  service = on.keep(openService(on.url, prefix, { wireQueues: false }));
  await service.init();
});

/** The history of a step as it is stored. */
async function history(stepId: string): Promise<Array<Record<string, unknown>>> {
  const members = await on.redis.zRangeWithScores(`${prefix}:step-history:${stepId}`, 0, -1);
  return members.map(({ score, value }) => Object.assign(JSON.parse(value), { score }));
}

describe('runs', () => {
  it('have the fields of the original', async () => {
    const planned = [{ stepName: 'one' }];
    const wire = { type: 'http', id: 'x' };
    const id = await service.createRun('flow', { a: [1] }, false, 'h1', wire, {
      deterministic: true,
      plannedSteps: planned,
    });
    const { createdAt, updatedAt, ...fields } = await on.redis.hGetAll(`${prefix}:run:${id}`);
    expect(fields).toEqual({
      id,
      workflow: 'flow',
      status: 'running',
      input: '{"a":[1]}',
      inline: 'false',
      graphHash: 'h1',
      deterministic: 'true',
      plannedSteps: '[{"stepName":"one"}]',
      wire: '{"type":"http","id":"x"}',
      stepIndex: '1',
    });
    expect(createdAt).toMatch(/^\d{13}$/);
    expect(updatedAt).toBe(createdAt);
    expect(await service.getRun(id)).toStrictEqual({
      id,
      workflow: 'flow',
      status: 'running',
      input: { a: [1] },
      output: undefined,
      error: undefined,
      inline: undefined,
      graphHash: 'h1',
      deterministic: true,
      plannedSteps: planned,
      wire,
      createdAt: new Date(Number(createdAt)),
      updatedAt: new Date(Number(createdAt)),
    });
  });

  it('can be made with name and input alone, as the documentation has it', async () => {
    const create = service.createRun.bind(service) as unknown as (name: string, input: unknown) => Promise<string>;
    const run = await service.getRun(await create('flow', 5));
    expect(run).toMatchObject({ input: 5, inline: undefined, graphHash: undefined, wire: { type: 'unknown' } });
  });

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['zero', 0],
    ['false', false],
    ['an empty text', ''],
    ['a list', []],
    ['a megabyte', 'x'.repeat(1 << 20)],
    ['half a character', '\ud800'],
    ['characters with a meaning', '😀"\\\u0000'],
  ])('keep the input: %s', async (_, input) => {
    expect((await service.getRun(await newRun(service, input)))?.input).toEqual(input);
  });

  it('have the JSON of V8: dates, numbers that are none, members that vanish', async () => {
    const input = {
      at: new Date(0),
      none: Number.NaN,
      gone: undefined,
      map: new Map([[1, 2]]),
      to: { toJSON: () => 'j' },
    };
    const run = await service.getRun(await newRun(service, input));
    expect(run?.input).toEqual({ at: '1970-01-01T00:00:00.000Z', none: null, map: {}, to: 'j' });
  });

  it('are not begun with what has no JSON', async () => {
    const before = await on.redis.dbSize();
    await expect(newRun(service, 1n)).rejects.toThrow(TypeError);
    const ring: Record<string, unknown> = {};
    ring['self'] = ring;
    await expect(newRun(service, ring)).rejects.toThrow(TypeError);
    expect(await on.redis.dbSize()).toBe(before);
  });

  it.each([null, 0, false, '', { a: 1 }])('end with the output %j', async (output) => {
    const id = await newRun(service);
    await service.updateRunStatus(id, 'completed', output);
    expect(await service.getRun(id)).toMatchObject({ status: 'completed', output });
  });

  it('keep output and error that a later change does not name', async () => {
    const id = await newRun(service);
    await service.updateRunStatus(id, 'failed', 1, { message: 'no', extra: [1] });
    await service.updateRunStatus(id, 'suspended');
    expect(await service.getRun(id)).toMatchObject({
      status: 'suspended',
      output: 1,
      error: { message: 'no', extra: [1] },
    });
  });

  it('lose the error of an earlier end when they complete', async () => {
    const id = await newRun(service);
    await service.updateRunStatus(id, 'failed', undefined, { message: 'no' });
    await service.updateRunStatus(id, 'completed', 'yes');
    expect((await service.getRun(id))?.error).toBeUndefined();
    expect(await service.getRunStatus(id)).toMatchObject({ status: 'completed', output: 'yes', error: undefined });
  });

  it.each([{}, { message: undefined }, { message: 5 }, { message: '' }, null])(
    'fail with the error %j',
    async (error) => {
      const id = await newRun(service);
      await service.updateRunStatus(id, 'failed', undefined, error as never);
      const run = await service.getRun(id);
      expect(run?.status).toBe('failed');
      expect(run?.error).toEqual(JSON.parse(JSON.stringify(error)));
    },
  );

  it('that nobody knows are null, and no change makes them', async () => {
    expect(await service.getRun(NOWHERE)).toBeNull();
    await service.updateRunStatus(NOWHERE, 'failed', 1, { message: 'x' });
    expect(await on.redis.exists(`${prefix}:run:${NOWHERE}`)).toBe(0);
    expect(await service.getRunHistory(NOWHERE)).toEqual([]);
    expect(await service.getRunState(NOWHERE)).toEqual({});
    expect(await service.getStepInstances(NOWHERE)).toEqual([]);
    expect(await service.getNodeResults(NOWHERE, ['a'])).toEqual({});
    expect(await service.getCompletedGraphState(NOWHERE)).toEqual({
      completedNodeIds: [],
      failedNodeIds: [],
      branchKeys: {},
    });
    expect(await on.redis.keys(`${prefix}:*${NOWHERE}*`)).toEqual([]);
  });
});

describe('steps', () => {
  it('go through their states with the hash and the history of the original', async () => {
    const run = await newRun(service);
    const step = await service.insertStepState(run, 'one', 'rpc', { d: 1 }, { retries: 0, retryDelay: 1500 }, 'zero');
    expect(step).toMatchObject({
      status: 'pending',
      rpcName: 'rpc',
      attemptCount: 1,
      retries: 0,
      retryDelay: '1500',
      fromStepName: 'zero',
    });
    expect(step.stepId).toBe(`${run}:one:${step.createdAt.getTime()}`);
    await service.setStepScheduled(step.stepId);
    await service.setStepRunning(step.stepId);
    await service.setStepResult(step.stepId, { r: '"' });
    await service.setStepError(step.stepId, Object.assign(new Error('boom'), { code: 7 }));

    const state = await service.getStepState(run, 'one');
    expect(state).toMatchObject({ status: 'failed', result: undefined, error: { message: 'boom', code: 7 } });
    const hash = await on.redis.hGetAll(`${prefix}:step:${run}:one`);
    expect(Object.keys(hash).sort()).toEqual(
      ['stepId', 'data', 'status', 'attemptCount', 'createdAt', 'updatedAt', 'rpcName', 'retries', 'retryDelay']
        .concat('fromStepName', 'error')
        .sort(),
    );
    const [entry, ...more] = await history(step.stepId);
    expect(more).toEqual([]);
    expect(entry).toMatchObject({ score: 1, stepId: step.stepId, stepName: 'one', attemptCount: 1, status: 'failed' });
    expect(entry).toMatchObject({ retries: 0, retryDelay: '1500', createdAt: step.createdAt.getTime() });
    expect(JSON.parse(entry?.['error'] as string)).toMatchObject({ message: 'boom', code: 7 });
    expect(entry).not.toHaveProperty('result');
    for (const stamp of ['scheduledAt', 'runningAt', 'succeededAt', 'failedAt']) {
      expect(entry?.[stamp]).toBeGreaterThanOrEqual(step.createdAt.getTime());
    }
  });

  it('begin another attempt without the outcome of the last one', async () => {
    const run = await newRun(service);
    const { stepId } = await service.insertStepState(run, 'one', null, null, { retries: 2 });
    await service.setStepError(stepId, new Error('first'));
    expect(await service.createRetryAttempt(stepId, 'pending')).toMatchObject({
      stepId,
      stepName: 'one',
      status: 'pending',
      attemptCount: 2,
      error: undefined,
      result: undefined,
    });
    await service.setStepError(stepId, new Error('second'));
    expect(await service.createRetryAttempt(stepId, 'running')).toMatchObject({ status: 'running', attemptCount: 3 });
    // Of two attempts that ended in one millisecond the host shows the first.
    await elapse(2);
    await service.setStepResult(stepId, 'third');
    const attempts = await service.getRunHistory(run);
    expect(attempts.map(({ attemptCount, status }) => [attemptCount, status])).toEqual([
      [1, 'failed'],
      [2, 'failed'],
      [3, 'succeeded'],
    ]);
    expect(attempts[2]).toMatchObject({ stepName: 'one', result: 'third', error: undefined });
    expect(attempts[2]?.runningAt).toBeInstanceOf(Date);
    expect(attempts[1]?.runningAt).toBeUndefined();
    expect(await service.getRunStatus(run)).toMatchObject({
      steps: [{ name: 'one', status: 'succeeded', attempts: 3 }],
    });
  });

  it.each(['a:b:c', 'x#1', 'items[0]', '*', 'step', 'x:step', 'a:step:b', '', '__proto__', '😀 \n'])(
    'may be called %j',
    async (name) => {
      const run = await newRun(service);
      const { stepId } = await service.insertStepState(run, name, 'rpc', {});
      await service.setStepRunning(stepId);
      await service.setBranchTaken(stepId, 'left');
      await service.setStepChildRunId(stepId, 'child');
      await service.setStepResult(stepId, name);
      expect(await service.getStepState(run, name)).toMatchObject({ result: name, childRunId: 'child' });
      expect(await service.getStepInstances(run)).toEqual([
        { stepName: name, status: 'succeeded', fromStepName: undefined },
      ]);
      const graph = await service.getCompletedGraphState(run);
      expect(graph.completedNodeIds).toEqual([name]);
      expect(Object.entries(graph.branchKeys)).toEqual([[name, 'left']]);
      expect(Object.entries(await service.getNodeResults(run, [name, 'none']))).toEqual([[name, name]]);
      expect((await service.getRunHistory(run)).map(({ stepName }) => stepName)).toEqual([name]);
    },
  );

  it.each([
    ['null', null],
    ['zero', 0],
    ['false', false],
    ['an empty text', ''],
    ['a megabyte', 'x'.repeat(1 << 20)],
    ['half a character', '\ud83d'],
    ['an object with a member that vanishes', { nested: { gone: undefined } }],
  ])('keep the result: %s', async (_, result) => {
    const run = await newRun(service);
    const { stepId } = await service.insertStepState(run, 's', null, null);
    await service.setStepResult(stepId, result);
    expect((await service.getStepState(run, 's')).result).toEqual(JSON.parse(JSON.stringify(result)));
    expect((await service.getRunHistory(run))[0]?.result).toEqual(JSON.parse(JSON.stringify(result)));
    expect(await service.getNodeResults(run, ['s'])).toEqual({ s: JSON.parse(JSON.stringify(result)) });
  });

  it.each([
    ['undefined', undefined],
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
  ])('have no result after %s', async (_, result) => {
    const run = await newRun(service);
    const { stepId } = await service.insertStepState(run, 's', null, undefined);
    await service.setStepResult(stepId, result);
    expect(await service.getStepState(run, 's')).toMatchObject({ status: 'succeeded', result: undefined });
    expect(await service.getNodeResults(run, ['s'])).toEqual({});
    expect((await history(stepId))[0]).not.toHaveProperty('result');
  });

  it('are left alone by a result that has no JSON', async () => {
    const run = await newRun(service);
    const { stepId } = await service.insertStepState(run, 's', null, null);
    await expect(service.setStepResult(stepId, 1n)).rejects.toThrow(TypeError);
    expect((await service.getStepState(run, 's')).status).toBe('pending');
  });

  it.each([
    ['text', 'text', { message: 'text' }],
    ['null', null, { message: 'null' }],
    ['undefined', undefined, { message: 'undefined' }],
    ['an object', { code: 'E', detail: 1 }, { message: '[object Object]', code: 'E' }],
    ['an object with a message', { message: 'm', code: 1, more: 2 }, { message: 'm', code: 1 }],
    ['an object without a prototype', Object.create(null), { message: '[object Object]' }],
    ['an expected error', Object.assign(new TypeError('t'), { expected: true }), { name: 'TypeError', expected: true }],
    ['a code that has no JSON', Object.assign(new Error('b'), { code: 1n }), { message: 'b', code: '1' }],
  ])('fail with %s', async (_, thrown, stored) => {
    const run = await newRun(service);
    const { stepId } = await service.insertStepState(run, 's', null, null);
    await service.setStepError(stepId, thrown as Error);
    const { status, error } = await service.getStepState(run, 's');
    expect(status).toBe('failed');
    expect(error).toMatchObject(stored);
    expect(error).not.toHaveProperty('more');
  });

  it('that nobody knows are said to be missing, and no change makes them', async () => {
    const run = await newRun(service);
    await expect(service.getStepState(run, 'none')).rejects.toThrow(
      `Step not found: runId=${run}, stepName=none. Use insertStepState to create it.`,
    );
    const stepId = `${run}:none:1`;
    await service.setStepRunning(stepId);
    await service.setStepScheduled(stepId);
    await service.setStepResult(stepId, 1);
    await service.setStepError(stepId, new Error('x'));
    await service.setStepChildRunId(stepId, 'c');
    await service.setBranchTaken(stepId, 'b');
    await expect(service.createRetryAttempt(stepId, 'pending')).rejects.toThrow(`Step not found: ${stepId}`);
    await expect(service.createRetryAttempt('x', 'pending')).rejects.toThrow('Step not found: x');
    expect(await on.redis.keys(`${prefix}:step*${run}*`)).toEqual([]);
  });

  it('that are there are not made again, unless that is asked for', async () => {
    const run = await newRun(service);
    const first = await service.insertStepState(run, 's', 'rpc', 1, { retries: 1 });
    await service.setStepResult(first.stepId, 'done');
    const again = await service.insertStepState(run, 's', 'rpc', 2);
    expect(again).toMatchObject({ stepId: first.stepId, status: 'succeeded', result: 'done', retries: 1 });

    // Of one millisecond it would be the same call, sent again after a lost reply.
    await elapse(2);
    const overwriting = on.keep(openService(on.url, prefix, { wireQueues: false, insertMode: 'overwrite' }));
    const anew = await overwriting.insertStepState(run, 's', 'rpc', 3);
    expect(anew).toMatchObject({ status: 'pending', attemptCount: 1 });
    expect(await service.getStepState(run, 's')).toMatchObject({ status: 'pending', attemptCount: 1 });
  });

  it('fail a graph only when their attempts are used up', async () => {
    const run = await newRun(service);
    for (const [name, retries] of [
      ['last', undefined],
      ['more', 1],
    ] as const) {
      const { stepId } = await service.insertStepState(run, name, 'r', null, retries === undefined ? {} : { retries });
      await service.setStepError(stepId, new Error('x'));
    }
    expect((await service.getCompletedGraphState(run)).failedNodeIds).toEqual(['last']);
    expect(await service.getNodesWithoutSteps(run, ['none', 'last', 'other'])).toEqual(['none', 'other']);
    expect(await service.getNodesWithoutSteps(run, [])).toEqual([]);
  });

  it('are listed beyond one page', async () => {
    const run = await newRun(service);
    const names = Array.from({ length: 1203 }, (_, index) => `step${index}`);
    await Promise.all(names.map((name) => service.insertStepState(run, name, null, null)));
    const listed = await service.getStepInstances(run);
    expect(listed.map(({ stepName }) => stepName).sort()).toEqual(names.toSorted());
    expect(await service.getRunHistory(run)).toHaveLength(names.length);
    await service.setStepResult((await service.getStepState(run, 'step1202')).stepId, 'last');
    expect(await service.getNodeResults(run, names)).toEqual({ step1202: 'last' });
  });
});

describe('variables and versions', () => {
  it('keep variables one by one, over what older versions wrote', async () => {
    const run = await newRun(service);
    await on.redis.hSet(`${prefix}:run:${run}`, 'state', '{"old":1,"both":"old"}');
    await Promise.all([
      service.updateRunState(run, 'both', 'new'),
      service.updateRunState(run, 'none', undefined),
      service.updateRunState(run, 'deep', { a: [1] }),
    ]);
    expect(await service.getRunState(run)).toEqual({ old: 1, both: 'new', none: null, deep: { a: [1] } });
  });

  it('store a version once, whoever comes first', async () => {
    const graphs = Array.from({ length: 20 }, (_, index) => ({ index }));
    await Promise.all(graphs.map((graph) => service.upsertWorkflowVersion('v', 'h', graph, 'dsl')));
    expect(await service.getWorkflowVersion('v', 'h')).toEqual({ graph: { index: 0 }, source: 'dsl' });
    await service.updateWorkflowVersionStatus('v', 'h', 'declined');
    expect(await on.redis.hGet(`${prefix}:version:v:h`, 'status')).toBe('declined');
  });

  it('do not take a status alone for a version', async () => {
    await service.updateWorkflowVersionStatus('v', 'new', 'active');
    expect(await service.getWorkflowVersion('v', 'new')).toBeNull();
    await service.upsertWorkflowVersion('v', 'new', {}, 'graph', 'draft');
    expect(await service.getWorkflowVersion('v', 'new')).toEqual({ graph: {}, source: 'graph' });
  });

  it('find what agents have made', async () => {
    await service.upsertWorkflowVersion('ai:bob:flow', 'h', { g: 1 }, 'ai-agent', 'active');
    await service.upsertWorkflowVersion('ai:bob:draft', 'h', { g: 2 }, 'ai-agent', 'draft');
    await service.upsertWorkflowVersion('ai:eve:flow', 'h', { g: 3 }, 'ai-agent', 'active');
    expect(await service.getAIGeneratedWorkflows('bob')).toEqual([
      { workflowName: 'ai:bob:flow', graphHash: 'h', graph: { g: 1 } },
    ]);
    expect(await service.getAIGeneratedWorkflows()).toHaveLength(2);
  });
});

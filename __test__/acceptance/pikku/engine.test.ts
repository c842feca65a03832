import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Host } from '../../support/pikku/hosts.js';
import { Scene } from '../../support/pikku/scene.js';

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open();
});

afterAll(async () => {
  await scene.close();
});

describe('runs without a job queue', () => {
  let host: Host;

  beforeAll(async () => {
    host = await scene.host();
  });

  it('runs the steps in order', async () => {
    const input = scene.input();
    const run = await scene.ended(await host.run('threeSteps', input));
    expect(run.status).toBe('completed');
    expect(JSON.parse(run.output ?? '')).toEqual({ tag: input.tag, value: 321 });
    expect(scene.effectsOf(input.tag)).toEqual({ one: 1, two: 1, three: 1 });
  });

  it('tries a failing step again', async () => {
    const input = scene.input();
    const runId = await host.run('retrying', input);
    expect(JSON.parse((await scene.ended(runId)).output ?? '')).toEqual({ attempts: 3 });
    expect(await scene.steps(runId)).toEqual({ 'flaky step': 'succeeded, attempt 3' });
    const history = await host.ask<Array<{ status: string; attemptCount: number }>>('getRunHistory', runId);
    expect(history.map(({ status, attemptCount }) => [attemptCount, status])).toEqual([
      [1, 'failed'],
      [2, 'failed'],
      [3, 'succeeded'],
    ]);
  });

  it('fails with the error of the step', async () => {
    const input = scene.input();
    const before = new Set(await scene.redis.keys('workflows:run:*'));
    await expect(host.run('failing', input)).rejects.toThrow('this function always fails');
    const key = (await scene.redis.keys('workflows:run:*')).find((name) => !before.has(name));
    expect(await scene.redis.hGet(`${key}`, 'status')).toBe('failed');
    expect(JSON.parse((await scene.redis.hGet(`${key}`, 'error')) ?? '')).toMatchObject({
      message: 'this function always fails',
    });
    expect(scene.effectsOf(input.tag)).toEqual({ one: 1 });
  });

  it('sleeps', async () => {
    const run = await scene.ended(await host.run('sleeping', scene.input()));
    expect(JSON.parse(run.output ?? '')).toMatchObject({ value: 21 });
  });

  it('runs a child workflow and links it', async () => {
    const input = scene.input();
    const runId = await host.run('parent', input);
    expect(JSON.parse((await scene.ended(runId)).output ?? '')).toMatchObject({ value: 322 });
    const child = await scene.redis.hGet(`workflows:step:${runId}:child`, 'childRunId');
    expect(JSON.parse((await scene.runHash(`${child}`)).wire ?? '')).toMatchObject({ parentRunId: runId });
    expect(scene.effectsOf(`${input.tag}/child`)).toEqual({ one: 1, two: 1, three: 1 });
  });

  it('runs a graph', async () => {
    const input = scene.input();
    const runId = await host.run('threeNodes', input);
    expect((await scene.ended(runId)).status).toBe('completed');
    expect(await host.ask('getNodeResults', runId, ['c'])).toEqual({ c: { tag: input.tag, value: 321 } });
    expect(scene.effectsOf(input.tag)).toEqual({ one: 1, two: 1, three: 1 });
  });
});

describe('runs through the job queue', () => {
  let host: Host;

  beforeAll(async () => {
    // One process that starts runs, and two that work on them.
    [host] = await Promise.all([scene.host({ queuePort: scene.queue.port }), scene.worker(), scene.worker()]);
  });

  it('runs the steps in order', async () => {
    const input = scene.input();
    const run = await scene.ended(await host.run('threeQueued', input));
    expect(JSON.parse(run.output ?? '')).toEqual({ tag: input.tag, value: 321 });
    expect(scene.effectsOf(input.tag)).toEqual({ queuedOne: 1, queuedTwo: 1, queuedThree: 1 });
  });

  it('tries a failing step again', async () => {
    const runId = await host.run('retryingQueued', scene.input());
    expect(JSON.parse((await scene.ended(runId)).output ?? '')).toEqual({ attempts: 3 });
    expect(await scene.steps(runId)).toEqual({ 'flaky step': 'succeeded, attempt 3' });
  });

  it('sleeps without holding a worker', async () => {
    const input = scene.input();
    const run = await scene.ended(await host.run('sleeping', input));
    expect(JSON.parse(run.output ?? '')).toMatchObject({ value: 21 });
    expect(scene.effectsOf(input.tag)).toEqual({ one: 1, two: 1 });
  });

  it('runs a child workflow', async () => {
    const input = scene.input();
    const run = await scene.ended(await host.run('parent', input));
    expect(JSON.parse(run.output ?? '')).toMatchObject({ value: 322 });
    expect(scene.effectsOf(`${input.tag}/child`)).toEqual({ one: 1, two: 1, three: 1 });
  });

  it('suspends, and goes on when it is resumed', async () => {
    const input = scene.input();
    const runId = await host.run('suspending', input);
    await scene.ended(runId, ['suspended']);
    expect(scene.effectsOf(input.tag)).toEqual({ one: 1 });
    await host.ask('resumeWorkflow', runId);
    const run = await scene.ended(runId);
    expect(JSON.parse(run.output ?? '')).toMatchObject({ value: 21 });
    expect(scene.effectsOf(input.tag)).toEqual({ one: 1, two: 1 });
  });

  it('waits for an approval, and tells the workflow who decided', async () => {
    const input = scene.input();
    const runId = await host.run('approving', input);
    await scene.ended(runId, ['suspended']);
    await host.ask('approveStep', runId, 'release', { note: 'go' }, { userId: 'ada' });
    const { result, decision } = JSON.parse((await scene.ended(runId)).output ?? '');
    expect(result).toBe(21);
    expect(decision).toMatchObject({ status: 'decided', data: { note: 'go' }, decidedBy: { userId: 'ada' } });
    expect(scene.effectsOf(input.tag)).toEqual({ one: 1, two: 1 });
  });

  it('runs a graph', async () => {
    const input = scene.input();
    const runId = await host.run('threeNodes', input);
    expect((await scene.ended(runId)).status).toBe('completed');
    expect(await host.ask('getNodeResults', runId, ['c'])).toEqual({ c: { tag: input.tag, value: 321 } });
    expect(scene.effectsOf(input.tag)).toEqual({ one: 1, two: 1, three: 1 });
  });

  it('runs 20 at once, each step once', async () => {
    const inputs = Array.from({ length: 20 }, () => scene.input());
    const runs = await Promise.all(inputs.map((input) => host.run('threeQueued', input)));
    for (const [i, runId] of runs.entries()) {
      expect((await scene.ended(runId)).status).toBe('completed');
      expect(scene.effectsOf(inputs[i]?.tag ?? '')).toEqual({ queuedOne: 1, queuedTwo: 1, queuedThree: 1 });
    }
  });
});

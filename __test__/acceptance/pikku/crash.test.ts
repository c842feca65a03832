import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Scene } from '../../support/pikku/scene.js';

/** Of the run locks, so that the lock of a killed process is gone before its job comes back. */
const LOCK_TTL = 500;

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open();
});

afterAll(async () => {
  await scene.close();
});

/** Lets a worker start a run and kills it in the middle of a step; then another worker finds the server as it is left. */
async function killedInTheMiddle(workflow: string, hold: string) {
  const doomed = await scene.worker({ hold, lockTTL: LOCK_TTL });
  const input = scene.input();
  const runId = await doomed.run(workflow, input);
  await doomed.held();
  await doomed.kill();
  const survivor = await scene.worker({ lockTTL: LOCK_TTL });
  const run = await scene.ended(runId);
  await survivor.stop();
  return { run, runId, tag: input.tag };
}

/**
 * A step that was under way when its process died is executed again: nobody can know how far it came. No other step is.
 */
describe('a process killed in the middle of a step', () => {
  it('of a run without a job queue: the run goes on from there', async () => {
    const doomed = await scene.host({ hold: 'two', lockTTL: LOCK_TTL });
    const input = scene.input();
    const started = doomed.run('threeSteps', input).catch((error: Error) => error.message);
    await doomed.held();
    await doomed.kill();
    expect(await started).toContain('SIGKILL');
    const runId = await scene.runOf(input.tag);

    await sleep(LOCK_TTL);
    const survivor = await scene.host({ lockTTL: LOCK_TTL });
    await survivor.ask('orchestrate', runId);
    const run = await scene.ended(runId);
    expect(run.status).toBe('completed');
    expect(JSON.parse(run.output ?? '')).toMatchObject({ value: 321 });
    expect(scene.effectsOf(input.tag)).toEqual({ one: 1, two: 2, three: 1 });
  });

  it('that its orchestrator executes', async () => {
    const { run, tag } = await killedInTheMiddle('threeSteps', 'two');
    expect(run.status, run.error).toBe('completed');
    expect(JSON.parse(run.output ?? '')).toMatchObject({ value: 321 });
    expect(scene.effectsOf(tag)).toEqual({ one: 1, two: 2, three: 1 });
  });

  it('that came through the job queue', async () => {
    const { run, runId, tag } = await killedInTheMiddle('threeQueued', 'queuedTwo');
    expect(run.status, run.error).toBe('completed');
    expect(JSON.parse(run.output ?? '')).toMatchObject({ value: 321 });
    expect(scene.effectsOf(tag)).toEqual({ queuedOne: 1, queuedTwo: 2, queuedThree: 1 });
    expect(await scene.steps(runId)).toEqual({
      'step 1': 'succeeded',
      'step 2': 'succeeded, attempt 2',
      'step 3': 'succeeded',
    });
  });

  it('of a graph', async () => {
    const { run, runId, tag } = await killedInTheMiddle('threeNodes', 'two');
    expect(run.status, run.error).toBe('completed');
    expect(scene.effectsOf(tag)).toEqual({ one: 1, two: 2, three: 1 });
    expect(await scene.steps(runId)).toEqual({ a: 'succeeded', b: 'succeeded, attempt 2', c: 'succeeded' });
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Host } from '../../support/pikku/hosts.js';
import { Scene } from '../../support/pikku/scene.js';

/** Of locks and leases, so that those of a killed process are soon gone. */
const LOCK_TTL = 1500;

/** Of both generations; the first two execute a step under its lock, the last one only claims it there. */
const HOSTS = ['0.12.3', '0.12.37', '0.12.84'];

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open();
});

afterAll(async () => {
  await scene.close();
});

/** Lets a worker start a run and kills it in the middle of a step; then another worker finds the server as it is left. */
async function killedInTheMiddle(core: string, workflow: string, hold: string) {
  const doomed = await scene.worker({ core, hold, lockTTL: LOCK_TTL });
  const input = scene.input();
  const runId = await doomed.run(workflow, input);
  await doomed.held();
  await doomed.kill();
  // Its job may come back while it still has its lease: then nobody would do it.
  await scene.unlocked();
  const survivor = await scene.worker({ core, lockTTL: LOCK_TTL });
  const run = await scene.ended(runId);
  await survivor.stop();
  return { run, runId, tag: input.tag };
}

/**
 * A step that was under way when its process died is executed again: nobody can know how far it came. No other step is.
 */
describe.each(HOSTS)('a process killed in the middle of a step, on core %s', (core) => {
  it('of a run without a job queue: the run goes on from there', async () => {
    const doomed = await scene.host({ core, hold: 'two', lockTTL: LOCK_TTL });
    const input = scene.input();
    // Older hosts answer at once, newer ones when the run has ended: with the end of the process, here.
    const started = doomed.run('threeSteps', input, { inline: true }).catch(() => {});
    await doomed.held();
    await doomed.kill();
    await started;
    const runId = await scene.runOf(input.tag);

    await scene.unlocked();
    const survivor = await scene.host({ core, lockTTL: LOCK_TTL });
    await survivor.ask('orchestrate', runId);
    const run = await scene.ended(runId);
    expect(run.status).toBe('completed');
    expect(JSON.parse(run.output ?? '')).toMatchObject({ value: 321 });
    expect(scene.effectsOf(input.tag)).toEqual({ one: 1, two: 2, three: 1 });
  });

  it('that its orchestrator executes', async () => {
    const { run, tag } = await killedInTheMiddle(core, 'threeSteps', 'two');
    expect(run.status, run.error).toBe('completed');
    expect(JSON.parse(run.output ?? '')).toMatchObject({ value: 321 });
    expect(scene.effectsOf(tag)).toEqual({ one: 1, two: 2, three: 1 });
  });

  it('that came through the job queue', async () => {
    const { run, runId, tag } = await killedInTheMiddle(core, 'threeQueued', 'queuedTwo');
    expect(run.status, run.error).toBe('completed');
    expect(JSON.parse(run.output ?? '')).toMatchObject({ value: 321 });
    expect(scene.effectsOf(tag)).toEqual({ queuedOne: 1, queuedTwo: 2, queuedThree: 1 });
    expect(await scene.steps(runId)).toEqual({
      'step 1': 'succeeded',
      // This host leaves the row of a step alone until the step has ended: there is no attempt that could be lost.
      'step 2': core === '0.12.3' ? 'succeeded' : 'succeeded, attempt 2',
      'step 3': 'succeeded',
    });
  });

  it('of a graph', async () => {
    const { run, runId, tag } = await killedInTheMiddle(core, 'threeNodes', 'two');
    expect(run.status, run.error).toBe('completed');
    expect(scene.effectsOf(tag)).toEqual({ one: 1, two: 2, three: 1 });
    expect(await scene.steps(runId)).toEqual({ a: 'succeeded', b: 'succeeded, attempt 2', c: 'succeeded' });
  });
});

describe('a run whose next job is lost', () => {
  const once = { queuedOne: 1, queuedTwo: 1, queuedThree: 1 };

  /** A host with an empty queue that works on its jobs, after `before` has been at the store. */
  async function recovered(sweep: string, options: object, before: (host: Host, tag: string) => Promise<string>) {
    const producer = await scene.host({ queuePort: scene.queue.port });
    const { tag } = scene.input();
    const runId = await before(producer, tag);
    await producer.stop();
    const queue = await scene.queue.client();
    await queue.flushAll();
    queue.destroy();
    const worker = await scene.worker();
    const found = await worker.ask(sweep, options);
    const run = await scene.ended(runId);
    await worker.stop();
    return { run, runId, found, effects: scene.effectsOf(tag) };
  }

  it('is found as a stalled one, and goes on', async () => {
    const { run, runId, found, effects } = await recovered('recoverStalledRuns', { stalledAfterMs: 0 }, (host, tag) =>
      host.run('threeQueued', { tag }),
    );
    expect(found).toEqual({ resumed: [runId] });
    expect(run.status, run.error).toBe('completed');
    expect(effects).toEqual(once);
  });

  it('is found by its step that nobody was told of, and goes on', async () => {
    const swept = ['relayUndispatchedSteps', { undispatchedAfterMs: 0 }] as const;
    const { run, runId, found, effects } = await recovered(...swept, async (host, tag) => {
      const hash = 'hash of threeQueued';
      const id = await host.ask<string>('createRun', 'threeQueued', { tag }, false, hash, { type: 'test' });
      await host.ask('insertStepState', id, 'step 1', 'queuedOne', { tag, value: 0 }, { retries: 0 });
      return id;
    });
    expect(found).toEqual({ redispatched: [runId] });
    expect(run.status, run.error).toBe('completed');
    expect(effects).toEqual(once);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Host } from '../../support/pikku/hosts.js';
import { CORES } from '../../support/pikku/packages.mjs';
import { Scene } from '../../support/pikku/scene.js';

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open();
});

afterAll(async () => {
  await scene.close();
});

/** Hosts of both generations of the base class: 0.12.3 and 0.12.8 call the store's methods themselves, later ones wrap them. */
describe.each(CORES)('@pikku/core %s', (core) => {
  let inline: Host;
  let producer: Host;
  let worker: Host;

  beforeAll(async () => {
    [inline, producer, worker] = await Promise.all([
      scene.host({ core }),
      scene.host({ core, queuePort: scene.queue.port }),
      scene.worker({ core }),
    ]);
  });

  afterAll(async () => {
    // The next version must not get the jobs of this one.
    await Promise.all([inline, producer, worker].map((host) => host.stop()));
  });

  it('runs a workflow of functions, of closures, and a failing one', async () => {
    const input = scene.input();
    const run = await scene.ended(await inline.run('threeSteps', input, { inline: true }));
    expect(JSON.parse(run.output ?? '')).toEqual({ tag: input.tag, value: 321 });
    expect(scene.effectsOf(input.tag)).toEqual({ one: 1, two: 1, three: 1 });

    const closures = await scene.ended(await inline.run('closures', scene.input(), { inline: true }));
    expect(JSON.parse(closures.output ?? '')).toEqual({ total: 16 });

    const retrying = await scene.ended(await inline.run('retrying', scene.input(), { inline: true }));
    expect(JSON.parse(retrying.output ?? '')).toEqual({ attempts: 3 });
  });

  it('runs a workflow through the job queue', async () => {
    const input = scene.input();
    const run = await scene.ended(await producer.run('threeQueued', input));
    expect(run.status, run.error).toBe('completed');
    expect(JSON.parse(run.output ?? '')).toEqual({ tag: input.tag, value: 321 });
    expect(scene.effectsOf(input.tag)).toEqual({ queuedOne: 1, queuedTwo: 1, queuedThree: 1 });
  });

  it('runs a graph, inline and through the job queue', async () => {
    for (const host of [inline, producer]) {
      const input = scene.input();
      const run = await scene.ended(await host.run('threeNodes', input, { inline: host === inline }));
      expect(run.status, run.error).toBe('completed');
      expect(scene.effectsOf(input.tag)).toEqual({ one: 1, two: 1, three: 1 });
    }
  });

  it('suspends a run, and goes on with it', async () => {
    const input = scene.input();
    const runId = await producer.run('suspending', input);
    await scene.ended(runId, ['suspended']);
    await producer.ask('resumeWorkflow', runId);
    const run = await scene.ended(runId);
    expect(JSON.parse(run.output ?? '')).toMatchObject({ value: 21 });
    expect(scene.effectsOf(input.tag)).toEqual({ one: 1, two: 1 });
  });

  it('reads back what it wrote', async () => {
    const runId = await inline.run('threeSteps', scene.input(), { inline: true });
    await scene.ended(runId);
    const history = await inline.ask<Array<{ stepName: string; status: string }>>('getRunHistory', runId);
    expect(history.map(({ stepName, status }) => `${stepName} ${status}`)).toEqual([
      'step 1 succeeded',
      'step 2 succeeded',
      'step 3 succeeded',
    ]);
    expect(await inline.ask('getRun', runId)).toMatchObject({ id: runId, workflow: 'threeSteps', status: 'completed' });
  });
});

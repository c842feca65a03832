import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Scene } from '../../support/pikku/scene.js';

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open();
});

afterAll(async () => {
  await scene.close();
});

/** How long they wait who are to get a lock. */
const PATIENT = { runLockWait: 30_000 };

/**
 * One process stands in the second step of `closures` until `meanwhile` is over, and another orchestrates the same run;
 * every status it went through.
 */
async function contended(
  settings: { lockTTL?: number; options?: object },
  meanwhile: (orchestrated: Promise<string>) => Promise<unknown>,
) {
  const [holder, other] = await Promise.all([scene.host({ ...settings, hold: 'second' }), scene.host(settings)]);
  const input = scene.input();
  const started = holder.run('closures', input, { inline: true });
  await holder.held();
  const runId = await scene.runOf(input.tag);
  const statuses = new Set<string>();
  const watch = setInterval(() => void scene.runHash(runId).then(({ status }) => statuses.add(status)), 20);
  const orchestrated = other.ask('orchestrate', runId).then(String, (error: Error) => error.message);
  await meanwhile(orchestrated);
  statuses.add((await scene.runHash(runId)).status);
  await holder.ask('release');
  await Promise.all([started, orchestrated]);
  clearInterval(watch);
  const run = await scene.runHash(runId);
  statuses.add(run.status);
  await Promise.all([holder.stop(), other.stop()]);
  return { run, statuses: [...statuses], orchestrated: await orchestrated, effects: scene.effectsOf(input.tag) };
}

describe('two orchestrators on one run', () => {
  const once = { first: 1, second: 1, third: 1 };

  it('the second waits for the first, and finds the work done', async () => {
    const { run, statuses, effects } = await contended({ options: PATIENT }, () => sleep(1500));
    expect(statuses).toEqual(['running', 'completed']);
    expect(run.error).toBeUndefined();
    expect(JSON.parse(run.output ?? '')).toEqual({ total: 16 });
    expect(effects).toEqual(once);
  });

  it('nor does it get in when the body takes three times as long as a lock lives', async () => {
    const lockTTL = 2000;
    const { statuses, effects } = await contended({ lockTTL, options: PATIENT }, () => sleep(3 * lockTTL));
    expect(statuses).toEqual(['running', 'completed']);
    expect(effects).toEqual(once);
  });

  it('the second gives up after a second unless it is told to wait, and the run is none the worse', async () => {
    const { run, statuses, orchestrated, effects } = await contended({}, (givenUp) => givenUp);
    expect(orchestrated).toMatch(/^Failed to acquire lock for run \S+ after 10 retries$/);
    expect(statuses).toEqual(['running', 'completed']);
    expect(run.error).toBeUndefined();
    expect(effects).toEqual(once);
  });

  it('both may be jobs of one process', async () => {
    const one = await scene.worker({ hold: 'second' });
    const input = scene.input();
    const runId = await one.run('closures', input);
    await one.held();
    // One worker stands in the second step, while it and another are given the same run again and again.
    const other = await scene.worker();
    const statuses = new Set<string>();
    for (let i = 0; i < 3; i++) {
      await other.ask('resumeWorkflow', runId);
      await sleep(500);
      statuses.add((await scene.runHash(runId)).status);
    }
    await one.ask('release');
    const run = await scene.ended(runId);
    expect([...statuses]).toEqual(['running']);
    expect(run.status, run.error).toBe('completed');
    expect(run.error).toBeUndefined();
    expect(scene.effectsOf(input.tag)).toEqual(once);
    await Promise.all([one.stop(), other.stop()]);
  });
});

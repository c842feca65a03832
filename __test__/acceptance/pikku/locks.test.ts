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

/** Runs `closures` in one process while another orchestrates the same run, from `after` ms on; every status it went through. */
async function contended(bodyMs: number, after: number, settings: { lockTTL?: number; options?: object }) {
  const [holder, other] = await Promise.all([scene.host(settings), scene.host(settings)]);
  const input = { ...scene.input(), ms: bodyMs };
  const started = holder.run('closures', input, { inline: true });
  const statuses = new Set<string>();
  await sleep(after);
  const runId = await scene.runOf(input.tag);
  const orchestrated = other.ask('orchestrate', runId).then(String, (error: Error) => error.message);
  const watch = setInterval(() => void scene.runHash(runId).then(({ status }) => statuses.add(status)), 20);
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
    const { run, statuses, effects } = await contended(1500, 300, { options: { runLockWait: 10_000 } });
    expect(statuses).toEqual(['running', 'completed']);
    expect(run.error).toBeUndefined();
    expect(JSON.parse(run.output ?? '')).toEqual({ total: 16 });
    expect(effects).toEqual(once);
  });

  it('nor does it get in when the body takes three times as long as a lock lives', async () => {
    const { statuses, effects } = await contended(2100, 900, { lockTTL: 700, options: { runLockWait: 10_000 } });
    expect(statuses).toEqual(['running', 'completed']);
    expect(effects).toEqual(once);
  });
});

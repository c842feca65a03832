import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Host } from '../../support/pikku/hosts.js';
import { Scene, type StoreName } from '../../support/pikku/scene.js';

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open();
});

afterAll(async () => {
  await scene.close();
});

/** Ours beside processes of the original: these enter nothing into an index. */
const optionsOf = (store: StoreName) => (store === 'ferrodis' ? { mixedFleet: true } : {});

async function worker(store: StoreName, hold?: string): Promise<Host> {
  return scene.worker({ store, options: optionsOf(store), ...(hold && { hold }) });
}

/** The first store's worker executes the run up to the middle of a step, and leaves it to the other's after that step. */
async function handedOver(workflow: string, hold: string, from: StoreName, to: StoreName) {
  const first = await worker(from, hold);
  const input = scene.input();
  const runId = await first.run(workflow, input);
  await first.held();
  // Takes no further job, and waits for the one under way.
  const stopped = first.stop();
  await first.ask('release');
  await stopped;
  const second = await worker(to);
  const run = await scene.ended(runId);
  await second.stop();
  return { run, runId, tag: input.tag };
}

describe.each<[StoreName, StoreName]>([
  ['original', 'ferrodis'],
  ['ferrodis', 'original'],
])('a run that %s begins and %s ends', (from, to) => {
  it('inline', async () => {
    const [first, second] = await Promise.all(
      [from, to].map((store) => scene.host({ store, options: optionsOf(store) })),
    );
    const input = scene.input();
    const runId = (await first?.run('suspending', input)) ?? '';
    expect((await scene.runHash(runId)).status).toBe('suspended');
    await second?.ask('orchestrate', runId);
    const run = await scene.runHash(runId);
    expect(run.status).toBe('completed');
    expect(JSON.parse(run.output ?? '')).toMatchObject({ value: 21 });
    expect(scene.effectsOf(input.tag)).toEqual({ one: 1, two: 1 });
  });

  it('through the job queue', async () => {
    const { run, runId, tag } = await handedOver('threeQueued', 'queuedTwo', from, to);
    expect(run.status, run.error).toBe('completed');
    expect(JSON.parse(run.output ?? '')).toMatchObject({ value: 321 });
    expect(scene.effectsOf(tag)).toEqual({ queuedOne: 1, queuedTwo: 1, queuedThree: 1 });
    expect(await scene.steps(runId)).toEqual({ 'step 1': 'succeeded', 'step 2': 'succeeded', 'step 3': 'succeeded' });
  });

  it('as a graph', async () => {
    const { run, runId, tag } = await handedOver('threeNodes', 'two', from, to);
    expect(run.status, run.error).toBe('completed');
    expect(scene.effectsOf(tag)).toEqual({ one: 1, two: 1, three: 1 });
    expect(await scene.steps(runId)).toEqual({ a: 'succeeded', b: 'succeeded', c: 'succeeded' });
  });
});

// Graphs only: in a sequence the original's orchestrator may note a step as scheduled that a worker has already ended.
describe('workers of both on the same jobs', () => {
  it('execute every node of every graph once', async () => {
    const [producer] = await Promise.all([
      scene.host({ queuePort: scene.queue.port, options: optionsOf('ferrodis') }),
      worker('ferrodis'),
      worker('original'),
    ]);
    const started = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const { tag } = scene.input();
        return { tag, runId: await producer.run('threeNodes', { tag }) };
      }),
    );
    for (const { tag, runId } of started) {
      const run = await scene.ended(runId);
      expect(run.status, run.error).toBe('completed');
      expect(scene.effectsOf(tag)).toEqual({ one: 1, two: 1, three: 1 });
    }
  });
});

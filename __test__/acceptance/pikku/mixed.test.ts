import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Host, HostSettings } from '../../support/pikku/hosts.js';
import { LATEST, Packages } from '../../support/pikku/packages.mjs';
import { Scene, type StoreName } from '../../support/pikku/scene.js';
import { ORIGINALS } from '../../support/pikku/siblings.js';

/** Of the run locks, so that the lock of a killed process is soon gone. */
const LOCK_TTL = 1500;

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open();
});

afterAll(async () => {
  await scene.close();
});

/** Ours beside processes of the original: these enter nothing into an index. */
const optionsOf = (store: HostSettings['store'] | undefined) => (store === 'ferrodis' ? { mixedFleet: true } : {});

async function worker(core: string, store: StoreName, hold?: string): Promise<Host> {
  return scene.worker({ core, store, options: optionsOf(store), ...(hold && { hold }) });
}

/** The first store's worker executes the run up to the middle of a step, and leaves it to the other's after that step. */
async function handedOver(core: string, workflow: string, hold: string, from: StoreName, to: StoreName) {
  const first = await worker(core, from, hold);
  const input = scene.input();
  const runId = await first.run(workflow, input);
  await first.held();
  // Takes no further job, and waits for the one under way.
  const stopped = first.stop();
  await first.ask('release');
  await stopped;
  const second = await worker(core, to);
  const run = await scene.ended(runId);
  await second.stop();
  return { run, runId, tag: input.tag };
}

/** A run that a process of one store begins and suspends, and one of the other ends. */
async function resumed(first: Partial<HostSettings>, second: Partial<HostSettings>): Promise<void> {
  const hosts = [first, second].map((settings) => scene.host({ ...settings, options: optionsOf(settings.store) }));
  const [begins, ends] = (await Promise.all(hosts)) as [Host, Host];
  const input = scene.input();
  const runId = await begins.run('suspending', input, { inline: true });
  await scene.ended(runId, ['suspended']);
  await ends.ask('orchestrate', runId);
  const run = await scene.ended(runId);
  expect(run.status, run.error).toBe('completed');
  expect(JSON.parse(run.output ?? '')).toMatchObject({ value: 21 });
  expect(scene.effectsOf(input.tag)).toEqual({ one: 1, two: 1 });
  await Promise.all([begins.stop(), ends.stop()]);
}

const DIRECTIONS: Array<[StoreName, StoreName]> = [
  ['original', 'ferrodis'],
  ['ferrodis', 'original'],
];

/** Hosts, each with the version of the original that is made for it: `@pikku/redis` 0.12.3, 0.12.8 and 0.12.18. */
const HOSTS = Object.values(ORIGINALS);

describe.each(HOSTS.flatMap((core) => DIRECTIONS.map(([from, to]) => ({ core, from, to }))))(
  'on core $core, a run that $from begins and $to ends',
  ({ core, from, to }) => {
    it('inline', () => resumed({ core, store: from }, { core, store: to }));

    it('through the job queue', async () => {
      const { run, runId, tag } = await handedOver(core, 'threeQueued', 'queuedTwo', from, to);
      expect(run.status, run.error).toBe('completed');
      expect(JSON.parse(run.output ?? '')).toMatchObject({ value: 321 });
      expect(scene.effectsOf(tag)).toEqual({ queuedOne: 1, queuedTwo: 1, queuedThree: 1 });
      expect(await scene.steps(runId)).toEqual({ 'step 1': 'succeeded', 'step 2': 'succeeded', 'step 3': 'succeeded' });
    });

    it('as a graph', async () => {
      const { run, runId, tag } = await handedOver(core, 'threeNodes', 'two', from, to);
      expect(run.status, run.error).toBe('completed');
      expect(scene.effectsOf(tag)).toEqual({ one: 1, two: 1, three: 1 });
      expect(await scene.steps(runId)).toEqual({ a: 'succeeded', b: 'succeeded', c: 'succeeded' });
    });
  },
);

// Hosts of different versions do not agree on the names of suspensions, nor on queues; on runs and steps they do.
describe.each(HOSTS.filter((core) => core !== LATEST))(
  'a run between ours on core %s and @pikku/redis 0.12.18',
  (core) => {
    it.each(DIRECTIONS)('that %s begins and %s ends', async (from, to) => {
      const settingsOf = (store: StoreName) => {
        const host = { store, core: store === 'ferrodis' ? core : LATEST };
        return { ...host, options: optionsOf(store), lockTTL: LOCK_TTL };
      };
      const first = await scene.host({ ...settingsOf(from), hold: 'two' });
      const input = scene.input();
      const started = first.run('threeSteps', input, { inline: true }).catch(() => {});
      await first.held();
      await first.kill();
      await started;
      const runId = await scene.runOf(input.tag);
      await scene.unlocked();
      const second = await scene.host(settingsOf(to));
      await second.ask('orchestrate', runId);
      const run = await scene.ended(runId);
      expect(run.status, run.error).toBe('completed');
      expect(JSON.parse(run.output ?? '')).toMatchObject({ value: 321 });
      expect(scene.effectsOf(input.tag)).toEqual({ one: 1, two: 2, three: 1 });
      await second.stop();
    });
  },
);

// Graphs only: in a sequence the original's orchestrator may note a step as scheduled that a worker has already ended.
describe('workers of both on the same jobs', () => {
  it('execute every node of every graph once', async () => {
    const [producer] = await Promise.all([
      scene.host({ queuePort: scene.queue.port, options: optionsOf('ferrodis') }),
      worker(LATEST, 'ferrodis'),
      worker(LATEST, 'original'),
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

describe('claims of one step by both', () => {
  it('are granted once', async () => {
    const open = async (store: StoreName) => {
      const { RedisWorkflowService } = await new Packages(LATEST).store(store);
      return new RedisWorkflowService(scene.server.url, 'claims', { wireQueues: false });
    };
    const [ours, theirs] = await Promise.all([open('ferrodis'), open('original')]);
    const run = await theirs.createRun('flow', {}, false, 'hash', { type: 'test' });
    const names = Array.from({ length: 40 }, (_, index) => `s${index}`);
    for (const name of names) await theirs.insertStepState(run, name, 'rpc', null);
    // As its host claims: a look and a write, under the lock of the step.
    const theirClaim = (name: string) =>
      theirs.withStepLock(run, name, async () => {
        const { status, stepId } = await theirs.getStepState(run, name);
        if (status !== 'pending') return null;
        await theirs.setStepRunning(stepId);
        return stepId;
      });
    const granted = await Promise.all(
      names.map(async (name, index) => {
        const claims = [() => ours.claimStepForExecution(run, name, 'rpc'), () => theirClaim(name)];
        const outcomes = await Promise.all((index % 2 ? claims : claims.toReversed()).map((claim) => claim()));
        return outcomes.filter((outcome) => outcome !== null).length;
      }),
    );
    expect(granted).toEqual(names.map(() => 1));
    await Promise.all([ours.close(), theirs.close()]);
  });
});

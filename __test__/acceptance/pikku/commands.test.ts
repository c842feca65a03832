import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Host } from '../../support/pikku/hosts.js';
import { Monitor } from '../../support/monitor.js';
import { Scene, STORE } from '../../support/pikku/scene.js';

/** What a run may cost, in commands on the store's server; each one is a round trip. The original costs the second. */
const LIMITS = { inline: [13, 47], queued: [29, 93], graph: [16, 64], graphAmongMany: [16, 6040] } as const;

let scene: Scene;
let monitor: Monitor;
let inline: Host;
let producer: Host;

beforeAll(async () => {
  scene = await Scene.open();
  [inline, producer] = await Promise.all([scene.host(), scene.host({ queuePort: scene.queue.port }), scene.worker()]);
  // Lets the server see every script once, so that no count holds the loading of one.
  for (const workflow of ['threeSteps', 'threeNodes']) await scene.ended(await inline.run(workflow, scene.input()));
  await scene.ended(await producer.run('threeQueued', scene.input()));
  await scene.idle();
  monitor = await Monitor.start(scene.server, scene.redis);
});

afterAll(async () => {
  await monitor.stop();
  await scene.close();
});

/** Commands of one run, those after its end included. */
async function commandsOf(host: Host, workflow: string): Promise<string[]> {
  await monitor.take();
  await scene.ended(await host.run(workflow, scene.input()));
  await scene.idle();
  return monitor.take();
}

function expectWithin(commands: string[], limit: keyof typeof LIMITS): void {
  const [ours, original] = LIMITS[limit];
  if (STORE === 'ferrodis') expect(commands.length, commands.join('\n')).toBeLessThanOrEqual(ours);
  // The keyspace scan of the original varies a little with the server's hash table.
  else expect(Math.abs(commands.length - original), commands.join('\n')).toBeLessThan(original / 10);
}

describe('commands per run', () => {
  it('three steps inline', async () => {
    expectWithin(await commandsOf(inline, 'threeSteps'), 'inline');
  });

  it('three steps through the job queue', async () => {
    expectWithin(await commandsOf(producer, 'threeQueued'), 'queued');
  });

  it('a graph of three nodes, inline', async () => {
    expectWithin(await commandsOf(inline, 'threeNodes'), 'graph');
  });

  it('the same among 100,000 keys of others', async () => {
    for (let i = 0; i < 100_000; i += 10_000) {
      await scene.redis.mSet(Array.from({ length: 10_000 }, (_, k): [string, string] => [`foreign:${i + k}`, 'x']));
    }
    expectWithin(await commandsOf(inline, 'threeNodes'), 'graphAmongMany');
  });
});

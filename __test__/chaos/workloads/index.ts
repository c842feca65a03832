/** The workloads, by ecosystem. */
import type { Calls } from '../calls.js';
import type { Random } from '../random.js';
import type { Workload, World } from '../world.js';
import { open as ayepi } from './ayepi.js';
import { open as conveyor } from './conveyor.js';
import { open as goGoScope } from './go-go-scope.js';
import { open as nvent } from './nvent.js';
import { open as pikku } from './pikku.js';

/** Begins a workload in an empty world. */
export type Open = (world: World, calls: Calls, random: Random) => Promise<Workload>;

/** What runs in a world of a name. Pikku's keys lie in several slots, which a cluster does not serve together. */
export function workloadsIn(world: string): Record<string, Open> {
  return { conveyor, nvent, ayepi, 'go-go-scope': goGoScope, ...(world !== 'cluster' && { pikku }) };
}

/** All of them at once. */
export function together(all: Readonly<Record<string, Open>>): Open {
  return async (world, calls, random) => {
    const opened = Object.entries(all).map(async ([name, open]) => ({
      name,
      load: await open(world, calls, random.fork()),
    }));
    const loads = await Promise.all(opened);
    return {
      get facts() {
        return Object.assign({}, ...loads.map(({ load }) => load.facts)) as Record<string, number>;
      },
      async run(end) {
        await Promise.all(loads.map(({ load }) => load.run(end)));
      },
      async violations(lossy) {
        const broken: string[] = [];
        for (const { name, load } of loads) {
          broken.push(...(await load.violations(lossy)).map((violation) => `${name}: ${violation}`));
        }
        return broken;
      },
      async close() {
        await Promise.all(loads.map(({ load }) => load.close()));
      },
    };
  };
}

/** One cell of the fault matrix: a workload in a world in which something breaks again and again. */
import { setTimeout as elapse } from 'node:timers/promises';

import { Calls } from './calls.js';
import { Random } from './random.js';
import type { Fault, Workload, World } from './world.js';

/** ms that a call may end late on a machine that has other things to do. */
const LATE = 3000;

/** ms after which everything has to be over once the world is well. */
const PATIENCE = 30_000;

export interface Cell {
  world: World;
  faults: readonly Fault[];
  open: (world: World, calls: Calls, random: Random) => Promise<Workload>;
  seed: number;
  /** ms for which things break. */
  duration: number;
}

/** What a cell came to. */
export interface Result {
  strikes: Record<string, number>;
  calls: Calls;
  facts: Record<string, number>;
  violations: string[];
}

export async function play({ world, faults, open, seed, duration }: Cell): Promise<Result> {
  const random = new Random(seed);
  const calls = new Calls();
  const workload = await open(world, calls, random.fork());
  const nemesis = random.fork();
  const strikes: Record<string, number> = {};
  const end = new AbortController();
  const running = workload.run(end.signal);
  try {
    const until = performance.now() + duration;
    await elapse(200);
    do {
      const fault = nemesis.of(faults);
      await fault.strike(nemesis);
      strikes[fault.name] = (strikes[fault.name] ?? 0) + 1;
      await elapse(nemesis.between(20, 300));
    } while (performance.now() < until);
    await world.heal();
    end.abort();
    const over = await Promise.race([running.then(() => true), elapse(PATIENCE, false, { ref: false })]);
    const violations = over
      ? await workload.violations(faults.some((fault) => fault.loses))
      : [`V15: not over ${PATIENCE} ms after everything was well`];
    for (const name of calls.open) violations.push(`V15: ${name} never ends`);
    const { ms, name } = calls.slowest;
    if (ms > world.connection.callTimeout + LATE) violations.push(`V15: ${name} took ${ms} ms`);
    const failed = calls.refused + calls.unknown;
    if (failed > 0 && faults.every((fault) => fault.costsNothing)) {
      violations.push(`${failed} calls failed where none has to: ${[...calls.errors.keys()].join(', ')}`);
    }
    if (calls.ok === 0) violations.push('not a single call succeeded');
    return { strikes, calls, facts: workload.facts, violations };
  } finally {
    end.abort();
    await world.heal();
    await running.catch(() => undefined);
    await workload.close();
  }
}

/** Registers the cells of a world's fault matrix as tests, or one long run with everything at once. */
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';

import { SEED } from '../support/seed.js';
import { type Cell, play } from './cell.js';
import { together, workloadsIn } from './workloads/index.js';
import type { World } from './world.js';

/** ms for which things break in a cell. */
const CELL = 2500;

/** ms that a test may take besides: servers that come back, and everything that has to come to an end. */
const ALLOWANCE = 180_000;

/** ms of the long run, in place of the cells. */
const SOAK = Number(process.env['CHAOS_SOAK_MS'] ?? 0);

export async function matrix(start: () => Promise<World>): Promise<void> {
  const world = await start();
  const workloads = workloadsIn(world.name);
  const escaped: unknown[] = [];
  const escape = (error: unknown): void => void escaped.push(error);
  process.on('unhandledRejection', escape).on('uncaughtException', escape);

  beforeEach(async () => {
    await world.heal();
    await world.empty();
  });
  afterEach(() => {
    // V15. Whatever was thrown where nobody could catch it.
    expect(escaped.splice(0)).toEqual([]);
  });
  afterAll(() => world.stop());

  const cell = (name: string, parts: Pick<Cell, 'faults' | 'open' | 'duration'>): void => {
    it(name, { timeout: parts.duration + ALLOWANCE }, async () => {
      const { strikes, calls, facts, violations } = await play({ world, seed: SEED, ...parts });
      const numbers = { struck: Object.values(strikes).reduce((sum, count) => sum + count, 0), ok: calls.ok };
      const ends = { refused: calls.refused, unknown: calls.unknown, slowest: calls.slowest.ms };
      console.log(`${world.name} · ${name}\n  ${told({ ...numbers, ...ends, ...facts })}`);
      if (SOAK > 0) console.log(`  ${told(strikes)}`);
      for (const [error, count] of calls.errors) console.log(`  ${count} × ${error}`);
      expect(violations.slice(0, 20), `seed ${SEED}`).toEqual([]);
    });
  };

  if (SOAK > 0) {
    cell('everything at once', { faults: world.faults, open: together(workloads), duration: SOAK });
    return;
  }
  for (const [name, open] of Object.entries(workloads)) {
    for (const fault of world.faults) cell(`${name} · ${fault.name}`, { faults: [fault], open, duration: CELL });
  }
}

function told(numbers: Record<string, number>): string {
  return Object.entries(numbers)
    .map(([name, number]) => `${name} ${number}`)
    .join(', ');
}

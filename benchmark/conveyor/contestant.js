/**
 * The process of one store. Arguments: store id, port.
 */

import process from 'node:process';

import { serve } from '../lib/child.js';
import { cpuTime } from '../lib/cpu.js';
import { STORES } from './stores.js';
import { WORKLOADS } from './workloads.js';

const [id, port] = process.argv.slice(2);
const store = await STORES[id].open(`redis://127.0.0.1:${port}`);

/** Operations per second and microseconds of CPU per operation, with the evidence of what was done. */
async function perform(workload, queue, options) {
  const measured = WORKLOADS[workload](store, queue, options);
  const cpuBefore = cpuTime();
  const start = performance.now();
  const { operations, evidence } = await measured();
  const seconds = (performance.now() - start) / 1000;
  const cpuAfter = cpuTime();
  return {
    operations,
    evidence,
    perSecond: operations / seconds,
    mainCpu: (cpuAfter.main - cpuBefore.main) / operations,
    totalCpu: (cpuAfter.total - cpuBefore.total) / operations,
  };
}

serve({ perform });

/**
 * The process of one store. Arguments: store id, port.
 */

import process from 'node:process';

import { serve } from '../lib/child.js';
import { cpuTime } from '../lib/cpu.js';
import { STORES } from './stores.js';
import { WORKLOADS } from './workloads.js';

const [id, port] = process.argv.slice(2);
const store = await STORES[id].open(Number(port));

/** Calls for `forMs`, `inFlight` at any time; every call is counted, and waited for. */
async function perform(workload, key, { inFlight, forMs }) {
  const call = WORKLOADS[workload];
  const latencies = [];
  let begun = 0;
  const cpuBefore = cpuTime();
  const start = performance.now();
  const worker = async () => {
    let now = performance.now();
    do {
      const since = now;
      await call(store, key, begun++);
      now = performance.now();
      latencies.push(now - since);
    } while (now - start < forMs);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const seconds = (performance.now() - start) / 1000;
  const cpuAfter = cpuTime();
  const operations = latencies.length;
  latencies.sort((a, b) => a - b);
  return {
    operations,
    perSecond: operations / seconds,
    p99: latencies[Math.min(operations - 1, Math.floor(operations * 0.99))],
    mainCpu: (cpuAfter.main - cpuBefore.main) / operations,
    totalCpu: (cpuAfter.total - cpuBefore.total) / operations,
  };
}

serve({ perform });

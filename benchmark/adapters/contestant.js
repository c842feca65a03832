/**
 * The process of one client. Arguments: ecosystem, client id, port.
 */

import process from 'node:process';

import { serve } from '../lib/child.js';
import { cpuTime } from '../lib/cpu.js';
import { CLIENTS } from './clients.js';

const [ecosystem, id, port] = process.argv.slice(2);
const { ferrodis, original, OPERATIONS } = await import(`./${ecosystem}.js`);
const opened = await CLIENTS[id].open(Number(port));
const calls = await (CLIENTS[id].ours ? ferrodis : original)(opened);
let begun = 0;

/** Microseconds of CPU per operation, and operations per second, of what `work` does. */
async function measured(work) {
  const cpuBefore = cpuTime();
  const start = performance.now();
  const operations = await work(start);
  const seconds = (performance.now() - start) / 1000;
  const cpuAfter = cpuTime();
  return {
    operations,
    perSecond: operations / seconds,
    mainCpu: (cpuAfter.main - cpuBefore.main) / operations,
    totalCpu: (cpuAfter.total - cpuBefore.total) / operations,
  };
}

/** Calls for `forMs`, `inFlight` at any time; every answer is checked. */
async function perform(operation, inFlight, forMs) {
  const [call, isRight] = [calls[operation], OPERATIONS[operation]];
  const latencies = [];
  const figures = await measured(async (start) => {
    const worker = async () => {
      let now = performance.now();
      do {
        const since = now;
        if (!isRight(await call(begun++))) throw new Error(`${operation}: a wrong answer`);
        now = performance.now();
        latencies.push(now - since);
      } while (now - start < forMs);
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    return latencies.length;
  });
  latencies.sort((a, b) => a - b);
  return { ...figures, p99: latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * 0.99))] };
}

let received = 0;
let onEnough = () => undefined;
let enough = Infinity;
let figuresOfAll;

/** Listens on a channel of its own. */
async function listen(channel) {
  await calls.listen(channel, () => {
    received += 1;
    if (received >= enough) onEnough();
  });
}

/** Counts `count` messages from now on; `received` has the figures. */
function expect(count) {
  received = 0;
  enough = count;
  const all = new Promise((resolve) => {
    onEnough = resolve;
  });
  figuresOfAll = measured(() => all.then(() => count));
}

serve({ perform, listen, expect, received: () => figuresOfAll });

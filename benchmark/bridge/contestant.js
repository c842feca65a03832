/**
 * The process of one client. Arguments: client id, port.
 */

import process from 'node:process';

import { serve } from '../lib/child.js';
import { cpuTime } from '../lib/cpu.js';
import { CLIENTS } from './clients.js';

const KEYS = Array.from({ length: 1000 }, (_, i) => `bench:${i}`);
const VALUE = 'v'.repeat(100);

const [id, port] = process.argv.slice(2);
const client = await CLIENTS[id].open(Number(port));
for (const key of KEYS) await client.set(key, VALUE);

/** Makes `calls` calls, `inFlight` at any time, and checks every reply. */
async function perform(command, inFlight, calls) {
  let begun = 0;
  const worker = {
    async GET() {
      while (begun < calls) {
        const value = await client.get(KEYS[begun++ % KEYS.length]);
        if (value !== VALUE) throw new Error(`GET answered ${value}`);
      }
    },
    async SET() {
      while (begun < calls) {
        const reply = await client.set(KEYS[begun++ % KEYS.length], VALUE);
        if (reply !== 'OK') throw new Error(`SET answered ${reply}`);
      }
    },
  }[command];
  await Promise.all(Array.from({ length: inFlight }, worker));
}

/** One cell of the table: calls per second, and microseconds of CPU per call. */
async function cell(command, inFlight, calls) {
  const cpuBefore = cpuTime();
  const start = performance.now();
  await perform(command, inFlight, calls);
  const seconds = (performance.now() - start) / 1000;
  const cpuAfter = cpuTime();
  return {
    callsPerSecond: calls / seconds,
    mainCpu: (cpuAfter.main - cpuBefore.main) / calls,
    totalCpu: (cpuAfter.total - cpuBefore.total) / calls,
  };
}

serve({ cell });

/**
 * The store table: ferrodis' RedisStore against the original's command sequences.
 */

import { factorBars } from '../lib/chart.js';
import { requirePlacement } from '../lib/cpu.js';
import { throughDelay } from '../lib/delay.js';
import { startServer } from '../lib/server.js';
import { measure } from './driver.js';
import { onLoopback, withDelay } from './plan.js';
import { printScriptTimes, printTable, summarise } from './report.js';
import { STORES } from './stores.js';

/** Added on each way by the proxy, in milliseconds. */
const DELAY_MS = 1;

/**
 * @param {object} session
 * @param {'quick' | 'full'} session.size
 * @param {string} session.placement a key of PLACEMENTS
 * @param {(line: string) => void} session.print
 * @param {(message: string) => void} session.progress
 */
export async function runConveyor({ size, placement, print, progress }) {
  const cores = requirePlacement(placement);
  const server = await startServer(cores.server);
  try {
    const common = { server, ids: Object.keys(STORES), cores: cores.client, progress };
    const results = await measure({ ...common, groups: onLoopback(size) });
    const summary = summarise(results);
    printTable(`conveyor store, placement ${placement}`, summary, print);
    printScriptTimes(summary, print);
    const behind = { port: server.port, delayMs: DELAY_MS, cores: cores.client };
    const delayed = await throughDelay(behind, (port) => measure({ ...common, port, groups: withDelay(size) }));
    const delayedSummary = summarise(delayed);
    printTable(`conveyor store, ${DELAY_MS} ms added each way`, delayedSummary, print);
    return { placement, server: server.version, results, summary, delayMs: DELAY_MS, delayed, delayedSummary };
  } finally {
    await server.stop();
  }
}

/** Throughput, by the clock and by CPU time, and main-thread CPU as charts. */
export function conveyorCharts({ summary, delayedSummary, delayMs }) {
  const rows = (figure, invert) =>
    [...summary, ...delayedSummary.map((row) => ({ ...row, label: `${row.label}, +${delayMs} ms each way` }))]
      .filter((row) => !row.id.startsWith('fetchOnly'))
      .map((row) => {
        const { median, low, high } = row[figure];
        return invert
          ? { label: row.label, median: 1 / median, low: 1 / high, high: 1 / low }
          : { label: row.label, median, low, high };
      });
  const subtitle =
    "Conveyor's store operations; original = its command sequences on node-redis 6, the faster of two settings; median, 95 % interval";
  return {
    throughput: factorBars({
      title: 'Operations per second, ferrodis ÷ original',
      subtitle,
      colour: '#d1482b',
      rows: rows('throughput'),
    }),
    capacity: factorBars({
      title: 'Operations per second of CPU time (client and server), ferrodis ÷ original',
      subtitle,
      colour: '#d1482b',
      rows: rows('capacity'),
    }),
    cpu: factorBars({
      title: 'Main-thread CPU per operation, original ÷ ferrodis',
      subtitle,
      colour: '#2f5f8f',
      rows: rows('cpuShare', true),
    }),
  };
}

/**
 * The bridge table: ferrodis against the published clients, on Node and, where they are installed, on Bun and Deno.
 */

import { groupedBars } from '../lib/chart.js';
import { requirePlacement } from '../lib/cpu.js';
import { startServer } from '../lib/server.js';
import { spread } from '../lib/stats.js';
import { ratio } from '../lib/table.js';
import { CLIENTS, FIELD } from './clients.js';
import { measure } from './driver.js';
import { printHeadline, printTables, summarise } from './report.js';

const ON_NODE = [1, 8, 64, 512];
const ELSEWHERE = [1, 16, 64, 512];

/** How long the bridge is measured: rounds, and about how long one cell of a round takes. */
const LENGTH = { quick: { rounds: 5, cellMs: 15 }, full: { rounds: 25, cellMs: 30 } };

/**
 * @param {object} session
 * @param {'quick' | 'full'} session.size
 * @param {string} session.placement a key of PLACEMENTS
 * @param {{ name: 'node' | 'bun' | 'deno', version: string, command: string, args: string[] }} session.runtime
 * @param {string[]} [session.clients] ids; those of the runtime's whole field by default
 * @param {(line: string) => void} session.print
 * @param {(message: string) => void} session.progress
 */
export async function runBridge({ size, placement, runtime, clients, print, progress }) {
  const cores = requirePlacement(placement);
  const inFlight = runtime.name === 'node' ? ON_NODE : ELSEWHERE;
  const server = await startServer(cores.server);
  try {
    const ids = clients?.filter((id) => FIELD[runtime.name].includes(id)) ?? FIELD[runtime.name];
    const common = { server, inFlight, runtime, cores: cores.client, progress, ...LENGTH[size] };
    const twin = await compareWithItself(common, 'redis5');
    const cells = await measure({ ...common, ids });
    const summary = summarise(cells);
    const title = `${runtime.name} ${runtime.version}, placement ${placement}`;
    printTables(title, summary, print);
    printHeadline(title, summary, print);
    print(`\nnode-redis 5 against a second process of itself: ${ratio(twin)} (1.00 when the machine is quiet)`);
    return { title, placement, runtime: runtime.name, server: server.version, ...LENGTH[size], twin, cells, summary };
  } finally {
    await server.stop();
  }
}

/** The same client twice: how far from 1 the ratio of equals lies on this machine, at this hour. */
async function compareWithItself(common, id) {
  const cells = await measure({ ...common, ids: [id, id], inFlight: [8], rounds: Math.max(8, common.rounds) });
  const [first, second] = cells.filter(({ command }) => command === 'GET');
  return spread(first.callsPerSecond.map((value, round) => value / second.callsPerSecond[round]));
}

const COLOURS = {
  ioredis5: '#9a6fb0',
  'ioredis5-auto': '#c3a6d1',
  ioredis6: '#7a4f90',
  'ioredis6-auto': '#d9c8e2',
  redis5: '#4a7fb5',
  redis6: '#a9c6e3',
  'redis6-untimed': '#2f5f8f',
  glide: '#9aa3ab',
  bun: '#d9a441',
  'ferrodis-loop': '#d1482b',
  'ferrodis-runtime': '#e59a86',
};

/** Throughput, by the clock and by CPU time, and main-thread CPU as charts. */
export function bridgeCharts({ title, rounds, summary }) {
  const ids = [...new Set(summary.map(({ id }) => id))];
  const inFlight = [...new Set(summary.map((row) => row.inFlight))];
  const chart = (heading, figure) =>
    groupedBars({
      title: heading,
      subtitle: `GET of 100 bytes; ${title}; median of ${rounds} rounds with 95 % interval; 1 = the best other client of each round`,
      groups: inFlight.map((count) => `${count} in flight`),
      series: ids.map((id) => ({
        label: CLIENTS[id].label,
        colour: COLOURS[id],
        bars: inFlight.map(
          (count) => summary.find((row) => row.id === id && row.command === 'GET' && row.inFlight === count)[figure],
        ),
      })),
    });
  return {
    throughput: chart('Calls per second, relative', 'throughput'),
    capacity: chart('Calls per second of CPU time (client and server), relative', 'capacity'),
    cpu: chart('Main-thread CPU per call, relative (less is better)', 'cpuShare'),
  };
}

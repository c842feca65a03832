/**
 * The table of the nvent store: ferrodis' RedisStoreAdapter beside the published one, in turn, each run checked.
 */

import process from 'node:process';
import { fileURLToPath } from 'node:url';

import { pairOfCharts } from '../lib/chart.js';
import { Child } from '../lib/child.js';
import { cpuTimeOf, requirePlacement } from '../lib/cpu.js';
import { startServer } from '../lib/server.js';
import { median, spread } from '../lib/stats.js';
import { rate, ratio, significant, table } from '../lib/table.js';
import { entries } from './plan.js';
import { STORES } from './stores.js';
import { fillShared } from './workloads.js';

const CONTESTANT = fileURLToPath(new URL('contestant.js', import.meta.url));
const FIGURES = ['perSecond', 'p99', 'mainCpu', 'totalCpu', 'serverCpu'];

/**
 * @param {object} session
 * @param {'quick' | 'full'} session.size
 * @param {string} session.placement a key of PLACEMENTS
 * @param {(line: string) => void} session.print
 * @param {(message: string) => void} session.progress
 */
export async function runNvent({ size, placement, print, progress }) {
  const cores = requirePlacement(placement);
  const server = await startServer(cores.server);
  const children = new Map();
  try {
    for (const [id, { label }] of Object.entries(STORES)) {
      children.set(id, await Child.start(label, process.execPath, [CONTESTANT, id, `${server.port}`], cores.client));
    }
    const results = [];
    for (const entry of entries(size)) {
      progress(entry.label);
      await server.admin.flushAll();
      await fillShared(server.admin);
      results.push(await measure(server, children, entry));
    }
    const summary = results.map(summarise);
    printTable(`nvent store, placement ${placement}`, summary, print);
    return { placement, server: server.version, results, summary };
  } finally {
    await Promise.all([...children.values()].map((child) => child.stop()));
    await server.stop();
  }
}

/** A B, B A, and so on; the first round is the warm-up. */
async function measure({ admin, pid }, children, entry) {
  const ids = [...children.keys()];
  const stores = Object.fromEntries(ids.map((id) => [id, Object.fromEntries(FIGURES.map((name) => [name, []]))]));
  for (let round = 0; round <= entry.rounds; round++) {
    for (const id of round % 2 === 0 ? ids : ids.toReversed()) {
      const key = `bench:${round}:${id}`;
      await entry.prepare?.(admin, key);
      const serverBefore = cpuTimeOf(pid);
      const { operations, ...figures } = await children.get(id).ask('perform', entry.workload, key, entry.options);
      figures.serverCpu = (cpuTimeOf(pid) - serverBefore) / operations;
      await entry.check?.(admin, key, operations);
      if (round > 0) for (const name of FIGURES) stores[id][name].push(Number(figures[name].toPrecision(4)));
    }
  }
  return { id: entry.id, label: entry.label, stores };
}

/** The medians of both stores, and ours against the original in each round. */
function summarise({ id, label, stores }) {
  const { original, ferrodis } = stores;
  const against = (name) => spread(ferrodis[name].map((value, round) => value / original[name][round]));
  const cost = (store, round) => store.totalCpu[round] + store.serverCpu[round];
  const medians = Object.fromEntries(
    Object.entries(stores).map(([store, figures]) => [
      store,
      Object.fromEntries(Object.entries(figures).map(([name, values]) => [name, median(values)])),
    ]),
  );
  return {
    id,
    label,
    medians,
    throughput: against('perSecond'),
    capacity: spread(ferrodis.totalCpu.map((_, round) => cost(original, round) / cost(ferrodis, round))),
    p99Share: against('p99'),
    cpuShare: against('mainCpu'),
  };
}

function printTable(title, summary, print) {
  const head = ['workload', 'original/s', 'ferrodis/s', '× original', '× per CPU-second', 'p99 ms', 'ferrodis'];
  print(`\n${title}`);
  print(
    table(
      [...head, 'main CPU µs', 'ferrodis', 'share'],
      summary.map(({ label, medians: { original, ferrodis }, throughput, capacity, cpuShare }) => [
        label,
        rate(original.perSecond),
        rate(ferrodis.perSecond),
        ratio(throughput),
        ratio(capacity),
        significant(original.p99),
        significant(ferrodis.p99),
        significant(original.mainCpu),
        significant(ferrodis.mainCpu),
        ratio(cpuShare),
      ]),
    ),
  );
}

/** Throughput, and main-thread CPU, as charts. */
export function nventCharts({ summary }) {
  const subtitle = 'Store of nvent beside @nvent-addon/adapter-store-redis 0.5.15; median, 95 % interval';
  return pairOfCharts({ subtitle, unit: 'operation', other: 'original', rows: summary });
}

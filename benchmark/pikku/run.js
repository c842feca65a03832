/**
 * Workflow runs per second on the real engine: ferrodis' RedisWorkflowService against that of `@pikku/redis` 0.12.18.
 */

import process from 'node:process';
import { fileURLToPath } from 'node:url';

import { pairOfCharts } from '../lib/chart.js';
import { Child } from '../lib/child.js';
import { cpuTimeOf, requirePlacement } from '../lib/cpu.js';
import { throughDelay } from '../lib/delay.js';
import { startServer } from '../lib/server.js';
import { median, spread } from '../lib/stats.js';
import { rate, ratio, significant, table } from '../lib/table.js';

const CONTESTANT = fileURLToPath(new URL('contestant.js', import.meta.url));
/** The last one is the engine's own store in memory: what is left of a run where nothing is asked of Redis at all. */
const STORES = ['original', 'ferrodis', 'memory'];
const FIGURES = ['perSecond', 'mainCpu', 'totalCpu', 'serverCpu'];

/** Added on each way by the proxy, in milliseconds. */
const DELAY_MS = 1;

/** Keys of others in the database for the second graph entry: the original looks at each of them in every round. */
const FOREIGN_KEYS = 10_000;

/**
 * One line of the result.
 *
 * @typedef {object} Entry
 * @property {string} id
 * @property {string} label
 * @property {string} workflow one of `__test__/support/pikku/workflows.mjs`
 * @property {boolean} inline
 * @property {number} count runs of each store in a round
 * @property {number} inFlight
 * @property {number} [foreignKeys]
 */

/** @returns {Entry[]} */
function entries(count, inFlights) {
  const kinds = [
    { id: 'inline', label: 'inline, 3 steps', workflow: 'threeSteps', inline: true },
    { id: 'queued', label: 'queued, 3 steps', workflow: 'threeQueued', inline: false },
    { id: 'graph', label: 'graph, 3 nodes', workflow: 'threeNodes', inline: true },
    {
      id: 'graph-foreign',
      label: `graph, 3 nodes, ${FOREIGN_KEYS / 1000}k foreign keys`,
      workflow: 'threeNodes',
      inline: true,
      foreignKeys: FOREIGN_KEYS,
    },
  ];
  return kinds.flatMap((kind) =>
    inFlights.map((inFlight) => ({
      ...kind,
      id: `${kind.id}-${inFlight}`,
      label: `${kind.label}, ${inFlight} in flight`,
      inFlight,
      count: Math.max(inFlight, Math.round(kind.foreignKeys ? count / 10 : count)),
    })),
  );
}

const SIZES = {
  quick: { rounds: 2, loopback: [40, [1, 16]], delayed: [6, [1]] },
  full: { rounds: 9, loopback: [120, [1, 16]], delayed: [12, [1, 16]] },
};

/**
 * @param {object} session
 * @param {'quick' | 'full'} session.size
 * @param {string} session.placement a key of PLACEMENTS
 * @param {(line: string) => void} session.print
 * @param {(message: string) => void} session.progress
 */
export async function runPikku({ size, placement, print, progress }) {
  const cores = requirePlacement(placement);
  const { rounds, loopback, delayed } = SIZES[size];
  const server = await startServer(cores.server);
  try {
    const measureAt = (port, plan) =>
      measure({ server, port, rounds, cores: cores.client, entries: entries(...plan), progress });
    const summary = summarise(await measureAt(server.port, loopback));
    printTable(`pikku, placement ${placement}`, summary, print);
    const behind = { port: server.port, delayMs: DELAY_MS, cores: cores.client };
    const delayedSummary = summarise(await throughDelay(behind, (port) => measureAt(port, delayed)));
    printTable(`pikku, ${DELAY_MS} ms added each way`, delayedSummary, print);
    return { placement, server: server.version, summary, delayMs: DELAY_MS, delayedSummary };
  } finally {
    await server.stop();
  }
}

/** A B, B A, and so on; the first round is not counted. */
async function measure({ server, port, rounds, cores, entries: plan, progress }) {
  const children = new Map();
  try {
    for (const store of STORES) {
      children.set(store, await Child.start(store, process.execPath, [CONTESTANT, store, `${port}`], cores));
    }
    const results = [];
    for (const entry of plan) {
      progress(entry.label);
      const stores = Object.fromEntries(
        STORES.map((store) => [store, Object.fromEntries(FIGURES.map((figure) => [figure, []]))]),
      );
      for (let round = 0; round <= rounds; round++) {
        for (const store of round % 2 === 0 ? STORES : STORES.toReversed()) {
          const figures = await measureRound(server, store, children.get(store), entry);
          if (round > 0) for (const figure of FIGURES) stores[store][figure].push(figures[figure]);
        }
      }
      results.push({ ...entry, stores });
    }
    return results;
  } finally {
    await Promise.all([...children.values()].map((child) => child.stop()));
  }
}

/** The runs of one store on an otherwise empty server, checked against what is stored of them. */
async function measureRound({ admin, pid }, store, child, entry) {
  await admin.flushDb();
  if (entry.foreignKeys) {
    await admin.mSet(Array.from({ length: entry.foreignKeys }, (_, i) => [`foreign:${i}`, 'x']));
  }
  const serverBefore = cpuTimeOf(pid);
  const { ids, ...figures } = await child.ask('perform', entry);
  figures.serverCpu = (cpuTimeOf(pid) - serverBefore) / entry.count;
  if (new Set(ids).size !== entry.count) throw new Error(`${entry.label}: ${ids.length} of ${entry.count} runs`);
  if (store === 'memory') return figures;
  const last = entry.workflow === 'threeNodes' ? 'c' : 'step 3';
  for (const id of ids) {
    const [status, result] = await Promise.all([
      admin.hGet(`workflows:run:${id}`, 'status'),
      admin.hGet(`workflows:step:${id}:${last}`, 'result'),
    ]);
    if (status !== 'completed' || JSON.parse(result).value !== 321) {
      throw new Error(`${entry.label}: run ${id} is ${status} with ${result}`);
    }
  }
  return figures;
}

/** Medians of each store, and ours against the original's in each round. */
function summarise(results) {
  return results.map(({ id, label, stores }) => {
    const medians = Object.fromEntries(
      Object.entries(stores).map(([store, figures]) => [
        store,
        Object.fromEntries(Object.entries(figures).map(([figure, values]) => [figure, median(values)])),
      ]),
    );
    const against = (value) =>
      spread(
        stores.ferrodis.perSecond.map((_, round) => value(stores.ferrodis, round) / value(stores.original, round)),
      );
    return {
      id,
      label,
      medians,
      throughput: against((store, round) => store.perSecond[round]),
      capacity: against((store, round) => 1 / (store.totalCpu[round] + store.serverCpu[round])),
      cpuShare: against((store, round) => store.mainCpu[round]),
    };
  });
}

function printTable(title, summary, print) {
  const head = [
    'workload',
    'original/s',
    'ferrodis/s',
    '× original',
    '× per CPU-second',
    'main CPU µs',
    'ferrodis',
    'share',
    'no Redis/s',
    'main CPU µs',
  ];
  const lines = summary.map(({ label, medians: { original, ferrodis, memory }, throughput, capacity, cpuShare }) => [
    label,
    rate(original.perSecond),
    rate(ferrodis.perSecond),
    ratio(throughput),
    ratio(capacity),
    significant(original.mainCpu),
    significant(ferrodis.mainCpu),
    ratio(cpuShare),
    rate(memory.perSecond),
    significant(memory.mainCpu),
  ]);
  print(`\n${title}`);
  print(table(head, lines));
}

/** Throughput and main-thread CPU as charts. */
export function pikkuCharts({ summary, delayedSummary, delayMs }) {
  const delayed = delayedSummary.map((row) => ({ ...row, label: `${row.label}, +${delayMs} ms each way` }));
  const subtitle = 'Runs on the engine of @pikku/core 0.12.84; original = @pikku/redis 0.12.18; median, 95 % interval';
  return pairOfCharts({ subtitle, unit: 'workflow run', other: 'original', rows: [...summary, ...delayed] });
}

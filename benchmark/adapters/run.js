/**
 * The tables of ferrodis/ayepi and ferrodis/go-go-scope: every operation beside the original's commands on the clients that
 * their users have. Each client lives in a process of its own; rounds are interleaved, and every answer is checked.
 */

import process from 'node:process';
import { fileURLToPath } from 'node:url';

import { pairOfCharts } from '../lib/chart.js';
import { Child } from '../lib/child.js';
import { cpuTimeOf, requirePlacement } from '../lib/cpu.js';
import { startServer } from '../lib/server.js';
import { median, shuffled, spread } from '../lib/stats.js';
import { rate, ratio, significant, table } from '../lib/table.js';
import { CLIENTS } from './clients.js';

const CONTESTANT = fileURLToPath(new URL('contestant.js', import.meta.url));
const IN_FLIGHT = [1, 16, 128, 512];
const FIGURES = ['perSecond', 'p99', 'mainCpu', 'totalCpu', 'serverCpu'];
const MESSAGE = 'm'.repeat(1024);
const CHANNEL = 'bench:fan-in';
const SIXTEEN_TIMES = "for _ = 1, 16 do redis.call('PUBLISH', KEYS[1], ARGV[1]) end";

/** Rounds that count (one more comes first), ms of one run, messages of the fan-in. */
const LENGTH = {
  quick: { rounds: 2, forMs: 15, messages: 10_000 },
  full: { rounds: 5, forMs: 100, messages: 100_000 },
};

/**
 * @param {object} session
 * @param {'ayepi' | 'go-go-scope'} session.ecosystem
 * @param {'quick' | 'full'} session.size
 * @param {string} session.placement a key of PLACEMENTS
 * @param {string} session.match what the label of a row must have in it
 * @param {(line: string) => void} session.print
 * @param {(message: string) => void} session.progress
 */
export async function runAdapters({ ecosystem, size, placement, match, print, progress }) {
  const { OPERATIONS } = await import(`./${ecosystem}.js`);
  const cores = requirePlacement(placement);
  const server = await startServer(cores.server);
  const children = new Map();
  try {
    for (const [id, { label }] of Object.entries(CLIENTS)) {
      const args = [CONTESTANT, ecosystem, id, `${server.port}`];
      children.set(id, await Child.start(label, process.execPath, args, cores.client));
    }
    const { rounds, forMs, messages } = LENGTH[size];
    const entries = Object.keys(OPERATIONS).flatMap((operation) =>
      IN_FLIGHT.map((inFlight) => ({
        label: `${operation}, ${inFlight} in flight`,
        run: (child) => child.ask('perform', operation, inFlight, forMs),
      })),
    );
    if (ecosystem === 'ayepi') {
      for (const [id, child] of children) await child.ask('listen', `${CHANNEL}:${id}`);
      await untilHeard(server.admin, [...children.keys()]);
      // Otherwise the server cuts off whoever is 32 MB behind, which on a shared core is a matter of luck.
      await server.admin.configSet('client-output-buffer-limit', 'pubsub 0 0 0');
      for (const [publisher, publish] of Object.entries(PUBLISHERS)) {
        entries.push({
          label: `fan-in of ${messages} messages of 1 kB, published by ${publisher}`,
          run: (child, id) => fanIn(server.admin, child, publish, `${CHANNEL}:${id}`, messages),
        });
      }
    }
    const results = [];
    for (const { label, run } of entries.filter((entry) => entry.label.includes(match))) {
      progress(label);
      results.push({ label, clients: await measure(server.pid, children, rounds, run) });
    }
    const summary = results.map(summarise);
    printTable(`${ecosystem}, placement ${placement}`, summary, print);
    return { placement, server: server.version, ...LENGTH[size], results, summary };
  } finally {
    await Promise.all([...children.values()].map((child) => child.stop()));
    await server.stop();
  }
}

/** All clients once a round, in a new order each time; the first round is the warm-up. */
async function measure(serverPid, children, rounds, run) {
  const figures = Object.fromEntries([...children.keys()].map((id) => [id, {}]));
  for (let round = 0; round <= rounds; round++) {
    for (const [id, child] of shuffled(children)) {
      const serverBefore = cpuTimeOf(serverPid);
      const found = await run(child, id);
      found.serverCpu = (cpuTimeOf(serverPid) - serverBefore) / found.operations;
      if (round === 0) continue;
      for (const name of FIGURES) {
        if (found[name] !== undefined) (figures[id][name] ??= []).push(Number(found[name].toPrecision(4)));
      }
    }
  }
  return figures;
}

async function untilHeard(admin, ids) {
  const channels = ids.map((id) => `${CHANNEL}:${id}`);
  for (;;) {
    const counts = await admin.pubSubNumSub(channels);
    if (channels.every((channel) => Number(counts[channel]) > 0)) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Ways of publishing. A client in JavaScript is slower at it than those that are measured are at receiving. */
const PUBLISHERS = {
  'one client': async (admin, channel, messages) => {
    const batch = 500;
    for (let sent = 0; sent < messages; sent += batch) {
      const count = Math.min(batch, messages - sent);
      await Promise.all(Array.from({ length: count }, () => admin.publish(channel, MESSAGE)));
    }
  },
  // Sixteen at a time, as from as many clients.
  scripts: async (admin, channel, messages) => {
    const script = { keys: [channel], arguments: [MESSAGE] };
    const lanes = 8;
    const run = async (_, lane) => {
      for (let sent = lane * 16; sent < messages; sent += lanes * 16) await admin.eval(SIXTEEN_TIMES, script);
    };
    await Promise.all(Array.from({ length: lanes }, run));
  },
};

/** Has messages published while the child counts them: from before the first, or it would miss some and wait for ever. */
async function fanIn(admin, child, publish, channel, messages) {
  await child.ask('expect', messages);
  await publish(admin, channel, messages);
  return child.ask('received');
}

/** Medians, and ours against the best of the others in each round. */
function summarise({ label, clients }) {
  const ours = Object.keys(clients).find((id) => CLIENTS[id].ours);
  const rivals = Object.keys(clients).filter((id) => !CLIENTS[id].ours);
  const against = (name, best) =>
    clients[ours][name] &&
    spread(clients[ours][name].map((value, round) => value / best(...rivals.map((id) => clients[id][name][round]))));
  const cost = (id, round) => clients[id].totalCpu[round] + clients[id].serverCpu[round];
  const cheapest = (round) => Math.min(...rivals.map((id) => cost(id, round)));
  const medians = Object.fromEntries(
    Object.entries(clients).map(([id, figures]) => [
      id,
      Object.fromEntries(Object.entries(figures).map(([name, values]) => [name, median(values)])),
    ]),
  );
  return {
    label,
    medians,
    throughput: against('perSecond', Math.max),
    capacity: spread(clients[ours].totalCpu.map((_, round) => cheapest(round) / cost(ours, round))),
    p99Share: against('p99', Math.min),
    cpuShare: against('mainCpu', Math.min),
  };
}

function printTable(title, summary, print) {
  const rivals = Object.keys(CLIENTS).filter((id) => !CLIENTS[id].ours);
  const best = (row, name, choose) => choose(...rivals.map((id) => row.medians[id][name] ?? NaN));
  const head = ['operation', 'best other/s', 'ferrodis/s', '× best other', '× per CPU-second', 'p99 ms', 'ferrodis'];
  print(`\n${title}`);
  print(
    table(
      [...head, 'main CPU µs', 'ferrodis', 'share'],
      summary.map((row) => [
        row.label,
        rate(best(row, 'perSecond', Math.max)),
        rate(row.medians.ferrodis.perSecond),
        ratio(row.throughput),
        ratio(row.capacity),
        row.p99Share ? significant(best(row, 'p99', Math.min)) : '',
        row.p99Share ? significant(row.medians.ferrodis.p99) : '',
        significant(best(row, 'mainCpu', Math.min)),
        significant(row.medians.ferrodis.mainCpu),
        ratio(row.cpuShare),
      ]),
    ),
  );
}

/** Throughput, and main-thread CPU, as charts. */
export function adapterCharts(ecosystem, { summary }) {
  const subtitle = `ferrodis/${ecosystem} on an ioredis client, against the original's commands on the best of ioredis 5 and 6 and node-redis 6`;
  return pairOfCharts({ subtitle, unit: 'operation', other: 'best other', rows: summary });
}

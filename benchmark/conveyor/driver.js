/**
 * The interleaved measurement of the stores: A B C, C B A, and so on, each run prepared and checked.
 */

import process from 'node:process';
import { fileURLToPath } from 'node:url';

import { Child } from '../lib/child.js';
import { cpuTimeOf } from '../lib/cpu.js';
import { STORES } from './stores.js';

const CONTESTANT = fileURLToPath(new URL('contestant.js', import.meta.url));

/** Per operation and run; `scriptMicros` only where the entry asks for it. */
const FIGURES = ['perSecond', 'mainCpu', 'totalCpu', 'serverCpu', 'scriptMicros'];

/**
 * @param {object} options
 * @param {{ admin: object, port: number, pid: number }} options.server
 * @param {number} [options.port] where the stores connect to, when that is not the server itself
 * @param {string[]} options.ids contestants
 * @param {import('./plan.js').Group[]} options.groups
 * @param {string | undefined} options.cores where the contestants run
 * @param {(message: string) => void} options.progress
 * @returns {Promise<Array<{ id: string, label: string, stores: Record<string, Record<string, number[]>> }>>}
 */
export async function measure({ server, port = server.port, ids, groups, cores, progress }) {
  const children = new Map();
  try {
    for (const id of ids) {
      children.set(id, await Child.start(STORES[id].label, process.execPath, [CONTESTANT, id, `${port}`], cores));
    }
    const results = [];
    for (const { fill, entries } of groups) {
      await server.admin.flushAll();
      await fill?.(server.admin);
      for (const entry of entries) {
        progress(entry.label);
        results.push(await measureEntry(server, children, entry));
      }
    }
    return results;
  } finally {
    await Promise.all([...children.values()].map((child) => child.stop()));
  }
}

async function measureEntry(server, children, entry) {
  const ids = [...children.keys()].filter((id) => entry.stores?.includes(id) ?? true);
  const stores = Object.fromEntries(ids.map((id) => [id, {}]));
  for (let round = 0; round <= entry.rounds; round++) {
    const order = round % 2 === 0 ? ids : ids.toReversed();
    for (const id of order) {
      const figures = await run(server, children.get(id), entry, entry.queue ?? `${entry.id}-${round}-${id}`);
      if (round === 0) continue; // the warm-up
      for (const figure of FIGURES) {
        if (figures[figure] === undefined) continue;
        stores[id][figure] ??= [];
        stores[id][figure].push(Number(figures[figure].toPrecision(4)));
      }
    }
  }
  return { id: entry.id, label: entry.label, stores };
}

/** One prepared and checked run of one store. */
async function run({ admin, pid }, child, entry, queue) {
  const options = { ...entry.options, ...(await entry.prepare?.(admin, queue)) };
  if (entry.scriptTime) await admin.configResetStat();
  const serverBefore = cpuTimeOf(pid);
  const { operations, evidence, ...figures } = await child.ask('perform', entry.workload, queue, options);
  figures.serverCpu = (cpuTimeOf(pid) - serverBefore) / operations;
  if (entry.scriptTime) figures.scriptMicros = scriptMicros(await admin.info('commandstats')) / operations;
  if (entry.after !== undefined) {
    const [workload, further] = entry.after(evidence);
    await child.ask('perform', workload, queue, further);
  }
  await entry.check(admin, queue, evidence);
  return figures;
}

/** Microseconds that the server spent in script calls since its statistics were reset. */
function scriptMicros(commandStatistics) {
  const calls = commandStatistics.matchAll(/^cmdstat_(?:evalsha|eval|fcall):calls=\d+,usec=(\d+)/gm);
  return [...calls].reduce((sum, [, micros]) => sum + Number(micros), 0);
}

/**
 * The interleaved measurement: every client in its own process, short cells in round robin, the order shuffled each round.
 *
 * Clients are compared only with what the others did in the same round, a fraction of a second apart, so that the drift
 * of a shared machine falls on all of them. See README.md, "Method".
 */

import { fileURLToPath } from 'node:url';

import { Child } from '../lib/child.js';
import { cpuTimeOf } from '../lib/cpu.js';
import { shuffled } from '../lib/stats.js';
import { CLIENTS } from './clients.js';

const CONTESTANT = fileURLToPath(new URL('contestant.js', import.meta.url));
const COMMANDS = ['GET', 'SET'];

/** Warm-up per cell; the last one's rate sets how many calls fill a cell. */
const WARM_UP_CALLS = [1000, 4000, 16000];

/**
 * @param {object} options
 * @param {{ port: number, pid: number }} options.server
 * @param {string[]} options.ids clients to compare; an id may come twice, to compare a client with itself
 * @param {number[]} options.inFlight
 * @param {number} options.rounds
 * @param {number} options.cellMs about how long one cell takes
 * @param {{ command: string, args: string[] }} options.runtime what runs the contestants
 * @param {string | undefined} options.cores where the contestants run
 * @param {(message: string) => void} options.progress
 * @returns {Promise<Array<{ id: string, command: string, inFlight: number, calls: number, callsPerSecond: number[], mainCpu: number[], totalCpu: number[], serverCpu: number[] }>>}
 *   one entry per client and cell; the arrays have one element per round
 */
export async function measure({ server, ids, inFlight, rounds, cellMs, runtime, cores, progress }) {
  const contestants = [];
  try {
    for (const id of ids) {
      progress(`starting ${CLIENTS[id].label}`);
      const child = await Child.start(id, runtime.command, [...runtime.args, CONTESTANT, id, `${server.port}`], cores);
      contestants.push({ id, child, cells: [] });
    }
    for (const { id, child, cells } of contestants) {
      progress(`warming up ${CLIENTS[id].label}`);
      for (const command of COMMANDS) {
        for (const calls of inFlight) cells.push(await warmUp(child, command, calls, cellMs));
      }
    }
    for (let round = 0; round < rounds; round++) {
      progress(`round ${round + 1} of ${rounds}`);
      for (let index = 0; index < COMMANDS.length * inFlight.length; index++) {
        for (const { child, cells } of shuffled(contestants)) await play(server.pid, child, cells[index]);
      }
    }
    return contestants.flatMap(({ id, cells }) => cells.map((cell) => ({ id, ...cell })));
  } finally {
    await Promise.all(contestants.map(({ child }) => child.stop()));
  }
}

async function warmUp(child, command, inFlight, cellMs) {
  let rate = 0;
  for (const calls of WARM_UP_CALLS) {
    const result = await child.ask('cell', command, inFlight, calls);
    rate = result.callsPerSecond;
  }
  const calls = Math.max(4 * inFlight, Math.round((rate * cellMs) / 1000));
  return { command, inFlight, calls, callsPerSecond: [], mainCpu: [], totalCpu: [], serverCpu: [] };
}

async function play(serverPid, child, cell) {
  const before = cpuTimeOf(serverPid);
  const result = await child.ask('cell', cell.command, cell.inFlight, cell.calls);
  result.serverCpu = (cpuTimeOf(serverPid) - before) / cell.calls;
  for (const figure of ['callsPerSecond', 'mainCpu', 'totalCpu', 'serverCpu']) {
    cell[figure].push(Number(result[figure].toPrecision(4)));
  }
}

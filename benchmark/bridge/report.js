/**
 * From raw cells to ratios and tables.
 */

import { median, spread } from '../lib/stats.js';
import { rate, ratio, significant, table } from '../lib/table.js';
import { CLIENTS } from './clients.js';

/** What a call takes of the machine: all threads of the client, and the server. */
const cost = (cell, round) => cell.totalCpu[round] + cell.serverCpu[round];

/**
 * Adds to every cell its medians, and its ratios to the best other client of each round: throughput against the
 * fastest, calls per second of CPU time (client and server together) and main-thread CPU against the most frugal. For a
 * client that is not ours, "the best" includes itself.
 */
export function summarise(cells) {
  return cells.map((cell) => {
    const rivals = cells.filter(
      ({ id, command, inFlight }) => !CLIENTS[id].ours && command === cell.command && inFlight === cell.inFlight,
    );
    const against = (figure, best) =>
      spread(cell[figure].map((value, round) => value / best(...rivals.map((rival) => rival[figure][round]))));
    return {
      id: cell.id,
      command: cell.command,
      inFlight: cell.inFlight,
      callsPerSecond: median(cell.callsPerSecond),
      mainCpu: median(cell.mainCpu),
      totalCpu: median(cell.totalCpu),
      serverCpu: median(cell.serverCpu),
      throughput: against('callsPerSecond', Math.max),
      capacity: spread(
        cell.totalCpu.map((_, round) => Math.min(...rivals.map((rival) => cost(rival, round))) / cost(cell, round)),
      ),
      cpuShare: against('mainCpu', Math.min),
    };
  });
}

/** One table per command and number of calls in flight, fastest first. */
export function printTables(title, summary, print) {
  const cellsInOrder = new Map();
  for (const row of summary) {
    const name = `${row.command}, ${row.inFlight} in flight`;
    cellsInOrder.set(name, [...(cellsInOrder.get(name) ?? []), row]);
  }
  for (const [name, rows] of cellsInOrder) {
    print(`\n${title}: ${name}`);
    print(
      table(
        [
          'client',
          'calls/s',
          '× best other',
          '× per CPU-second',
          'main CPU µs',
          'share of best',
          'process CPU µs',
          'server CPU µs',
        ],
        rows
          .toSorted((a, b) => b.callsPerSecond - a.callsPerSecond)
          .map((row) => [
            CLIENTS[row.id].label,
            rate(row.callsPerSecond),
            ratio(row.throughput),
            ratio(row.capacity),
            significant(row.mainCpu),
            ratio(row.cpuShare),
            significant(row.totalCpu),
            significant(row.serverCpu),
          ]),
      ),
    );
  }
}

/** Our figures in one table: throughput and main-thread CPU against the best other client of each round. */
export function printHeadline(title, summary, print) {
  const inFlight = [...new Set(summary.map((row) => row.inFlight))];
  const rows = [];
  for (const id of new Set(summary.filter((row) => CLIENTS[row.id].ours).map((row) => row.id))) {
    for (const command of ['GET', 'SET']) {
      const cells = inFlight.map((count) =>
        summary.find((r) => r.id === id && r.command === command && r.inFlight === count),
      );
      rows.push([`${CLIENTS[id].label}, ${command}`, ...cells.map((row) => ratio(row.throughput))]);
      rows.push(['  per CPU-second', ...cells.map((row) => ratio(row.capacity))]);
      rows.push(['  its main-thread CPU', ...cells.map((row) => ratio(row.cpuShare))]);
    }
  }
  print(`\n${title}: ferrodis × the best other client of each round (median, 95 % interval)`);
  print(table(['in flight', ...inFlight.map(String)], rows));
}

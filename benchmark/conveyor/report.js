/**
 * From raw runs to ratios and tables.
 */

import { median, spread } from '../lib/stats.js';
import { rate, ratio, significant, table } from '../lib/table.js';
import { STORES } from './stores.js';

/**
 * Per entry: the medians of every store, and ours against the best of the originals in each round: throughput against
 * the faster one; operations per second of CPU time (client and server together), main-thread, server and script time
 * against the more frugal one.
 */
export function summarise(results) {
  return results.map(({ id, label, stores }) => {
    const rivals = Object.keys(stores).filter((store) => !STORES[store].ours);
    const ours = Object.keys(stores).find((store) => STORES[store].ours);
    const against = (figure, best) =>
      stores[ours][figure] &&
      spread(
        stores[ours][figure].map(
          (value, round) => value / best(...rivals.map((rival) => stores[rival][figure][round])),
        ),
      );
    const cost = (store, round) => stores[store].totalCpu[round] + stores[store].serverCpu[round];
    const medians = Object.fromEntries(
      Object.entries(stores).map(([store, figures]) => [
        store,
        Object.fromEntries(Object.entries(figures).map(([figure, values]) => [figure, median(values)])),
      ]),
    );
    return {
      id,
      label,
      medians,
      throughput: against('perSecond', Math.max),
      capacity: spread(
        stores[ours].totalCpu.map(
          (_, round) => Math.min(...rivals.map((rival) => cost(rival, round))) / cost(ours, round),
        ),
      ),
      cpuShare: against('mainCpu', Math.min),
      serverShare: against('serverCpu', Math.min),
      scriptShare: against('scriptMicros', Math.min),
    };
  });
}

/** One line per workload. */
export function printTable(title, summary, print) {
  const best = (row, figure, choose) =>
    choose(
      ...Object.entries(row.medians)
        .filter(([id]) => !STORES[id].ours)
        .map(([, figures]) => figures[figure]),
    );
  print(`\n${title}`);
  print(
    table(
      [
        'workload',
        'original/s',
        'ferrodis/s',
        '× original',
        '× per CPU-second',
        'main CPU µs',
        'ferrodis',
        'share',
        'server CPU µs',
        'ferrodis',
      ],
      summary.map((row) => {
        const ours = row.medians.ferrodis;
        return [
          row.label,
          rate(best(row, 'perSecond', Math.max)),
          rate(ours.perSecond),
          ratio(row.throughput),
          ratio(row.capacity),
          significant(best(row, 'mainCpu', Math.min)),
          significant(ours.mainCpu),
          ratio(row.cpuShare),
          significant(best(row, 'serverCpu', Math.min)),
          significant(ours.serverCpu),
        ];
      }),
    ),
  );
}

/** How the server's time per fetch grows with the depth of the queue. */
export function printScriptTimes(summary, print) {
  const rows = summary.filter((row) => row.scriptShare !== undefined);
  if (rows.length === 0) return;
  print("\nServer time per fetch (the server's own statistics of script calls), µs");
  print(
    table(
      ['workload', 'original', 'ferrodis'],
      rows.map(({ label, medians }) => [
        label,
        significant(
          Math.min(
            ...Object.entries(medians)
              .filter(([id]) => !STORES[id].ours)
              .map(([, f]) => f.scriptMicros),
          ),
        ),
        significant(medians.ferrodis.scriptMicros),
      ]),
    ),
  );
}

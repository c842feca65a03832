/** What the demo prints at the end. */
import { count, megabytes } from './progress.mjs';

/** Failures and problems that are spelled out; the rest is counted. */
const SHOWN = 10;

/**
 * Rows as a table: the first column to the left, the others to the right.
 *
 * @param {readonly (readonly string[])[]} rows
 */
function table(rows) {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))),
    )
    .map((row) => `  ${row.join('  ')}`)
    .join('\n');
}

/** @param {readonly string[]} lines */
const list = (lines) =>
  [...lines.slice(0, SHOWN), ...(lines.length > SHOWN ? [`and ${lines.length - SHOWN} more`] : [])]
    .map((line) => `    ${line}`)
    .join('\n');

/**
 * @param {import('./run.mjs').Outcome} outcome
 * @param {import('./workflow.mjs').Summary} summary
 * @param {import('./verify.mjs').Verdict} verdict
 */
export function printReport({ seconds, killed, orphaned }, summary, { retries, recovered, failed, problems }) {
  const totals = [
    ['files', count(summary.files)],
    ['bytes', megabytes(summary.bytes)],
    ['completed', count(summary.completed)],
    ['failed', count(summary.failed)],
    ['worked off per second', count(summary.files / seconds)],
    ['retries', count(retries)],
    ['orphaned by the kill', count(orphaned.size)],
    ['recovered', count(recovered.size)],
  ];
  const workers = Object.entries(summary.shares).sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
  const perWorker = workers.map(([name, share]) => [
    name === killed ? `${name} (killed)` : name,
    count(share.jobs),
    megabytes(share.bytes),
  ]);
  console.log(`\n${table(totals)}\n\n${table([['', 'jobs', 'bytes'], ...perWorker])}\n`);
  if (failed.length > 0)
    console.log(`  could not be read, neither by the workers nor by the check:\n${list(failed)}\n`);
  if (problems.length > 0) console.log(`✗ ${problems.length} problems:\n${list(problems)}`);
  else console.log(`✓ verified: ${count(summary.completed)} digests are right, and no job was completed twice`);
}

/**
 * @param {Record<string, number>} counters
 * @param {readonly { ts: number, type: string, stepId?: string }[]} tail
 */
export function printLog(counters, tail) {
  const rows = Object.entries(counters)
    .filter(([name]) => name !== 'version')
    .map(([name, times]) => [name, count(times)]);
  const lines = tail.map(
    ({ ts, type, stepId = '' }) => `${new Date(ts).toISOString().slice(11, 23)}  ${type}  ${stepId}`,
  );
  console.log(`\n  The event log, and its end:\n${table(rows)}\n${list(lines)}`);
}

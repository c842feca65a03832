/**
 * The demo: one job per file of a folder, queued on a real server, hashed by several processes, and checked at the end.
 * `npm run demo -- [folder]` sets everything up and runs this; the default folder is the clone's own `node_modules`.
 */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startRedis } from 'ferrodis/testing';
import { filesBelow, LateFile } from './files.mjs';
import { printReport } from './report.mjs';
import { openStore, QUEUE } from './queue.mjs';
import { runJobs } from './run.mjs';
import { verify } from './verify.mjs';

const folder = resolve(process.argv[2] ?? fileURLToPath(new URL('../node_modules', import.meta.url)));
/** At least three, so that work goes on after one was killed; not more than help. */
const workers = Math.min(Math.max(availableParallelism(), 3), 8);

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => interruption.abort());

const late = await LateFile.prepare();
const redis = await startRedis();
try {
  const files = await filesBelow(folder);
  if (files.length === 0) throw new Error(`there are no files in ${folder}`);
  console.log(`${files.length} files in ${folder}; ${workers} worker processes; ${redis.kind} ${redis.version}.`);

  const outcome = await runJobs({
    url: redis.url,
    files: [...files, late.path],
    late,
    workers,
    signal: interruption.signal,
  });
  console.log('Checking every digest against a straight pass by one process …');
  const verdict = await verify(redis.url, outcome, interruption.signal);
  printReport(outcome, verdict);
  if (verdict.problems.length > 0) process.exitCode = 1;
} catch (error) {
  if (interruption.signal.aborted) console.log('\nStopped.');
  else console.error(error);
  process.exitCode = interruption.signal.aborted ? 130 : 1;
} finally {
  await late.remove();
  await cleanUp();
}

/** Leaves nothing behind, also on a server that was running before (`REDIS_URL`). */
async function cleanUp() {
  if (redis.pid === undefined) {
    const store = await openStore(redis.url);
    await store.obliterate(QUEUE, { force: true });
    await store.disconnect();
  }
  await redis.stop();
}

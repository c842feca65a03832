/**
 * The demo: every file of a folder is hashed by several processes, through a job queue and a workflow on a real server.
 * A worker and the conductor of the workflow are killed on the way; at the end every digest is checked.
 * `npm run demo -- [folder]` sets everything up and runs this; the default folder is the clone's own `node_modules`.
 */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RedisWorkflowRunService } from 'ferrodis/pikku';
import { startRedis } from 'ferrodis/testing';
import { Redis } from 'ioredis5';
import { filesBelow, LateFile } from './files.mjs';
import { FolderBusy, guard } from './guard.mjs';
import { Log } from './log.mjs';
import { openStore, QUEUE } from './queue.mjs';
import { printLog, printReport } from './report.mjs';
import { watchRun } from './run.mjs';
import { verify } from './verify.mjs';
import { openWorkflows, WORKFLOW_KEYS } from './workflow.mjs';

const folder = resolve(process.argv[2] ?? fileURLToPath(new URL('../node_modules', import.meta.url)));
/** At least three, so that work goes on after one was killed; not more than help. */
const workers = Math.min(Math.max(availableParallelism(), 3), 8);
/** Last events that are shown. */
const TAIL = 5;

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => interruption.abort());
const { signal } = interruption;

const server = await startRedis();
const redis = new Redis(server.url);
try {
  const own = await guard(redis, folder);
  try {
    await demonstrate(own);
  } finally {
    await own.release();
  }
} catch (error) {
  if (signal.aborted) console.log('\nStopped. On a server that goes on (REDIS_URL), the next demo takes the run up.');
  else console.error(error instanceof FolderBusy ? error.message : error);
  process.exitCode = signal.aborted ? 130 : 1;
} finally {
  redis.disconnect();
  await server.stop();
}

/** @param {import('./guard.mjs').Guard} own */
async function demonstrate(own) {
  const late = new LateFile(folder);
  if (!own.interrupted) await late.remove();
  const files = [...(await filesBelow(folder)), late.path];
  if (files.length === 1) throw new Error(`there are no files in ${folder}`);
  console.log(`${files.length} files in ${folder}; ${workers} worker processes; ${server.kind} ${server.version}.`);
  if (own.interrupted) console.log(`Going on with run ${own.interrupted}, which was interrupted.`);
  else await forgetJobs();

  const input = { folder, late: late.path, startedAt: Date.now() };
  const { url } = server;
  const outcome = await watchRun({ url, redis, guard: own, input, late, files: files.length, workers, signal });
  const workflows = openWorkflows(url);
  const run = await workflows.getRun(outcome.runId);
  await workflows.close();
  const summary = /** @type {import('./workflow.mjs').Summary} */ (run?.output);
  if (run?.status !== 'completed') throw new Error(`the workflow ended as ${run?.status}: ${run?.error?.message}`);

  console.log('Checking every digest against a straight pass by one process …');
  const log = new Log(url, outcome.runId);
  const verdict = await verify(url, files, late.path, outcome, summary, log, signal);
  printReport(outcome, summary, verdict);
  printLog(await log.counters(), await log.tail(TAIL));
  if (verdict.problems.length > 0) process.exitCode = 1;
  await log.delete();
  await log.close();
  await own.finished();
  await late.remove();
  await forgetRun(outcome.runId);
  await forgetJobs();
}

/** @param {string} runId */
async function forgetRun(runId) {
  await new RedisWorkflowRunService(redis, WORKFLOW_KEYS).deleteRun(runId);
}

/** Leaves nothing behind, also on a server that was running before (`REDIS_URL`). */
async function forgetJobs() {
  const store = await openStore(server.url);
  await store.obliterate(QUEUE, { force: true });
  await store.disconnect();
}

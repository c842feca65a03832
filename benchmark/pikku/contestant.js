/**
 * The process of one application: the real engine of `@pikku/core`, with one of the stores.
 * Arguments: store, port of the server.
 */

import process from 'node:process';

import { startApplication } from '../../__test__/support/pikku/application.mjs';
import { LATEST } from '../../__test__/support/pikku/packages.mjs';
import { serve } from '../lib/child.js';
import { cpuTime } from '../lib/cpu.js';

const [store, port] = process.argv.slice(2);

/** Hands jobs over in memory: the traffic of a real queue would be the same for every store, and more than the store's. */
const queue = {
  service: {
    async add(name, data) {
      setImmediate(() => this.run(name, { id: '1', data }).catch((error) => console.error(error)));
      return '1';
    },
  },
  work(_names, run) {
    this.service.run = run;
  },
  async close() {},
};

const { service, rpc } = await startApplication(
  { core: LATEST, store, url: `redis://127.0.0.1:${port}` },
  { note() {}, count: () => 0, async gate() {} },
  queue,
);
await service.init?.();

/** How runs ended, by their ids, and who waits for that. */
const ended = new Map();
const waiting = new Map();
const updateRunStatus = service.updateRunStatus.bind(service);
service.updateRunStatus = async (id, status, ...rest) => {
  await updateRunStatus(id, status, ...rest);
  ended.set(id, status);
  waiting.get(id)?.();
};

/** Starts a run and resolves with its id once it has completed. */
async function complete(workflow, inline) {
  const { runId } = await service.startWorkflow(workflow, { tag: 'bench' }, { type: 'bench' }, rpc, { inline });
  if (!ended.has(runId)) await new Promise((resolve) => waiting.set(runId, resolve));
  if (ended.get(runId) !== 'completed') throw new Error(`run ${runId} has ${ended.get(runId)}`);
  ended.delete(runId);
  waiting.delete(runId);
  return runId;
}

/** Makes `count` runs, `inFlight` at any time. Runs per second, microseconds of CPU per run, and the ids. */
async function perform({ workflow, inline, count, inFlight }) {
  const ids = [];
  let begun = 0;
  const cpuBefore = cpuTime();
  const start = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (begun++ < count) ids.push(await complete(workflow, inline));
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  const cpuAfter = cpuTime();
  return {
    ids,
    perSecond: count / seconds,
    mainCpu: (cpuAfter.main - cpuBefore.main) / count,
    totalCpu: (cpuAfter.total - cpuBefore.total) / count,
  };
}

serve({ perform });

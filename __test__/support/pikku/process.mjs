/**
 * The process of a Pikku application, started and asked by `hosts.ts` over Node's channel between processes.
 * Argument: the settings, as JSON, with the file that side effects are noted in.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

import { startApplication } from './application.mjs';
import { openQueue } from './queue.mjs';

const { effects: file, hold, queuePort, worker = false, ...settings } = JSON.parse(process.argv[2] ?? '{}');
/** @type {(() => void) | undefined} */
let release;

/** Lines are appended whole, and are there after a SIGKILL. */
const line = (/** @type {string} */ tag, /** @type {string} */ name) => `${tag}\t${name}\n`;

/** @type {import('./workflows.mjs').Effects} */
const effects = {
  note: (tag, name) => appendFileSync(file, line(tag, name)),
  count: (tag, name) =>
    existsSync(file)
      ? readFileSync(file, 'utf8')
          .split('\n')
          .filter((l) => `${l}\n` === line(tag, name)).length
      : 0,
  async gate(name) {
    if (name !== hold) return;
    process.send?.({ held: name });
    await new Promise((resolve) => (release = () => resolve(undefined)));
  },
};
const queue = queuePort === undefined ? undefined : await openQueue(queuePort, worker);
const application = await startApplication(settings, effects, queue);
const { service, rpc } = application;

/** @type {Record<string, (...args: any[]) => unknown>} */
const tasks = {
  start: async (name, input, options) =>
    (await service.startWorkflow(name, input, { type: 'test' }, rpc, options)).runId,
  orchestrate: (runId) => service.orchestrateWorkflow(runId, rpc),
  release: () => release?.(),
  close: () => application.close(),
};

process.on('message', async (/** @type {{ id: number, task: string, args: unknown[] }} */ { id, task, args }) => {
  try {
    // Anything that is not a task of its own is a method of the store.
    const result = await (tasks[task] ?? ((...rest) => service[task](...rest)))(...args);
    process.send?.({ id, result });
  } catch (error) {
    process.send?.({
      id,
      error: error instanceof Error ? { message: error.message, stack: error.stack } : { message: String(error) },
    });
  }
});
process.on('disconnect', () => process.exit());
process.send?.({ ready: true });

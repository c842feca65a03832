/**
 * The process that takes a run through its workflow. It may be killed at any moment; another one then goes on.
 * Started by run.mjs with the server's URL, the id of a run to go on with or an empty text, and the input of a new run.
 * It tells its parent the run's id and input.
 */
import { defineWorkflow, openWorkflows, WORKFLOW } from './workflow.mjs';

const [url = '', interrupted = '', input = '{}'] = process.argv.slice(2);
const orphaned = () => process.exit(1);
process.on('disconnect', orphaned); // the parent is gone: who takes the run over starts another conductor
process.on('SIGINT', () => {}); // Ctrl-C reaches the whole group; the parent decides.

const workflows = openWorkflows(url);
defineWorkflow(url);
await workflows.init();
const noCalls = /** @type {any} */ ({}); // the steps of this workflow call no other functions of Pikku

if (interrupted === '') {
  /** @param {string} runId */
  const onRunCreated = (runId) => process.send?.({ runId, input: JSON.parse(input) });
  const wire = { type: 'demo' };
  await workflows.startWorkflow(WORKFLOW, JSON.parse(input), wire, noCalls, { inline: true, onRunCreated });
} else {
  const run = await workflows.getRun(interrupted);
  if (run === null) throw new Error(`there is no run ${interrupted}`);
  process.send?.({ runId: run.id, input: run.input });
  if (run.status === 'running') await workflows.orchestrateWorkflow(run.id, noCalls);
}
await workflows.close();
process.off('disconnect', orphaned).disconnect?.();

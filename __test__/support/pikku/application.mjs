/** A Pikku application: a host, its workflows, a store, and, if wanted, a job queue with workers. */
import { Packages } from './packages.mjs';
import { registerWorkflows } from './workflows.mjs';

/** Says only what went wrong, and only when asked to. */
const say = process.env['PIKKU_LOG'] ? console.error : () => {};
const logger = { info() {}, debug() {}, trace() {}, setLevel() {}, warn: say, error: say };

/**
 * @typedef {object} Settings
 * @property {string} core version of `@pikku/core`
 * @property {'ferrodis' | 'original' | 'memory'} store `memory` is the host's own, which keeps nothing
 * @property {string} url of the store's server
 * @property {string} [prefix] of the store's keys
 * @property {object} [options] of the store
 * @property {number} [lockTTL] of the store, in milliseconds
 */

/**
 * A job queue with what works on it.
 *
 * @typedef {object} JobQueue
 * @property {object} service Pikku's `QueueService`, as far as the engine uses it
 * @property {object} [scheduler] Pikku's `SchedulerService`, as far as the engine uses it
 * @property {(names: Iterable<string>, run: (queueName: string, job: any) => Promise<unknown>, wake: (rpcName: string, data: unknown) => Promise<unknown>) => void} [work]
 *   starts working on the queues of these names; left out in a process that only adds jobs
 * @property {() => Promise<void>} close
 */

/**
 * Starts the application. One per process: what the host registers lives there.
 *
 * @param {Settings} settings
 * @param {import('./workflows.mjs').Effects} effects
 * @param {JobQueue} [queue] without it, runs are inline
 */
export async function startApplication(settings, effects, queue) {
  const packages = new Packages(settings.core);
  const { pikkuState } = await packages.first('@pikku/core/ecosystem', '@pikku/core/internal');
  await registerWorkflows(packages, effects);

  /** @type {Record<string, unknown>} */
  const services = {
    config: {},
    logger,
    ...(queue && { queueService: queue.service, schedulerService: queue.scheduler }),
  };
  // Before the store: the base class asks for the logger while it is constructed.
  pikkuState(null, 'package', 'singletonServices', services);

  const service = await openStore(packages, settings);
  services['workflowService'] = service;

  const { rpcService } = await packages.import('@pikku/core/rpc');
  const rpc = rpcService.getContextRPCService(services, {}, { requiresAuth: false });
  if (queue?.work) {
    await registerWorkers(packages, pikkuState);
    const { runQueueJob } = await packages.import('@pikku/core/queue');
    queue.work(
      pikkuState(null, 'queue', 'registrations').keys(),
      (queueName, job) => runQueueJob({ job: { id: job.id, queueName, data: job.data } }),
      (rpcName, data) => rpc.invoke(rpcName, data),
    );
  }
  return {
    service,
    rpc,
    async close() {
      await queue?.close();
      await service.close();
    },
  };
}

/**
 * @param {Packages} packages
 * @param {Settings} settings
 */
async function openStore(packages, { store, url, prefix = 'workflows', options = {}, lockTTL }) {
  if (store === 'memory') {
    const { InMemoryWorkflowService } = await packages.import('@pikku/core/services');
    return new InMemoryWorkflowService();
  }
  const { RedisWorkflowService } = await packages.store(store);
  const service = new RedisWorkflowService(url, prefix, options);
  if (lockTTL !== undefined) service.lockTTL = lockTTL;
  return service;
}

/** The functions behind the engine's own queues. Newer hosts register them themselves; for older ones, generated code did. */
async function registerWorkers(/** @type {Packages} */ packages, /** @type {any} */ pikkuState) {
  if (pikkuState(null, 'queue', 'registrations').size > 0) return;
  const { wireQueueWorker } = await packages.import('@pikku/core/queue');
  const { addFunction } = await packages.import('@pikku/core/function');
  const workers = {
    'pikku-workflow-orchestrator': (/** @type {any} */ service, /** @type {any} */ { runId }, /** @type {any} */ rpc) =>
      service.orchestrateWorkflow(runId, rpc),
    'pikku-workflow-step-worker': (/** @type {any} */ service, /** @type {any} */ job, /** @type {any} */ rpc) =>
      service.executeWorkflowStep(job.runId, job.stepName, job.rpcName, job.data, rpc),
    pikkuWorkflowSleeper: (/** @type {any} */ service, /** @type {any} */ { runId, stepId }) =>
      service.executeWorkflowSleepCompleted(runId, stepId),
  };
  for (const [name, work] of Object.entries(workers)) {
    const func = (/** @type {any} */ services, /** @type {any} */ data, /** @type {any} */ wire) =>
      work(services.workflowService, data, wire.rpc);
    pikkuState(null, 'function', 'meta')[name] = {
      pikkuFuncId: name,
      sessionless: true,
      functionType: 'helper',
      inputSchemaName: null,
      outputSchemaName: null,
    };
    pikkuState(null, 'rpc', 'meta')[name] = name;
    addFunction(name, { func });
    if (name === 'pikkuWorkflowSleeper') continue;
    pikkuState(null, 'queue', 'meta')[name] = { pikkuFuncId: name, name };
    wireQueueWorker({ name, func: { func } });
  }
}

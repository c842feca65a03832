/**
 * A Pikku workflow that survives the end of its process: `node examples/pikku/workflow.mjs`.
 *
 * In an application Pikku's code generator writes what `register` does here.
 */
import { addFunction, pikkuState, setSingletonServices } from '@pikku/core/ecosystem';
import { rpcService } from '@pikku/core/rpc';
import { addWorkflow } from '@pikku/core/workflow';
import { RedisWorkflowService } from 'ferrodis/pikku';
import { startRedis } from 'ferrodis/testing';

/** @typedef {{ order: string }} Order */
/** @typedef {{ workflow: { do: (step: string, call: string, data: unknown) => Promise<any>, suspend: (why: string) => Promise<void> } }} Wire */

const functions = {
  reserve: async (/** @type {unknown} */ _services, /** @type {Order} */ { order }) => {
    console.log(`  goods of ${order} are reserved`);
    return { parcels: 2 };
  },
  ship: async (
    /** @type {unknown} */ _services,
    /** @type {{ order: string, parcels: number }} */ { order, parcels },
  ) => {
    console.log(`  ${order} is shipped in ${parcels} parcels`);
    return { shipped: true };
  },
  fulfil: async (
    /** @type {unknown} */ _services,
    /** @type {Order} */ { order },
    /** @type {Wire} */ { workflow },
  ) => {
    const { parcels } = await workflow.do('reserve the goods', 'reserve', { order });
    await workflow.suspend('wait for the payment');
    return workflow.do('ship it', 'ship', { order, parcels });
  },
};

function register() {
  for (const [name, func] of Object.entries(functions)) {
    const meta = { pikkuFuncId: name, name, sessionless: true, inputSchemaName: null, outputSchemaName: null };
    pikkuState(null, 'function', 'meta')[name] = meta;
    pikkuState(null, 'rpc', 'meta')[name] = name;
    addFunction(name, /** @type {any} */ ({ func }));
  }
  const meta = { name: 'fulfil', pikkuFuncId: 'fulfil', source: 'dsl', graphHash: 'v1' };
  pikkuState(null, 'workflows', 'meta')['fulfil'] = /** @type {any} */ (meta);
  addWorkflow('fulfil', /** @type {any} */ ({ func: functions.fulfil }));
}

/**
 * What a process of the application makes when it starts.
 *
 * @param {string} url
 */
async function start(url) {
  const logger = { ...console, setLevel() {} };
  /** @type {any} */
  const services = { config: {}, logger };
  setSingletonServices(services); // before the store, whose base class asks for the logger
  services.workflowService = new RedisWorkflowService(url, 'workflows', { wireQueues: false }); // no job queue here
  await services.workflowService.init();
  const rpc = rpcService.getContextRPCService(services, /** @type {any} */ ({}), { requiresAuth: false });
  return { store: services.workflowService, rpc };
}

const redis = await startRedis();
try {
  register();

  console.log('one process');
  const first = await start(redis.url);
  const { runId } = await first.store.startWorkflow('fulfil', { order: 'order 7' }, { type: 'example' }, first.rpc);
  console.log(`  the run is ${(await first.store.getRun(runId)).status}`);
  await first.store.close();

  console.log('another process, later');
  const second = await start(redis.url);
  await second.store.orchestrateWorkflow(runId, second.rpc); // the goods are not reserved again
  for (const { stepName, status } of await second.store.getRunHistory(runId)) console.log(`  ${stepName}: ${status}`);
  console.log(`  the run is ${(await second.store.getRun(runId)).status}`);
  await second.store.close();
} finally {
  await redis.stop();
}

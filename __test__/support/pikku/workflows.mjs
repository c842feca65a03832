/**
 * The functions and workflows of the test application, registered as Pikku's code generator would register them.
 *
 * Every input has a `tag`; a function with a side effect notes its name under that tag, once per execution.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @typedef {object} Effects
 * @property {(tag: string, name: string) => void} note a side effect: something that must not happen twice
 * @property {(tag: string, name: string) => number} count how often it happened so far, in all processes
 * @property {(name: string) => Promise<void>} gate holds the process where a test wants it
 */

/** @param {Effects} effects */
function functions(effects) {
  const add =
    (/** @type {string} */ name, /** @type {number} */ amount) =>
    async (/** @type {unknown} */ _services, /** @type {{ tag: string, value?: number }} */ { tag, value = 0 }) => {
      effects.note(tag, name);
      await effects.gate(name);
      return { tag, value: value + amount };
    };
  return {
    one: add('one', 1),
    two: add('two', 20),
    three: add('three', 300),
    queuedOne: add('queuedOne', 1),
    queuedTwo: add('queuedTwo', 20),
    queuedThree: add('queuedThree', 300),
    /** Fails until it is executed for the third time. */
    flaky: async (/** @type {unknown} */ _services, /** @type {{ tag: string }} */ { tag }) => {
      effects.note(tag, 'flaky');
      const attempts = effects.count(tag, 'flaky');
      if (attempts < 3) throw Object.assign(new Error(`attempt ${attempts} fails`), { code: 'E_FLAKY' });
      return { attempts };
    },
    broken: async () => {
      throw new Error('this function always fails');
    },
  };
}

/** Functions whose steps go through the job queue, wherever there is one. */
const QUEUED = new Set(['queuedOne', 'queuedTwo', 'queuedThree', 'queuedFlaky']);

/** A standard schema that takes every decision. */
const ANYTHING = {
  '~standard': { version: 1, vendor: 'test', validate: (/** @type {unknown} */ value) => ({ value }) },
};

/** @param {Effects} effects */
function sequences(effects) {
  /** @param {string[]} names */
  const chain =
    (names) =>
    async (/** @type {any} */ _services, /** @type {any} */ { tag }, /** @type {any} */ wire) => {
      let value = 0;
      for (const [i, name] of names.entries()) {
        ({ value } = await wire.workflow.do(`step ${i + 1}`, name, { tag, value }));
      }
      return { tag, value };
    };
  return {
    threeSteps: chain(['one', 'two', 'three']),
    threeQueued: chain(['queuedOne', 'queuedTwo', 'queuedThree']),
    /** Closures instead of functions; the second one takes `ms`. */
    closures: async (/** @type {any} */ _services, /** @type {any} */ { tag, ms }, /** @type {any} */ wire) => {
      const step = (/** @type {string} */ name, /** @type {number} */ pause) =>
        wire.workflow.do(name, async () => {
          effects.note(tag, name);
          await effects.gate(name);
          await sleep(pause);
          return name.length;
        });
      return { total: (await step('first', 0)) + (await step('second', ms ?? 0)) + (await step('third', 0)) };
    },
    retrying: async (/** @type {any} */ _services, /** @type {any} */ { tag }, /** @type {any} */ wire) =>
      wire.workflow.do('flaky step', 'flaky', { tag }, { retries: 4, retryDelay: 10 }),
    retryingQueued: async (/** @type {any} */ _services, /** @type {any} */ { tag }, /** @type {any} */ wire) =>
      wire.workflow.do('flaky step', 'queuedFlaky', { tag }, { retries: 4, retryDelay: 10 }),
    failing: async (/** @type {any} */ _services, /** @type {any} */ { tag }, /** @type {any} */ wire) => {
      await wire.workflow.do('step 1', 'one', { tag });
      await wire.workflow.do('broken step', 'broken', {}, { retries: 0 });
    },
    sleeping: async (/** @type {any} */ _services, /** @type {any} */ { tag }, /** @type {any} */ wire) => {
      const { value } = await wire.workflow.do('before', 'one', { tag });
      await wire.workflow.sleep('pause', 120);
      return wire.workflow.do('after', 'two', { tag, value });
    },
    parent: async (/** @type {any} */ _services, /** @type {any} */ { tag }, /** @type {any} */ wire) => {
      const child = await wire.workflow.do('child', 'threeSteps', { tag: `${tag}/child` });
      return wire.workflow.do('after', 'one', { tag, value: child.value });
    },
    suspending: async (/** @type {any} */ _services, /** @type {any} */ { tag }, /** @type {any} */ wire) => {
      const { value } = await wire.workflow.do('before', 'one', { tag });
      await wire.workflow.suspend('someone has to look');
      return wire.workflow.do('after', 'two', { tag, value });
    },
    approving: async (/** @type {any} */ _services, /** @type {any} */ { tag }, /** @type {any} */ wire) => {
      const { value } = await wire.workflow.do('before', 'one', { tag });
      const decision = await wire.workflow.approval('release', { schema: ANYTHING });
      const { value: result } = await wire.workflow.do('after', 'two', { tag, value });
      return { result, decision };
    },
  };
}

/** @param {string} nodeId */
const ref = (nodeId, path = nodeId === 'trigger' ? 'tag' : 'value') => ({ $ref: nodeId, path });

const GRAPHS = {
  /** Three nodes in a row. */
  threeNodes: {
    a: { nodeId: 'a', rpcName: 'one', input: { tag: ref('trigger') }, next: 'b' },
    b: { nodeId: 'b', rpcName: 'two', input: { tag: ref('trigger'), value: ref('a') }, next: 'c' },
    c: { nodeId: 'c', rpcName: 'three', input: { tag: ref('trigger'), value: ref('b') } },
  },
  /** Two nodes after one, and a third that needs both. */
  diamond: {
    a: { nodeId: 'a', rpcName: 'one', input: { tag: ref('trigger') }, next: ['b', 'step'] },
    b: { nodeId: 'b', rpcName: 'two', input: { tag: ref('trigger'), value: ref('a') }, next: 'c' },
    step: { nodeId: 'step', rpcName: 'two', input: { tag: ref('trigger'), value: ref('a') }, next: 'c' },
    c: { nodeId: 'c', rpcName: 'three', input: { tag: ref('trigger'), value: ref('b'), other: ref('step') } },
  },
};

/**
 * Registers everything with the host. What the host keeps of it lives in the process, so once per process.
 *
 * @param {import('./packages.mjs').Packages} packages
 * @param {Effects} effects
 */
export async function registerWorkflows(packages, effects) {
  const { pikkuState } = await packages.first('@pikku/core/ecosystem', '@pikku/core/internal');
  const { addFunction } = await packages.import('@pikku/core/function');
  const { addWorkflow } = await packages.import('@pikku/core/workflow');

  const meta = (/** @type {string} */ pikkuFuncId) => ({
    pikkuFuncId,
    name: pikkuFuncId,
    sessionless: true,
    functionType: 'user',
    inputSchemaName: null,
    outputSchemaName: null,
    workflowQueued: QUEUED.has(pikkuFuncId),
    // The same in the words of core 0.12.21 to 0.12.40.
    ...(QUEUED.has(pikkuFuncId) && { inline: false }),
  });
  const all = functions(effects);
  for (const [name, func] of Object.entries({ ...all, queuedFlaky: all.flaky })) {
    pikkuState(null, 'function', 'meta')[name] = meta(name);
    pikkuState(null, 'rpc', 'meta')[name] = name;
    addFunction(name, { func });
  }
  const workflows = pikkuState(null, 'workflows', 'meta');
  for (const [name, func] of Object.entries(sequences(effects))) {
    pikkuState(null, 'function', 'meta')[name] = meta(name);
    workflows[name] = { name, pikkuFuncId: name, source: 'dsl', graphHash: `hash of ${name}`, deterministic: true };
    addWorkflow(name, { func });
  }
  for (const [name, nodes] of Object.entries(GRAPHS)) {
    workflows[name] = {
      name,
      pikkuFuncId: name,
      source: 'graph',
      graphHash: `hash of ${name}`,
      nodes,
      entryNodeIds: ['a'],
    };
  }
}

/**
 * The conformance suite that `@pikku/core` publishes for storage backends, on a store of ours or on the original.
 * Run by Node's own test runner, which the suite is written for. Arguments: store, URL of an empty server.
 */
import { after } from 'node:test';

import { LATEST, Packages } from './packages.mjs';

const [store, url] = /** @type {['ferrodis' | 'original', string]} */ (process.argv.slice(2));
const packages = new Packages(LATEST);
const { defineServiceTests } = await packages.import('@pikku/core/testing');
const redis = await packages.store(store);
const { Redis } = await packages.import('ioredis');

/** What the suite leaves open. */
const client = new Redis(url);
/** @type {any[]} */
const opened = [client];
const open = (/** @type {any} */ service) => {
  opened.push(service);
  return service;
};

after(async () => {
  for (const service of opened) await (service === client ? client.quit() : service.close?.());
});

defineServiceTests({
  name: store,
  services: {
    workflowService: async () => open(new redis.RedisWorkflowService(url, 'workflows', { wireQueues: false })),
    workflowRunService: async () => open(new redis.RedisWorkflowRunService(client)),
    channelStore: async () => open(new redis.RedisChannelStore(url)),
    eventHubStore: async () => open(new redis.RedisEventHubStore(url)),
    sessionStore: async () => open(new redis.RedisSessionStore(url)),
    deploymentService: async () => new redis.RedisDeploymentService({}, url),
    secretService: async (/** @type {object} */ config) => open(new redis.RedisSecretService(url, config)),
    agentRunService: async () => open(new redis.RedisAgentRunService(client)),
  },
});

/**
 * `ferrodis/pikku`: the Redis services of pikku. Every export of `@pikku/redis` is here under its own name.
 *
 * @module
 */

export type * from './types.js';
export {
  type AgentMessage,
  type AgentRunRow,
  type AgentRunService,
  type AgentThread,
  RedisAgentRunService,
} from './agent-run-service.js';
export { RedisChannelStore } from './channel-store.js';
export { RedisDeploymentService } from './deployment-service.js';
export { RedisEventHubStore } from './event-hub-store.js';
export { RedisSecretService, type RedisSecretServiceConfig } from './secret-service.js';
export type { QueueService } from './arguments.js';
export type { RedisWorkflowOptions } from './options.js';
export { RedisWorkflowService } from './workflow-service.js';
export { RedisSessionStore } from './session-store.js';
export { RedisWorkflowRunService, type WorkflowRunService } from './workflow-run-service.js';

import type { AgentRunService } from '@pikku/core/agent';
import type { EventHubStore } from '@pikku/core/channel';
import type { DeploymentService, SecretService, SessionStore } from '@pikku/core/services';
import type { WorkflowRunService } from '@pikku/core/workflow';
import {
  RedisAgentRunService,
  RedisDeploymentService,
  RedisEventHubStore,
  RedisSecretService,
  RedisSessionStore,
  RedisWorkflowRunService,
} from 'ferrodis/pikku';
import { expect, it } from 'vitest';

it('services are what the host takes, also for the compiler', async () => {
  const secrets: SecretService = new RedisSecretService(undefined, { key: 'k' });
  const sessions: SessionStore = new RedisSessionStore(undefined);
  const topics: EventHubStore<Record<string, unknown>> = new RedisEventHubStore(undefined);
  const deployments: DeploymentService = new RedisDeploymentService({}, undefined);
  const runs: WorkflowRunService = new RedisWorkflowRunService(undefined);
  const agents: AgentRunService = new RedisAgentRunService(undefined);
  // None of them has opened a socket: there may be nobody at localhost:6379.
  for (const service of [secrets, sessions, topics, deployments, runs, agents]) expect(service).toBeTypeOf('object');
});

/** Runs on every runtime, without the host's package: the services beside the workflow service, and their exit. */
import assert from 'node:assert/strict';
import {
  RedisChannelStore,
  RedisDeploymentService,
  RedisEventHubStore,
  RedisSecretService,
  RedisSessionStore,
  RedisWorkflowRunService,
} from 'ferrodis/pikku';
import { startRedis } from 'ferrodis/testing';

const redis = await startRedis();
const { url } = redis;

const sessions = new RedisSessionStore(url, 'app', 60);
await sessions.set('ada', { userId: 'naïve ✓' });
assert.deepEqual(await sessions.get('ada'), { userId: 'naïve ✓' });

const topics = new RedisEventHubStore(url, 'app');
assert.equal(await topics.subscribe('news', 'c1'), true);
assert.deepEqual(await topics.getChannelIdsForTopic('news'), ['c1']);

const secrets = new RedisSecretService(url, { key: 'first', keyPrefix: 'app' });
await secrets.setSecret('a', { b: 1 });
const rotated = new RedisSecretService(url, { key: 'second', keyVersion: 2, previousKey: 'first', keyPrefix: 'app' });
assert.equal(await rotated.rotateKEK(), 1);
assert.deepEqual(await rotated.getSecret('a'), { b: 1 });
await assert.rejects(rotated.getSecret('none'), { message: 'Requested secret not found' });

const deployments = new RedisDeploymentService({ heartbeatInterval: 10 }, url, 'app');
await deployments.start({ deploymentId: 'one', endpoint: 'http://one' });
await deployments.start({ deploymentId: 'one', endpoint: 'http://one', functions: ['f'] });
assert.deepEqual(await deployments.findFunction('f'), [{ deploymentId: 'one', endpoint: 'http://one' }]);

assert.deepEqual(await new RedisWorkflowRunService(url).listRuns(), []);

// What extends a class of the host says what is missing.
assert.throws(() => new RedisChannelStore(url), /@pikku\/core is not installed/);

// The services are open, and do not keep the program alive.
await deployments.stop();
await redis.stop();

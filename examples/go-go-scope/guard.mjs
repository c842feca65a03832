/** A task that only one process does at a time, that goes on where the last one stopped, and whose circuit opens. */
import { RedisAdapter } from 'ferrodis/go-go-scope';
import { startRedis } from 'ferrodis/testing';
import { Redis } from 'ioredis5';

const server = await startRedis();
const redis = new Redis(server.url);
const adapter = new RedisAdapter(redis, { keyPrefix: 'app:', renewLocks: true, fencing: true, circuitEvents: true });

const lock = await adapter.acquire('report', 10_000, 'worker 1');
console.log('held with number', lock?.fence, '· a second holder gets', await adapter.acquire('report', 10_000));

for (const sequence of [1, 2, 3]) {
  const id = `report-${Date.now()}-${sequence}`;
  await adapter.save({
    id,
    taskId: 'report',
    sequence,
    timestamp: Date.now(),
    progress: sequence / 3,
    data: { sequence },
  });
  await adapter.cleanup('report', 2);
}
console.log('goes on after', (await adapter.loadLatest('report'))?.data);

const changes = [];
const end = adapter.subscribe?.('mailer', (state) => changes.push(state.state));
while ((await redis.pubsub('NUMSUB', 'app:circuit:mailer'))[1] === 0)
  await new Promise((resolve) => setTimeout(resolve, 5));
await Promise.all(Array.from({ length: 5 }, () => adapter.recordFailure('mailer', 5)));
while (changes.length < 5) await new Promise((resolve) => setTimeout(resolve, 5));
console.log('the circuit is', (await adapter.getState('mailer'))?.state, 'after', changes.length, 'changes');

end?.();
await lock?.release();
await adapter.deleteAll('report');
await adapter.disconnect();
await server.stop();

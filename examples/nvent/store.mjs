/** A run of a flow as nvent's host records it, with the store on its own: in Nuxt, the module makes it. */
import { RedisStoreAdapter } from 'ferrodis/nvent/native';
import { startRedis } from 'ferrodis/testing';

const redis = await startRedis();
const store = new RedisStoreAdapter({ connection: { url: redis.url }, streams: { trim: { maxLen: 10_000 } } });
const { stream, index, kv } = store;

const run = { runId: 'r1', flowName: 'mail' };
const events = 'nvent:flow:run:r1';
await index.add('nvent:flows', 'mail', Date.now(), { version: 1, name: 'mail', stats: { total: 0, running: 0 } });
await stream.append(events, { type: 'flow.start', ...run, data: { to: 'world' } });
await index.increment('nvent:flows', 'mail', 'stats.total');
await stream.append(events, { type: 'step.completed', ...run, stepName: 'send' });
await index.updateWithRetry('nvent:flows', 'mail', { lastRunAt: Date.now() });
await kv.set('nq:flow:r1:attempts', 1, 3600);

for (const { type, stepName, data } of await stream.read(events)) console.log(type, stepName ?? '', data ?? '');
const [flow] = await index.read('nvent:flows', { filter: { name: 'mail' } });
console.log(flow?.id, flow?.metadata);
console.log('attempts:', await kv.get('nq:flow:r1:attempts'));

await store.close();
await redis.stop();

/** Two stores on one server: one publishes what happens to a job, the other hears it. */
import { once, EventEmitter } from 'node:events';
import { hashToJobData, RedisStore } from 'ferrodis/conveyor';
import { startRedis } from 'ferrodis/testing';

const redis = await startRedis();
const worker = new RedisStore({ url: redis.url });
const dashboard = new RedisStore({ url: redis.url });
await Promise.all([worker.connect(), dashboard.connect()]);

const heard = new EventEmitter();
dashboard.subscribe('mail', (event) => heard.emit(event.type, event));
const completion = once(heard, 'job:completed');

const job = hashToJobData({ id: '1', queueName: 'mail', name: 'greet', state: 'waiting', data: '{"to":"world"}' });
const id = await worker.saveJob('mail', job);
await worker.fetchNextJob('mail', 'worker-1', 30_000);
await worker.updateJob('mail', id, { state: 'completed', returnvalue: 'sent', completedAt: new Date() });
await worker.publish({ type: 'job:completed', queueName: 'mail', jobId: id, data: 'sent', timestamp: new Date() });

const [event] = await completion;
console.log(`job ${event.jobId} of queue ${event.queueName}: ${event.data}`);
console.log(await dashboard.getJobCounts('mail'));

await Promise.all([worker.disconnect(), dashboard.disconnect()]);
await redis.stop();

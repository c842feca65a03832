/**
 * A broker between two clients, as `server({ broker })` and `createWork({ pubsub })` use one. Store and cache need
 * `@ayepi/core`, which brings `retry`; a broker does not.
 */
import { redisBroker } from 'ferrodis/ayepi';
import { startRedis } from 'ferrodis/testing';
import { Redis } from 'ioredis5';

const server = await startRedis();
const [here, there] = [new Redis(server.url), new Redis(server.url)];

const sender = redisBroker(here, { channel: 'orders', onError: console.error });
const receiver = redisBroker(there, { channel: 'orders' });

const received = new Promise((resolve) => {
  receiver.subscribe((message) => {
    const event = JSON.parse(message);
    console.log('received', event);
    if (event.state === 'paid') resolve(event);
  });
});
while ((await here.pubsub('NUMSUB', 'orders'))[1] === 0) await new Promise((resolve) => setTimeout(resolve, 5));
await sender.publish(JSON.stringify({ order: 1, state: 'placed' }));
await sender.publish(JSON.stringify({ order: 1, state: 'paid' }));
await received;

await Promise.all([here.quit(), there.quit()]);
await server.stop();

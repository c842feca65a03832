import { RedisStore } from 'ferrodis/conveyor';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';

import { FakeSentinel } from '../support/fake-sentinel.js';
import { newJob } from '../support/job.js';
import { type RawClient, Server } from '../support/server.js';

/** Two masters that live on, so that nothing but the news can move a connection. */
let servers: Server[];
let clients: RawClient[];
let first: FakeSentinel;
let second: FakeSentinel;
let store: RedisStore;

beforeAll(async () => {
  servers = await Promise.all([Server.start(), Server.start()]);
  clients = await Promise.all(servers.map((server) => server.client()));
});

afterAll(async () => {
  for (const client of clients) client.destroy();
  await Promise.all(servers.map((server) => server.stop()));
});

beforeEach(async () => {
  [first, second] = await Promise.all([FakeSentinel.start(port(0)), FakeSentinel.start(port(0))]);
  store = new RedisStore({
    connection: { sentinels: [first.address, second.address], sentinelName: 'orders', clientName: 'mover' },
  });
  await store.connect();
  store.subscribe('q', () => {});
  await expect.poll(() => [first.listeners, second.connections]).toEqual([2, 0]);
  await expect.poll(moved).toEqual([2, 0]);
});

afterEach(async () => {
  await store.disconnect();
  await expect.poll(moved).toEqual([0, 0]);
  await Promise.all([first.stop(), second.stop()]).catch(() => {});
});

const port = (index: number): number => servers[index]!.port;

/** The ids of the store's connections to a server: one for calls, one for events. */
async function ours(index: number): Promise<string[]> {
  const list = String(await clients[index]!.sendCommand(['CLIENT', 'LIST']));
  return list.split('\n').flatMap((line) => (line.includes('name=mover ') ? [/^id=(\d+)/.exec(line)![1]!] : []));
}

const moved = async (): Promise<number[]> => [(await ours(0)).length, (await ours(1)).length];

it('moves calls and events to the new master at once, though the old one lives', async () => {
  first.named = port(1);
  first.tell(`orders 127.0.0.1 ${port(0)} 127.0.0.1 ${port(1)}`);
  await expect.poll(moved).toEqual([0, 2]);
  const id = await store.saveJob('moved', newJob('moved'));
  expect(await clients[1]!.exists(`{conveyor:moved}:job:${id}`)).toBe(1);
});

it('stays where it is when the news is about another master, or about this one', async () => {
  const before = await ours(0);
  first.named = port(1);
  first.tell(`invoices 127.0.0.1 ${port(0)} 127.0.0.1 ${port(1)}`);
  first.tell(`orders 127.0.0.1 ${port(1)} 127.0.0.1 ${port(0)}`);
  first.tell('orders');
  for (let i = 0; i < 20; i += 1) await store.saveJob('stays', newJob('stays'));
  expect(await ours(0)).toEqual(before);
  expect(await ours(1)).toEqual([]);
});

it('asks another sentinel what it missed when the one it listens to is gone', async () => {
  second.named = port(1);
  await first.stop();
  await expect.poll(moved).toEqual([0, 2]);
  await expect.poll(() => second.listeners).toBe(2);
});

it('hears no news any more once it is closed', async () => {
  await store.disconnect();
  await expect.poll(() => first.connections).toBe(0);
  await expect.poll(moved).toEqual([0, 0]);
});

/** One server that keeps a log of what it was told, behind a proxy. */
import { setTimeout as elapse } from 'node:timers/promises';

import { Redis } from 'ioredis5';

import { until } from '../../support/ground.js';
import { Proxy } from '../../support/proxy.js';
import { type RawClient, Server } from '../../support/server.js';
import type { Random } from '../random.js';
import { type Fault, PATIENCE, type World } from '../world.js';

export async function standalone(): Promise<World> {
  const server = await Server.start({ config: { appendonly: 'yes', appendfsync: 'everysec' } });
  const proxy = await Proxy.start({ port: server.port });

  /** One command past the proxy. */
  const tell = async (...command: string[]): Promise<void> => {
    const client = await server.client();
    try {
      await client.sendCommand(command);
    } finally {
      client.destroy();
    }
  };

  /** Resolves when the server has its data, which takes it a while after a start. */
  const loaded = (): Promise<void> =>
    until(
      () =>
        tell('PING').then(
          () => true,
          () => false,
        ),
      PATIENCE,
    );

  /** Breaks the wire for a while. */
  const wire = (
    name: string,
    begin: () => void,
    [least, most]: [number, number],
    more?: Pick<Fault, 'costsNothing'>,
  ): Fault => ({
    name,
    ...more,
    async strike(random) {
      begin();
      await elapse(random.between(least, most));
      proxy.heal();
    },
  });

  const faults: Fault[] = [
    {
      name: 'the server is killed and started again',
      async strike(random) {
        await server.kill();
        await elapse(random.between(0, 500));
        await server.launch();
        await loaded();
      },
    },
    {
      name: 'the server is halted',
      async strike(random) {
        server.signal('SIGSTOP');
        await elapse(random.between(50, 1500));
        server.signal('SIGCONT');
      },
      costsNothing: true,
    },
    { name: 'connections are killed', strike: () => tell('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes') },
    { name: 'subscribers are killed', strike: () => tell('CLIENT', 'KILL', 'TYPE', 'pubsub'), costsNothing: true },
    wire('connections are reset', () => proxy.reset(), [0, 50]),
    wire('connections are half open', () => proxy.freeze(), [0, 50]),
    wire('new connections are refused', () => proxy.refuse(), [50, 1000]),
    wire('nothing gets through', () => proxy.blackhole(), [50, 1500]),
    {
      name: 'replies are lost',
      async strike(random) {
        proxy.blackhole('down');
        await elapse(random.between(5, 100));
        proxy.cut();
        proxy.heal();
      },
    },
    {
      name: 'connections end in the middle of a reply',
      async strike(random: Random) {
        proxy.cutAfter(random.between(1, 5000));
        await elapse(random.between(20, 200));
        proxy.heal();
      },
    },
    wire('replies come byte by byte', () => proxy.fragment(), [100, 500], { costsNothing: true }),
    wire('the way is long', () => proxy.delay(30), [100, 500], { costsNothing: true }),
    { name: 'scripts are forgotten', strike: () => tell('SCRIPT', 'FLUSH', 'SYNC'), costsNothing: true },
    {
      name: 'writes are paused',
      async strike(random) {
        const ms = random.between(100, 1000);
        await tell('CLIENT', 'PAUSE', String(ms), 'WRITE');
        await elapse(ms);
      },
      costsNothing: true,
    },
    {
      name: 'memory runs out',
      async strike(random) {
        await tell('CONFIG', 'SET', 'maxmemory', '1');
        await elapse(random.between(100, 500));
        await tell('CONFIG', 'SET', 'maxmemory', '0');
      },
    },
    {
      name: 'a script does not end',
      async strike(random) {
        const script = `local t = redis.call('TIME'); local e = t[1] * 1000 + t[2] / 1000 + ARGV[1]
          repeat t = redis.call('TIME') until t[1] * 1000 + t[2] / 1000 > e`;
        await tell('CONFIG', 'SET', 'busy-reply-threshold', '100');
        await tell('EVAL', script, '0', String(random.between(100, 800)));
      },
    },
  ];

  return {
    name: 'standalone',
    connection: { url: proxy.url, callTimeout: 5000 },
    faults,
    client() {
      const client = new Redis({ port: proxy.port, host: '127.0.0.1' });
      client.on('error', () => undefined);
      return client;
    },
    raw: (): Promise<RawClient> => server.client(),
    async heal() {
      proxy.heal();
      await loaded();
    },
    async empty() {
      await tell('FLUSHALL');
      // What is loaded at the next start shall be no longer than the next cell.
      await tell('BGREWRITEAOF');
    },
    async stop() {
      await proxy.stop();
      await server.stop();
    },
  };
}

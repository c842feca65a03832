import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startRedis, type RedisServer } from 'ferrodis/testing';
import { Proxy } from './proxy.js';

let redis: RedisServer;
let proxy: Proxy;
let client: Client;

/** A socket that keeps what it hears. */
class Client {
  heard = '';
  chunks = 0;
  closed: 'end' | 'error' | undefined;
  readonly socket: Socket;

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1' });
    this.socket.on('data', (data) => {
      this.heard += data.toString();
      this.chunks++;
    });
    this.socket.on('error', () => (this.closed = 'error'));
    this.socket.on('close', () => (this.closed ??= 'end'));
  }

  /** Sends one inline command. */
  tell(line: string): void {
    this.heard = '';
    this.socket.write(`${line}\r\n`);
  }

  /** Sends one inline command, waits for as much text as is expected, or for the end, and resolves with what came. */
  async ask(line: string, expected = '+PONG\r\n'): Promise<string> {
    this.tell(line);
    while (!this.closed && this.heard.length < expected.length) await sleep(5);
    return this.heard;
  }
}

beforeAll(async () => void (redis = await startRedis()));
afterAll(() => redis.stop());
beforeEach(async () => {
  proxy = await Proxy.start({ port: redis.port });
  client = new Client(proxy.port);
  expect(await client.ask('PING')).toBe('+PONG\r\n');
});
afterEach(async () => {
  client.socket.destroy();
  await proxy.stop();
});

/** A second connection through the same proxy. */
async function freshAnswer(): Promise<string> {
  const fresh = new Client(proxy.port);
  const answer = await fresh.ask('PING');
  fresh.socket.destroy();
  return answer;
}

test('a black hole downwards hides the answer of a command that was executed', async () => {
  proxy.blackhole('down');
  client.tell('SET seen 1');
  await expect.poll(() => proxy.lost).toBe(1);
  expect(client.heard).toBe('');
  proxy.heal();
  expect(await client.ask('GET seen', '$1\r\n1\r\n')).toBe('$1\r\n1\r\n');
});

test('a black hole upwards keeps the command from the server', async () => {
  proxy.blackhole('up');
  client.tell('SET unseen 1');
  await expect.poll(() => proxy.lost).toBe(1);
  proxy.heal();
  expect(await client.ask('EXISTS unseen', ':0\r\n')).toBe(':0\r\n');
});

test('freezing leaves new connections alone', async () => {
  proxy.freeze();
  client.tell('PING');
  await expect.poll(() => proxy.lost).toBe(1);
  expect(await freshAnswer()).toBe('+PONG\r\n');
  expect([client.heard, client.closed]).toEqual(['', undefined]);
});

test('cutting ends old connections, and new ones work', async () => {
  proxy.cut();
  await expect.poll(() => client.closed).toBe('end');
  expect(await freshAnswer()).toBe('+PONG\r\n');
});

test('a reset is an error, not an end', async () => {
  proxy.reset();
  await expect.poll(() => client.closed).toBe('error');
});

test('cutting after some bytes delivers exactly those', async () => {
  proxy.cutAfter(3);
  expect(await client.ask('PING')).toBe('+PO');
  await expect.poll(() => client.closed).toBe('end');
  expect(await freshAnswer()).toBe('+PONG\r\n');
});

test('a delay holds bytes up in both directions', async () => {
  proxy.delay(40);
  const before = performance.now();
  expect(await client.ask('PING')).toBe('+PONG\r\n');
  expect(performance.now() - before).toBeGreaterThan(75);
});

test('fragments arrive whole', async () => {
  proxy.fragment();
  expect(await client.ask('ECHO fragments', '$9\r\nfragments\r\n')).toBe('$9\r\nfragments\r\n');
});

test('refusing turns new connections away until healed', async () => {
  proxy.refuse();
  expect(await freshAnswer()).toBe('');
  proxy.heal();
  expect(await freshAnswer()).toBe('+PONG\r\n');
});

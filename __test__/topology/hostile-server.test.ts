import { RedisStore } from 'ferrodis/conveyor';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { type Body, HostileServer } from '../support/hostile-server.js';

const MIB = 1 << 20;
let server: HostileServer;
let store: RedisStore;
let rss: number;

beforeAll(async () => {
  server = await HostileServer.start();
  rss = process.memoryUsage.rss();
});

beforeEach(async () => {
  store = new RedisStore({ url: server.url, connection: { callTimeout: 1500, bulkTimeout: 1500 } });
  await store.connect();
});

afterEach(async () => {
  server.body = Buffer.from('*-1\r\n');
  await store.disconnect();
});

afterAll(() => server.stop());

const raw = (text: string): Buffer => Buffer.from(text, 'latin1');
const nested = (depth: number): Buffer => raw('*1\r\n'.repeat(depth));

const bodies: Array<[string, Body]> = [
  ['an unknown type', raw('@oops\r\n')],
  ['a NUL byte', raw('\0\0\0\0')],
  ['HTTP', raw('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')],
  ['a TLS alert', raw('\x15\x03\x01\x00\x02\x02\x46')],
  ['only line feeds', raw(':1\n:2\n:3\n')],
  ['a carriage return without a line feed', raw('+OK\rX')],
  ['an empty line', raw('\r\n\r\n')],
  ['an integer that is no number', raw(':abc\r\n')],
  ['an integer that is too large', raw(`:${'9'.repeat(40)}\r\n`)],
  ['an empty integer', raw(':\r\n')],
  ['a huge text length', raw('$9223372036854775807\r\nx')],
  ['a text length beyond any integer', raw(`$${'9'.repeat(30)}\r\n`)],
  ['a text length of a terabyte', raw('$1099511627776\r\n')],
  ['a negative text length', raw('$-5\r\n')],
  ['a text length that is no number', raw('$x\r\n')],
  ['a text without its end', raw('$3\r\nabcde\r\n')],
  ['a huge list length', raw('*9223372036854775807\r\n')],
  ['a list length of a billion', raw('*1000000000\r\n$1\r\na\r\n')],
  ['a negative list length', raw('*-7\r\n')],
  ['a list length that is no number', raw('*many\r\n')],
  ['a list nested ten thousand deep', nested(10_000)],
  ['a list nested a hundred thousand deep', nested(100_000)],
  ['maps nested deep', raw('%1\r\n+a\r\n'.repeat(20_000))],
  ['a huge map', raw('%4611686018427387904\r\n')],
  ['a list shorter than promised', raw('*28\r\n$1\r\na\r\n')],
  ['a list of wrong length', raw('*2\r\n$1\r\na\r\n$1\r\nb\r\n')],
  ['an integer for a list', raw(':1\r\n')],
  ['a status for a list', raw('+OK\r\n')],
  ['a text for a list', raw('$5\r\nhello\r\n')],
  ['invalid UTF-8', raw(`*28\r\n$2\r\n\xff\xfe\r\n${'$-1\r\n'.repeat(27)}`)],
  ['more answers than questions', raw('*-1\r\n'.repeat(50))],
  ['a message nobody asked for', raw('>3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$1\r\ny\r\n*-1\r\n')],
  ['an attribute', raw('|1\r\n+a\r\n+b\r\n*-1\r\n')],
  ['a double', raw(',nonsense\r\n')],
  ['a boolean that is none', raw('#x\r\n')],
  ['a streamed text', raw('$?\r\n;4\r\nabcd\r\n;0\r\n')],
  ['an error without words', raw('-\r\n')],
  ['an error of a megabyte', raw(`-ERR ${'x'.repeat(MIB)}\r\n`)],
  ['a redirection to nowhere', raw('-MOVED __proto__ constructor\r\n')],
  ['an error full of control characters', raw('-ERR \u001b[31m\0\u0007\r\n')],
  [
    'an endless line',
    (socket) => {
      const chunk = Buffer.alloc(MIB, 'x');
      socket.write('+');
      for (let i = 0; i < 80; i += 1) socket.write(chunk);
    },
  ],
  ['nothing and a closed connection', (socket) => socket.destroy()],
  ['half an answer and a closed connection', (socket) => void socket.end('*28\r\n$5\r\nhe')],
  [
    'one byte every fifty milliseconds',
    (socket) => {
      const text = '$100\r\nslow';
      let at = 0;
      const timer = setInterval(() => {
        if (socket.destroyed || at === text.length) clearInterval(timer);
        else socket.write(text[at++] ?? '');
      }, 50);
    },
  ],
  ['nothing at all', () => {}],
];

describe('a server that answers with', () => {
  it.each(bodies)('%s leaves the call settled in time', async (_name, body) => {
    server.body = body;
    const begun = Date.now();
    const [outcome] = await Promise.allSettled([store.getJob('q', 'i')]);
    expect(Date.now() - begun).toBeLessThan(10_000);
    if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(Error);
    else expect(outcome.value).toBeNull();
  });

  it('garbage is forgiven once it answers properly again', async () => {
    server.body = raw('@oops\r\n');
    await store.getJob('q', 'i').catch(() => {});
    server.body = raw('*-1\r\n');
    await expect.poll(() => store.getJob('q', 'i').catch((error: unknown) => error)).toBeNull();
  });

  it('all of that has not made the process grow', () => {
    expect(process.memoryUsage.rss() - rss).toBeLessThan(200 * MIB);
  });
});

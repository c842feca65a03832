/** Asking a server who it is, over a plain socket: testing must not depend on the client under test. */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { RedisServer } from '../testing.js';

/** Where and how to connect for a probe. */
export interface Target {
  host: string;
  port: number;
  username?: string;
  password?: string;
  /** PEM, to speak TLS. An empty object trusts the usual authorities. */
  tls?: { ca?: string; cert?: string; key?: string } | undefined;
}

/** Longest wait for one probe, in milliseconds. */
const PATIENCE = 2_000;

const command = (...words: string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;

/** Sends `INFO server` and resolves with its text. Rejects when the server is not there, not ready, or refuses. */
export function serverInfo({ host, port, username = 'default', password, tls }: Target): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: Socket = tls
      ? connectTls({ host, port, servername: 'localhost', ...tls })
      : connectTcp({ host, port });
    let answer = '';
    const settle = (error: Error | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      if (error) reject(error);
      else resolve(answer);
    };
    const timer = setTimeout(() => settle(new Error(`${host}:${port} did not answer`)), PATIENCE);
    socket.on(tls ? 'secureConnect' : 'connect', () => {
      if (password) socket.write(command('AUTH', username, password));
      socket.write(command('INFO', 'server'));
    });
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString();
      const refusal = /^-.*/m.exec(answer);
      if (refusal) settle(new Error(refusal[0]));
      // The last field of the section that every version has.
      else if (/^config_file:.*\r\n/m.test(answer)) settle(undefined);
    });
    socket.on('error', settle);
    socket.on('close', () => settle(new Error(`${host}:${port} closed the connection`)));
  });
}

/** Kind and version from the text of `INFO server`. Valkey also reports the Redis version it is compatible with. */
export function identify(info: string): { kind: 'redis' | 'valkey'; version: string } {
  const valkey = /^valkey_version:(\S+)/m.exec(info)?.[1];
  if (valkey) return { kind: 'valkey', version: valkey };
  return { kind: 'redis', version: /^redis_version:(\S+)/m.exec(info)?.[1] ?? 'unknown' };
}

/** The process from the text of `INFO server`. */
export function processOf(info: string): number {
  return Number(/^process_id:(\d+)/m.exec(info)?.[1]);
}

/** A server that is running already, as a {@link RedisServer} whose `stop()` leaves it alone. */
export async function externalServer(url: string): Promise<RedisServer> {
  const { protocol, hostname, port, username, password } = new URL(url);
  const target: Target = {
    host: hostname || '127.0.0.1',
    port: Number(port || 6379),
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
    tls: protocol === 'rediss:' || protocol === 'valkeys:' ? {} : undefined,
  };
  const leaveAlone = async (): Promise<void> => {};
  return {
    url,
    host: target.host,
    port: target.port,
    path: undefined,
    pid: undefined,
    tls: undefined,
    ...identify(await serverInfo(target)),
    stop: leaveAlone,
    [Symbol.asyncDispose]: leaveAlone,
  };
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { findServer } from 'ferrodis/testing';
import { createClient } from 'redis6';

const rawClient = (url: string) => createClient({ url });
/** A raw client the tests read and write Redis with. */
export type RawClient = ReturnType<typeof rawClient>;

export interface ServerOptions {
  /** Extra configuration, one argument list per directive: `[['maxclients', '10']]`. */
  config?: string[][];
  /** Keep an append-only file, so that a restart finds the data again. */
  persistent?: boolean;
}

/** A port of the loopback interface that nobody listens on. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

/** A Redis server of one test file: its own port, its own directory, stopped with the file. */
export class Server {
  readonly port: number;
  readonly dir: string;
  readonly socket: string;
  readonly #config: string[][];
  #process: ChildProcess | null = null;

  private constructor(port: number, dir: string, options: ServerOptions) {
    this.port = port;
    this.dir = dir;
    this.socket = join(dir, 'redis.sock');
    this.#config = [
      ['bind', '127.0.0.1'],
      ['dir', dir],
      ['unixsocket', this.socket],
      ['save', ''],
      ['appendonly', options.persistent === true ? 'yes' : 'no'],
      ['enable-debug-command', 'local'],
      ...(options.config?.some(([name]) => name === 'port') ? [] : [['port', String(port)]]),
      ...(options.config ?? []),
    ];
  }

  static async start(options: ServerOptions = {}): Promise<Server> {
    const dir = await mkdtemp(join(tmpdir(), 'ferrodis-test-'));
    const server = new Server(await freePort(), dir, options);
    await server.launch();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Starts the process and resolves once the server answers. */
  async launch(): Promise<void> {
    const binary = findServer() ?? 'redis-server';
    const args = this.#config.flatMap(([name, ...values]) => [`--${name}`, ...values]);
    const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = child;
    await new Promise<void>((resolve, reject) => {
      let log = '';
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`redis-server ended (${code}):\n${log}`)));
      child.stdout.on('data', (chunk: Buffer) => {
        log = (log + chunk.toString()).slice(-4096);
        if (log.includes('Ready to accept connections')) resolve();
      });
    });
    child.stdout.resume();
  }

  /** Ends the process at once, as a crash or a power cut of the machine would. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Stops (`SIGSTOP`) or wakes (`SIGCONT`) the process. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(name);
  }

  /** Ends the process and removes its directory. */
  async stop(): Promise<void> {
    await this.kill();
    await rm(this.dir, { recursive: true, force: true });
  }

  /** A connected raw client; the caller closes it. */
  async client(url: string = this.url): Promise<RawClient> {
    const client = rawClient(url);
    client.on('error', () => {});
    await client.connect();
    return client;
  }
}

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server as Listener } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type RedisServer, startRedis, type StartRedisOptions } from 'ferrodis/testing';
import { createClient } from 'redis6';

/** A raw client the tests read and write Redis with. */
export type RawClient = ReturnType<typeof rawClient>;

function rawClient(url: string) {
  return createClient({ url }).on('error', () => {});
}

/** Listens, or says why that cannot be. */
function listen(port: number, host: string): Promise<Listener | string> {
  const listener = createServer();
  return new Promise((resolve) => {
    listener.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    listener.listen(port, host, () => resolve(listener));
  });
}

/**
 * A port of the loopback interface that nobody listens on, and that nobody takes before a server does, or while it is
 * down: it lies below the range that the system hands out, and is this process's for as long as it listens on the same
 * port of another loopback address. Where there is no such address, chance has to do.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const claim = await listen(port, '127.0.0.2');
    if (claim === 'EADDRINUSE') continue;
    if (typeof claim !== 'string') claim.unref();
    const probe = await listen(port, '127.0.0.1');
    if (typeof probe === 'string') continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
}

/** Options of a server that is a node of a cluster. */
export async function clusterNode(options: StartRedisOptions = {}): Promise<StartRedisOptions> {
  const config = {
    'cluster-enabled': 'yes',
    'cluster-node-timeout': '1500',
    // Otherwise 10000 above the port, which may be past the last one.
    'cluster-port': String(await freePort()),
    ...options.config,
  };
  return { ...options, config };
}

/** The Redis server of one test file: it can be killed, and started again on the same port with the same files. */
export class Server {
  readonly port: number;
  readonly dir: string;
  readonly #options: StartRedisOptions;
  #running: RedisServer | null = null;

  private constructor(port: number, dir: string, options: StartRedisOptions) {
    this.port = port;
    this.dir = dir;
    const config = { dir, ...options.config };
    this.#options = { ...options, port, config };
  }

  static async start(options: StartRedisOptions = {}): Promise<Server> {
    const dir = await mkdtemp(join(tmpdir(), 'ferrodis-test-'));
    const server = new Server(await freePort(), dir, options);
    await server.launch();
    return server;
  }

  /** What `startRedis()` says of the running server. */
  get running(): RedisServer {
    if (this.#running === null) throw new Error('the server is not running');
    return this.#running;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts the process and resolves once the server answers. */
  async launch(): Promise<void> {
    this.#running = await startRedis(this.#options);
  }

  /** Sends the process a signal: `SIGSTOP` freezes it, `SIGCONT` wakes it. */
  signal(name: NodeJS.Signals): void {
    process.kill(this.running.pid ?? 0, name);
  }

  /** Ends the process at once, as a crash would; `launch()` starts it again. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.running.stop();
    this.#running = null;
  }

  /** Ends the process and removes its files. */
  async stop(): Promise<void> {
    await this.#running?.stop();
    await rm(this.dir, { recursive: true, force: true, maxRetries: 10 });
  }

  /** A connected raw client; the caller closes it. */
  async client(url: string = this.url): Promise<RawClient> {
    const client = rawClient(url);
    await client.connect();
    return client;
  }
}

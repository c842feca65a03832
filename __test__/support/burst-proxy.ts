import { once } from 'node:events';
import { connect, createServer, type Server as NetServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** What a connection sends of itself, to hear whether the server lives. */
const HEARTBEAT = Buffer.from('*1\r\n$4\r\nPING\r\n');

/**
 * A TCP proxy that counts round trips: everything a client sends before the server's next answer is one burst,
 * however many commands it holds. Commands that share a flight therefore count once, and heartbeats not at all.
 */
export class BurstProxy {
  #bursts = 0;
  readonly #server: NetServer;
  readonly #sockets = new Set<Socket>();

  readonly #patience: number;

  private constructor(server: NetServer, patience: number) {
    this.#server = server;
    this.#patience = patience;
  }

  /**
   * @param patience ms that the client must have been silent before it gets an answer: for requests so large that the
   *   server answers their beginning before their end is sent
   */
  static async start(target: number, patience = 0): Promise<BurstProxy> {
    const server = createServer();
    const proxy = new BurstProxy(server, patience);
    server.on('connection', (client) => proxy.#join(client, connect(target, '127.0.0.1')));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How many round trips `work` takes. */
  async count(work: () => Promise<unknown>): Promise<number> {
    const before = this.#bursts;
    await work();
    return this.#bursts - before;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket, server: Socket): void {
    let asking = false;
    let asked = 0;
    const answers: Buffer[] = [];
    const answer = (): void => {
      const wait = this.#patience - (performance.now() - asked);
      if (wait > 0) {
        setTimeout(answer, wait);
        return;
      }
      asking = false;
      for (const chunk of answers.splice(0)) client.write(chunk);
    };
    client.on('data', (chunk: Buffer) => {
      const counts = !chunk.equals(HEARTBEAT);
      if (counts && !asking) this.#bursts += 1;
      asking ||= counts;
      asked = performance.now();
      server.write(chunk);
    });
    server.on('data', (chunk: Buffer) => {
      answers.push(chunk);
      if (answers.length === 1) answer();
    });
    for (const [socket, peer] of [
      [client, server],
      [server, client],
    ]) {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        peer.destroy();
      });
    }
  }
}

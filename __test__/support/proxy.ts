import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

/** What a proxy does with bytes that travel in one direction. */
type Direction = 'up' | 'down';

/**
 * A TCP proxy on the loopback interface that breaks connections on demand. "Up" is from the client to the server.
 *
 * @example
 * ```ts
 * await using proxy = await Proxy.start({ port: redis.port });
 * proxy.blackhole('down'); // the server executes, the client hears nothing
 * proxy.heal();
 * ```
 */
export class Proxy implements AsyncDisposable {
  readonly #listener: Server;
  readonly #target: { host: string; port: number };
  readonly #pairs = new Set<Pair>();
  readonly #swallowed = new Set<Direction>();
  #delay = 0;
  #fragments = false;
  #refusing = false;
  #lost = 0;
  /** Bytes the server may still send before everything is cut; undefined while no cut is due. */
  #allowance: number | undefined;
  #ending: 'end' | 'reset' = 'end';
  #holdAfter: number | undefined;

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
    // Half-open connections pass through as such; only both ends together close a pair.
    this.#listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
  }

  /** Listens on a free port, or on `listen`, and connects on to `port`. */
  static async start(options: { port: number; host?: string; listen?: number }): Promise<Proxy> {
    const proxy = new Proxy({ host: options.host ?? '127.0.0.1', port: options.port });
    await new Promise<void>((resolve, reject) => {
      proxy.#listener.once('error', reject);
      proxy.#listener.listen(options.listen ?? 0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** How many pieces were swallowed so far. */
  get lost(): number {
    return this.#lost;
  }

  /** Swallows all bytes of one direction, or of both, on old and new connections. Nothing is closed. */
  blackhole(direction: Direction | 'both' = 'both'): void {
    if (direction !== 'down') this.#swallowed.add('up');
    if (direction !== 'up') this.#swallowed.add('down');
  }

  /** Swallows all bytes of the connections that are open now, for ever; new ones work. */
  freeze(): void {
    for (const pair of this.#pairs) pair.frozen = true;
  }

  /** Closes all connections in an orderly way; new ones work. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  /** Resets all connections (RST); new ones work. */
  reset(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server.destroy();
    }
  }

  /**
   * Lets `bytes` more bytes through to the clients, counted over all connections, and then ends all connections once: in
   * order, or with a reset at their heels.
   */
  cutAfter(bytes: number, how: 'end' | 'reset' = 'end'): void {
    this.#allowance = bytes;
    this.#ending = how;
  }

  /**
   * Lets `bytes` more bytes through to the clients, and keeps back what follows for the client that got the last of them.
   * {@link heal} lets it go.
   */
  holdAfter(bytes: number): void {
    this.#holdAfter = bytes;
  }

  /** Whether something is kept back. */
  get isHolding(): boolean {
    return [...this.#pairs].some((pair) => pair.held !== undefined);
  }

  /** Delays every chunk in both directions by `ms`. */
  delay(ms: number): void {
    this.#delay = ms;
  }

  /** Writes byte by byte to the clients. */
  fragment(): void {
    this.#fragments = true;
  }

  /** Closes all connections, and every new one as soon as it is accepted. */
  refuse(): void {
    this.#refusing = true;
    this.cut();
  }

  /** Takes back every fault. Bytes swallowed before stay lost, and frozen connections frozen. */
  heal(): void {
    this.#swallowed.clear();
    this.#delay = 0;
    this.#fragments = false;
    this.#refusing = false;
    this.#allowance = undefined;
    this.#holdAfter = undefined;
    for (const pair of this.#pairs) {
      for (const chunk of pair.held ?? []) pair.client.write(chunk);
      pair.held = undefined;
    }
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#listener.close(() => resolve()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #accept(client: Socket): void {
    if (this.#refusing) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
    const pair: Pair = { client, server, frozen: false, held: undefined };
    this.#pairs.add(pair);
    this.#pump(pair, 'up', client, server);
    this.#pump(pair, 'down', server, client);
    for (const socket of [client, server]) {
      socket.on('error', () => {}); // 'close' follows
      socket.on('close', () => {
        this.#pairs.delete(pair);
        client.destroy();
        server.destroy();
      });
    }
  }

  #pump(pair: Pair, direction: Direction, from: Socket, to: Socket): void {
    // What was delayed comes before what follows it, though that be delayed no more.
    const delayed: Array<() => void> = [];
    const later = (work: () => void): void => {
      if (this.#delay === 0 && delayed.length === 0) {
        work();
        return;
      }
      delayed.push(work);
      setTimeout(() => delayed.shift()?.(), this.#delay);
    };
    from.on('data', (chunk: Buffer) => {
      if (pair.frozen || this.#swallowed.has(direction)) {
        this.#lost++;
        return;
      }
      later(() => {
        if (to.destroyed) return;
        if (direction === 'up') to.write(chunk);
        else this.#deliver(pair, chunk);
      });
    });
    from.on('end', () => {
      if (!pair.frozen && !this.#swallowed.has(direction)) later(() => to.end());
    });
  }

  #deliver(pair: Pair, chunk: Buffer): void {
    const { client } = pair;
    if (pair.held !== undefined) {
      pair.held.push(chunk);
      return;
    }
    if (this.#holdAfter !== undefined) {
      client.write(chunk.subarray(0, this.#holdAfter));
      if (chunk.length < this.#holdAfter) {
        this.#holdAfter -= chunk.length;
        return;
      }
      pair.held = [chunk.subarray(this.#holdAfter)];
      this.#holdAfter = undefined;
      return;
    }
    const allowed = this.#allowance === undefined ? chunk : chunk.subarray(0, this.#allowance);
    if (this.#fragments) for (const byte of allowed) client.write(Buffer.of(byte));
    else client.write(allowed);
    if (this.#allowance === undefined) return;
    this.#allowance -= allowed.length;
    if (this.#allowance > 0) return;
    this.#allowance = undefined;
    if (this.#ending === 'reset') {
      this.reset();
      return;
    }
    // What was allowed has to arrive: each client gets an orderly end, and the server's side goes with it.
    for (const each of this.#pairs) {
      each.frozen = true;
      each.client.end(() => each.client.destroy());
    }
  }
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  frozen: boolean;
  /** What is kept back from the client, while something is. */
  held: Buffer[] | undefined;
}

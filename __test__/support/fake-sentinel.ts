import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** A sentinel of the test's making: it names the server it is told to, right or wrong, and tells the news it is given. */
export class FakeSentinel {
  /** The port on the loopback interface that it names, whatever the name of the master. */
  named: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #listening = new Set<Socket>();

  private constructor(server: Server, named: number) {
    this.#server = server;
    this.named = named;
    server.on('connection', (socket) => this.#serve(socket));
  }

  static async start(named: number): Promise<FakeSentinel> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FakeSentinel(server, named);
  }

  get address(): { host: string; port: number } {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }

  /** How many connections there are. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** How many of them listen for news. */
  get listeners(): number {
    return this.#listening.size;
  }

  /** Publishes on `+switch-master`. */
  tell(message: string): void {
    for (const socket of this.#listening) socket.write(array('message', '+switch-master', message));
  }

  /** Ends, with all its connections. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#listening.delete(socket);
    });
    socket.on('error', () => {});
    socket.on('data', (request) => {
      for (const [name] of request.toString('latin1').matchAll(/HELLO|PING|SENTINEL|SUBSCRIBE/g)) {
        if (name === 'HELLO') socket.write(`${array('server', 'redis', 'proto').replace('*3', '*4')}:2\r\n`);
        else if (name === 'PING') socket.write('+PONG\r\n');
        else if (name === 'SENTINEL') socket.write(array('127.0.0.1', String(this.named)));
        else {
          this.#listening.add(socket);
          socket.write(`${array('subscribe', '+switch-master').replace('*2', '*3')}:1\r\n`);
        }
      }
    });
  }
}

function array(...texts: readonly string[]): string {
  return `*${texts.length}\r\n${texts.map((text) => `$${text.length}\r\n${text}\r\n`).join('')}`;
}

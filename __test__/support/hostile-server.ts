import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

const HANDSHAKE = /^(hello|auth|select|client|ping|set|subscribe|evalsha|eval|script|info|config|command)$/i;

/** The command names of a request, read as loosely as a test needs. */
function names(request: Buffer): string[] {
  const lines = request.toString('latin1').split('\r\n');
  return lines.flatMap((line, at) => (line.startsWith('*') ? [lines[at + 2] ?? ''] : []));
}

/** How the server answers a command once the handshake is over: bytes, or something it does with the socket. */
export type Body = Buffer | ((socket: Socket) => void);

/** A server that shakes hands as Redis does and answers every `HMGET` with a body of the test's making. */
export class HostileServer {
  body: Body = Buffer.from('+OK\r\n');
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => this.#serve(socket));
  }

  static async start(): Promise<HostileServer> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new HostileServer(server);
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (request: Buffer) => {
      for (const name of names(request)) {
        if (/^subscribe$/i.test(name)) socket.write('*3\r\n$9\r\nsubscribe\r\n$15\r\nconveyor:events\r\n:1\r\n');
        else if (/^hello$/i.test(name)) socket.write('-ERR unknown command\r\n');
        else if (/^ping$/i.test(name)) socket.write('+PONG\r\n');
        else if (HANDSHAKE.test(name)) socket.write('+OK\r\n');
        else if (typeof this.body === 'function') this.body(socket);
        else socket.write(this.body);
      }
    });
  }
}

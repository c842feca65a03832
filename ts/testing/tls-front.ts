/** TLS for a server program that was built without it: ends the encryption here and passes the bytes on. */
import { connect, type Socket } from 'node:net';
import { createServer } from 'node:tls';
import type { TestCertificates } from '../testing.js';
import { testAuthority } from './certificate.js';

/** A listener that speaks TLS before a server that does not. */
export interface TlsFront {
  readonly port: number;
  readonly certificates: TestCertificates;
  close(): void;
}

/**
 * Listens on the loopback interface and passes on to `behind`. Like the server, it does not keep this process alive.
 *
 * @param port 0 for any free one
 * @param clientAuth whether a client certificate is demanded
 */
export async function openTlsFront(
  port: number,
  clientAuth: boolean,
  behind: { host: string; port: number },
): Promise<TlsFront> {
  const authority = testAuthority();
  const own = authority.issue('localhost');
  const client = authority.issue('client');
  const open = new Set<Socket>();
  const hold = (socket: Socket, other: Socket): void => {
    socket.unref();
    open.add(socket);
    socket.on('error', () => other.destroy());
    socket.on('close', () => {
      open.delete(socket);
      other.destroy();
    });
  };
  const front = createServer(
    {
      ca: authority.certificate,
      cert: own.certificate,
      key: own.key,
      requestCert: clientAuth,
      rejectUnauthorized: clientAuth,
    },
    (socket) => {
      const server = connect(behind);
      hold(socket, server);
      hold(server, socket);
      socket.pipe(server).pipe(socket);
    },
  );
  // A refused handshake is the client's to report.
  front.on('tlsClientError', () => undefined);
  front.unref();
  await new Promise<void>((resolve, reject) => {
    front.once('error', reject);
    front.listen(port, behind.host, resolve);
  });
  return {
    port: (front.address() as { port: number }).port,
    certificates: { ca: authority.certificate, cert: client.certificate, key: client.key },
    close: () => {
      front.close();
      for (const socket of open) socket.destroy();
    },
  };
}

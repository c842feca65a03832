import type { RawClient, Server } from './server.js';

/** Commands of a connection's own affairs, which no call of a store stands for. */
const HOUSEKEEPING = new Set(['PING', 'HELLO', 'AUTH', 'CLIENT', 'SELECT', 'INFO', 'SCRIPT', 'COMMAND', 'QUIT']);

/** Watches what clients send to a server. What scripts call does not count: it costs no round trip. */
export class Monitor {
  readonly #admin: RawClient;
  readonly #watcher: RawClient;
  #sent: string[] = [];
  #ignored = '';
  #marks = 0;

  private constructor(admin: RawClient, watcher: RawClient) {
    this.#admin = admin;
    this.#watcher = watcher;
  }

  static async start(server: Server, ignored: RawClient): Promise<Monitor> {
    const monitor = new Monitor(await server.client(), await server.client());
    monitor.#ignored = addressOf(await ignored.sendCommand(['CLIENT', 'INFO']));
    await monitor.#watcher.monitor((line) => monitor.#see(String(line)));
    return monitor;
  }

  #see(line: string): void {
    const [, source, command, rest] = /^\S+ \[\d+ ([^\]]+)\] "([^"]+)"(.*)$/.exec(line) ?? [];
    if (command === undefined || source === 'lua' || source === this.#ignored) return;
    if (!HOUSEKEEPING.has(command.toUpperCase())) this.#sent.push(`${command.toUpperCase()}${rest}`);
  }

  /** The commands sent since the last call, apart from housekeeping and from those of the ignored client. */
  async take(): Promise<string[]> {
    const mark = `mark-${this.#marks++}`;
    await this.#admin.sendCommand(['ECHO', mark]);
    for (;;) {
      const end = this.#sent.findIndex((command) => command.startsWith('ECHO') && command.includes(mark));
      if (end !== -1) return this.#sent.splice(0, end + 1).slice(0, -1);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  async stop(): Promise<void> {
    this.#watcher.destroy();
    this.#admin.destroy();
  }
}

function addressOf(info: unknown): string {
  return /\baddr=(\S+)/.exec(String(info))?.[1] ?? '';
}

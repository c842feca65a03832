import type { Arg, Decode, Listener, ListenOptions } from '../../../ts/client.js';
import type { ConnectionOptions } from '../../../ts/options.js';
import { type Played, replyOf } from './reply.js';

/** One call as it reached the connection. */
export interface SentCall {
  operation: string;
  args: Arg[];
  staged: Arg[];
}

const names: string[] = [];

/** Stands in for the table of operations: any name has a number. */
export function operations(_ecosystem: string): Readonly<Record<string, number>> {
  return new Proxy({} as Record<string, number>, {
    get(_table, name: string) {
      if (!names.includes(name)) names.push(name);
      return names.indexOf(name);
    },
  });
}

/** A connection that answers from a script and writes down what it is asked. */
export class Connection {
  /** The connections opened, newest last. */
  static readonly opened: Connection[] = [];
  /** What `ready()` waits for. */
  static readiness: () => Promise<void> = () => Promise.resolve();

  /** What the next calls are answered with, by operation; an Error rejects. The default answer is 1. */
  readonly answers: Record<string, (Played | Error)[]> = {};
  readonly sent: SentCall[] = [];
  readonly options: ConnectionOptions;
  listening: ListenOptions | null = null;
  closed: { timeoutMs?: number } | null = null;
  listenerClosed = false;
  onFault: ((error: Error) => void) | null = null;
  private staged: Arg[] = [];

  constructor(options: ConnectionOptions) {
    this.options = options;
  }

  static open(options: ConnectionOptions): Connection {
    const connection = new Connection(options);
    Connection.opened.push(connection);
    return connection;
  }

  get isOpen(): boolean {
    return this.closed === null;
  }

  async call<T>(operation: number, decode: Decode<T>, ...args: Arg[]): Promise<T> {
    const name = names[operation] ?? '';
    this.sent.push({ operation: name, args, staged: this.staged });
    this.staged = [];
    const next = this.answers[name]?.shift();
    const answer = next === undefined ? 1 : next;
    await Promise.resolve();
    if (answer instanceof Error) throw answer;
    return decode(replyOf(answer));
  }

  stage(...args: Arg[]): void {
    this.staged.push(...args);
  }

  ready(): Promise<void> {
    return Connection.readiness();
  }

  listen(options: ListenOptions): Listener {
    this.listening = options;
    return {
      interest: () => undefined,
      ready: Promise.resolve(),
      close: () => {
        this.listenerClosed = true;
        return Promise.resolve();
      },
    };
  }

  close(options: { timeoutMs?: number } = {}): Promise<void> {
    this.closed = options;
    return Promise.resolve();
  }
}

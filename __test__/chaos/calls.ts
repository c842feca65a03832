/** What became of the calls of a workload. */
import { FerrodisError } from 'ferrodis';

/** How a call ended: with a value, without an effect, or nobody knows. */
export type Ending<T> = { is: 'ok'; value: T } | { is: 'refused' } | { is: 'unknown' };

/** Counts calls, and finds those that never end. */
export class Calls {
  ok = 0;
  refused = 0;
  unknown = 0;
  /** ms of the slowest, and which it was. */
  slowest = { ms: 0, name: '' };
  /** By code or name: how often each error was. */
  readonly errors = new Map<string, number>();
  readonly #open = new Map<number, string>();
  #count = 0;

  /** Makes a call and tells how it ended. Never rejects. */
  async try<T>(name: string, call: () => Promise<T>): Promise<Ending<T>> {
    const id = ++this.#count;
    this.#open.set(id, name);
    const begin = performance.now();
    try {
      const value = await call();
      this.ok++;
      return { is: 'ok', value };
    } catch (error) {
      const is = outcomeOf(error);
      this[is]++;
      const kind = `${name}: ${String((error as Error).message).slice(0, 80)}`;
      this.errors.set(kind, (this.errors.get(kind) ?? 0) + 1);
      return { is };
    } finally {
      const ms = Math.round(performance.now() - begin);
      if (ms > this.slowest.ms) this.slowest = { ms, name };
      this.#open.delete(id);
    }
  }

  /** Names of the calls that are not over. */
  get open(): string[] {
    return [...this.#open.values()];
  }
}

/** An error of ours tells its outcome, and what the server says is refused. Of any other, nobody knows. */
function outcomeOf(error: unknown): 'refused' | 'unknown' {
  if (error instanceof FerrodisError) return error.outcome === 'none' ? 'refused' : 'unknown';
  return (error as Error).name === 'ReplyError' ? 'refused' : 'unknown';
}

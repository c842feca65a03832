/** The real one, also where a test has put a clock of its own in its place later. */
const onTurn = setImmediate;

/**
 * What is known until the event loop turns: nothing that this process hears of by then can be newer. Filled while a reply
 * is read, so that of two replies that come together the later one counts.
 */
export class TurnMap<Value> {
  private readonly entries = new Map<string, Value>();

  get(key: string): Value | undefined {
    return this.entries.get(key);
  }

  set(key: string, value: Value): void {
    if (this.entries.size === 0) onTurn(() => this.entries.clear());
    this.entries.set(key, value);
  }

  delete(key: string): void {
    this.entries.delete(key);
  }
}

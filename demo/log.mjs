/** What happened in a run: an event log that lasts, with counters, in the store that nvent would use. */
import { RedisStoreAdapter } from 'ferrodis/nvent/native';

/** Events kept, far more than a demo writes. */
const KEPT = 1_000_000;

/** @typedef {{ type: string, stepId?: string, data?: unknown }} Entry one event; `stepId` is the id of a job */

export class Log {
  #store;
  #runId;

  /**
   * @param {string} url
   * @param {string} runId
   */
  constructor(url, runId) {
    this.#store = new RedisStoreAdapter({ connection: { url } });
    this.#runId = runId;
  }

  get #stream() {
    return `ferrodis-demo:log:${this.#runId}`;
  }

  get #counters() {
    return `ferrodis-demo:counters:${this.#runId}`;
  }

  /** Once for every run, before anything is counted. */
  begin() {
    return this.#store.index.add(this.#counters, 'events', Date.now(), {});
  }

  /** @param {Entry} entry */
  async write(entry) {
    const event = { ...entry, runId: this.#runId, flowName: 'hashFolder' };
    await Promise.all([
      this.#store.stream.append(this.#stream, event),
      this.#store.index.increment(this.#counters, 'events', entry.type.replace('.', ' ')),
    ]);
  }

  /** Everything that was written, oldest first. */
  read() {
    return this.#store.stream.read(this.#stream, { limit: KEPT });
  }

  /** @param {number} limit */
  async tail(limit) {
    return (await this.#store.stream.read(this.#stream, { limit, order: 'desc' })).toReversed();
  }

  /** How often each type of event was written. */
  async counters() {
    const entry = await this.#store.index.get(this.#counters, 'events');
    return /** @type {Record<string, number>} */ (entry?.metadata ?? {});
  }

  async delete() {
    await Promise.all([this.#store.stream.delete(this.#stream), this.#store.index.delete(this.#counters, 'events')]);
  }

  close() {
    return this.#store.close();
  }
}

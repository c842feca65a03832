import type { RawClient } from './server.js';

/** A raw subscription to one channel. */
export interface Subscriber {
  /** Every payload so far. */
  readonly payloads: string[];
  /** Resolves once `count` payloads have come. */
  until(count: number): Promise<string[]>;
  close(): void;
}

/** Listens on a channel with a connection of its own. */
export async function subscriber(redis: RawClient, channel: string): Promise<Subscriber> {
  const payloads: string[] = [];
  let wake: () => void = () => {};
  const listener = redis.duplicate();
  listener.on('error', () => {});
  await listener.connect();
  await listener.subscribe(channel, (payload) => {
    payloads.push(payload);
    wake();
  });
  return {
    payloads,
    async until(count) {
      while (payloads.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return payloads;
    },
    close: () => listener.destroy(),
  };
}

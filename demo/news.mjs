/** News that travel from the workers to the terminal. Nobody has to be listening: what has to last is in the log. */
import { redisBroker } from 'ferrodis/ayepi';

/** @typedef {{ type: 'completed' | 'delayed' | 'failed', jobId: string, path: string, bytes?: number }} News */

/** @param {import('ioredis5').Redis} redis */
export function openNews(redis) {
  const broker = redisBroker(redis, { channel: 'ferrodis-demo:news' });
  return {
    /** @param {News} news */
    tell: (news) => broker.publish(JSON.stringify(news)),
    /** @param {(news: News) => void} listener */
    listen: (listener) => broker.subscribe((message) => listener(JSON.parse(message))),
  };
}

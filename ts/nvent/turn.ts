/**
 * Replies that answer the same question once more: nvent's host reads the events of a run twice in a row. They do until the
 * event loop turns, since nothing that the caller has heard by then is newer, and no longer once this process has
 * written anything after the question was asked.
 */
import type { Reply } from '../reply.js';
import { TurnMap } from '../turn.js';

let writes = 0;

/** To be called before anything is written: of all stores, for they may share a server. */
export function countWrite(): void {
  writes++;
}

/** How many writes there were: keep it with the question. */
export function writesSoFar(): number {
  return writes;
}

interface Answer {
  /** The writes when it was asked for. */
  readonly asked: number;
  readonly reply: () => Reply;
}

/** See the file's text. */
export class Turn {
  readonly #answers = new TurnMap<Answer>();

  /** Keeps the next value of a reply, and returns it. */
  keep(question: string, asked: number, from: Reply): Reply {
    const reply = from.take();
    this.#answers.set(question, { asked, reply });
    return reply();
  }

  /** What answers the question, if anything does. */
  known(question: string): Reply | undefined {
    const answer = this.#answers.get(question);
    return answer?.asked === writes ? answer.reply() : undefined;
  }
}

/** A progress bar on a terminal; plain lines, one per tenth, anywhere else. */
const WIDTH = 30;
/** Pause between two pictures of the bar, in milliseconds. */
const FRAME = 80;

export class Progress {
  /** Jobs that are over. */
  done = 0;
  #total;
  #started = performance.now();
  #drawn = 0;
  #tenths = 0;
  #terminal = process.stdout.isTTY === true;

  /** @param {number} total */
  constructor(total) {
    this.#total = total;
  }

  /** @param {number} done */
  update(done) {
    this.done = done;
    if (this.#terminal) {
      const now = performance.now();
      if (now - this.#drawn < FRAME && done < this.#total) return;
      this.#drawn = now;
      const filled = Math.round((done / this.#total) * WIDTH);
      process.stdout.write(`\r\x1b[K${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)} ${this.#describe(done)}`);
    } else {
      const tenths = Math.floor((done / this.#total) * 10);
      if (tenths === this.#tenths) return;
      this.#tenths = tenths;
      console.log(`  ${this.#describe(done)}`);
    }
  }

  /**
   * Prints a line above the bar.
   *
   * @param {string} line
   */
  note(line) {
    if (this.#terminal) process.stdout.write('\r\x1b[K');
    console.log(`  ${line}`);
    this.#drawn = 0;
  }

  /** The last picture: events still on their way no longer count. */
  end() {
    this.update(this.#total);
    if (this.#terminal) process.stdout.write('\n');
  }

  /** @param {number} done */
  #describe(done) {
    const seconds = (performance.now() - this.#started) / 1000;
    const rate = done / seconds;
    const left = done === 0 ? '…' : `${Math.ceil((this.#total - done) / rate)} s left`;
    const share = Math.floor((done / this.#total) * 100);
    return `${String(share).padStart(3)} %  ${count(done)} of ${count(this.#total)}  ${count(rate)}/s  ${left}`;
  }
}

/** @param {number} number */
export const count = (number) => Math.round(number).toLocaleString('en');

/** @param {number} bytes */
export const megabytes = (bytes) => `${(bytes / 1e6).toLocaleString('en', { maximumFractionDigits: 1 })} MB`;

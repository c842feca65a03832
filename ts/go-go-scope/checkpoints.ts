/** Checkpoints of tasks. */
import type { Commands } from './commands.js';
import { parsed, stored } from './json.js';
import type { Checkpoint } from './types.js';

/** See the file's text. */
export class Checkpoints {
  private readonly commands: Commands;
  private readonly prefix: string;

  /** @param prefix what all their keys begin with */
  constructor(commands: Commands, prefix: string) {
    this.commands = commands;
    this.prefix = prefix;
  }

  async save<T>(checkpoint: Checkpoint<T>): Promise<void> {
    const { taskId, sequence } = checkpoint;
    await this.commands.saveCheckpoint(this.prefix + taskId, sequence, stored(checkpoint));
  }

  async load<T>(id: string): Promise<Checkpoint<T> | undefined> {
    const text = await this.commands.get(id);
    if (text !== null) return parsed<Checkpoint<T>>(text);
    // The original wants a key. What looks like an id that the host made is looked for as such, too.
    const [, taskId, sequence] = /^(.+)-\d+-([^-]+)$/.exec(id) ?? [];
    if (taskId === undefined) return undefined;
    const found = parsed<Checkpoint<T>>(await this.commands.get(`${this.prefix}${taskId}:${sequence}`));
    return found?.id === id ? found : undefined;
  }

  async loadLatest<T>(taskId: string): Promise<Checkpoint<T> | undefined> {
    return parsed<Checkpoint<T>>(await this.commands.loadLatest(this.prefix + taskId));
  }

  async list(taskId: string): Promise<Checkpoint<unknown>[]> {
    const texts = await this.commands.listCheckpoints(this.prefix + taskId);
    const found = texts.map((text) => parsed<Checkpoint<unknown>>(text));
    return found
      .filter((checkpoint) => checkpoint !== undefined && checkpoint !== null)
      .sort((a, b) => a.sequence - b.sequence);
  }

  async cleanup(taskId: string, keepCount: number): Promise<void> {
    const count = Number(keepCount);
    if (!Number.isFinite(count)) return;
    await this.commands.cleanupCheckpoints(this.prefix + taskId, Math.max(0, Math.ceil(count)));
  }

  async deleteAll(taskId: string): Promise<void> {
    await this.commands.deleteCheckpoints(this.prefix + taskId);
  }
}

/** Which workflow runs are of. The host asks before it queues a job, and the answer never changes. */

/** Runs that are remembered; one that is forgotten costs a command. */
const LIMIT = 1000;

/** See the file's text. */
export class RunNames {
  private readonly names = new Map<string, string>();

  remember(runId: string, workflowName: string): void {
    if (this.names.size >= LIMIT && !this.names.has(runId)) {
      const [oldest] = this.names.keys();
      this.names.delete(oldest as string);
    }
    this.names.set(runId, workflowName);
  }

  of(runId: string): string | undefined {
    return this.names.get(runId);
  }
}

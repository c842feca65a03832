/** Which files the demo works on. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * All regular files below a folder. Symbolic links are not followed; folders that cannot be read are left out.
 *
 * @param {string} folder
 * @returns {Promise<string[]>}
 */
export async function filesBelow(folder) {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.map((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesBelow(path);
      return entry.isFile() ? [path] : [];
    }),
  );
  return found.flat();
}

/** A file that is not there until somebody failed to read it: the job for it has to be tried again. */
export class LateFile {
  /** @param {string} folder what the demo works on: a demo that goes on with a run must find the same file */
  constructor(folder) {
    const name = createHash('sha256').update(folder).digest('hex').slice(0, 12);
    this.folder = join(tmpdir(), `ferrodis-demo-${name}`);
    this.path = join(this.folder, 'late.txt');
  }

  async appear() {
    await mkdir(this.folder, { recursive: true });
    await writeFile(this.path, 'Better late than never.\n');
  }

  async remove() {
    await rm(this.folder, { recursive: true, force: true });
  }
}

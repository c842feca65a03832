/** Skipping work whose inputs have not changed since it was last done. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './shell.mjs';

/** All files under the given files and folders, sorted, so that a hash over them is stable. */
function filesUnder(paths) {
  return paths.flatMap((path) => {
    const absolute = join(root, path);
    if (!existsSync(absolute)) return [];
    if (!statSync(absolute).isDirectory()) return [path];
    return filesUnder(
      readdirSync(absolute)
        .sort()
        .map((name) => join(path, name)),
    );
  });
}

function fingerprint(inputs, salt) {
  const hash = createHash('sha256').update(salt);
  for (const file of filesUnder(inputs)) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

/**
 * Does `work` unless its stamp says that it was done for exactly these inputs and its output is still there.
 *
 * @param {object} task
 * @param {string} task.stamp file that remembers the inputs, relative to the repository
 * @param {readonly string[]} task.inputs files and folders the work depends on
 * @param {readonly string[]} task.outputs files that must exist afterwards
 * @param {string} [task.salt] further input that is not a file, such as a build profile
 * @param {() => Promise<unknown>} work
 */
export async function onChange({ stamp, inputs, outputs, salt = '' }, work) {
  const file = join(root, stamp);
  const present = outputs.every((output) => existsSync(join(root, output)));
  if (present && existsSync(file) && readFileSync(file, 'utf8') === fingerprint(inputs, salt)) return;
  await work();
  mkdirSync(dirname(file), { recursive: true });
  // Taken after the work: installing may itself touch an input, as `npm install` does with the lock file.
  writeFileSync(file, fingerprint(inputs, salt));
}

/**
 * How a failed test is told by the program that ran it, and found again in its output by the one that runs them all:
 * whoever looks at the end of a long log sees what failed, and why.
 */

/** Lines of an error worth repeating: what was expected, what came, and where. */
const shown = 12;

/** A failed test and the beginning of its error, for the output. */
export function failureBlock(title, error = '') {
  const lines = error.trimEnd().split('\n');
  const ours = lines.filter((line) => !/^\s+at .*(node_modules|node:)/.test(line)).slice(0, shown);
  return [`✗ test ${title}`, ...ours.map((line) => `  │ ${line}`)].join('\n');
}

/** All blocks of `failureBlock` in an output, as they were printed. */
export const failureBlocks = (output = '') => output.match(/^✗ test .*(\n {2}│.*)*/gm) ?? [];

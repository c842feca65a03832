/**
 * Plain text tables for the terminal.
 */

/**
 * @param {string[]} head
 * @param {string[][]} rows first column left-aligned, the others right-aligned
 */
export function table(head, rows) {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column].length)));
  const line = (row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}

/** A rate with three significant digits: `94.2k`, `1.18M`. */
export function rate(perSecond) {
  const [scaled, unit] =
    perSecond >= 1e6 ? [perSecond / 1e6, 'M'] : perSecond >= 1e3 ? [perSecond / 1e3, 'k'] : [perSecond, ''];
  return significant(scaled) + unit;
}

/** A number with about three significant digits. */
export function significant(value) {
  return value >= 100
    ? value.toFixed(0)
    : value >= 10
      ? value.toFixed(1)
      : value >= 0.1
        ? value.toFixed(2)
        : value.toPrecision(2);
}

/** A ratio with its 95 % interval: `1.22 [1.18–1.25]`. */
export function ratio({ median, low, high }) {
  return `${significant(median)} [${significant(low)}–${significant(high)}]`;
}

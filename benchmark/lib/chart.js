/**
 * Bar charts as SVG, drawn by hand: no dependency, readable on light and dark pages.
 */

const STYLE = `<style>
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 }
.faint { fill: #656d76 }
.grid { stroke: #d0d7de }
.reference { stroke: #656d76; stroke-dasharray: 4 3 }
.spread { stroke: #1f2328 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .faint { fill: #8b949e } .grid { stroke: #30363d } .reference { stroke: #8b949e } .spread { stroke: #e6edf3 }
}
</style>`;

const escape = (text) => text.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]);
const round = (number) => Math.round(number * 10) / 10;
const text = (x, y, content, attributes = '') =>
  `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escape(content)}</text>`;
const line = (x1, y1, x2, y2, kind) =>
  `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" class="${kind}"/>`;
const bar = (x, y, width, height, colour) =>
  `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(Math.max(height, 0.5))}" fill="${colour}"/>`;

function page(width, height, title, subtitle, parts) {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escape(title)}">`,
    STYLE,
    text(16, 24, title, 'class="title"'),
    text(16, 42, subtitle, 'class="faint"'),
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

/** Round numbers that divide 0 to `max` into about five steps. */
function steps(max) {
  const raw = max / 5;
  const magnitude = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * magnitude).find((candidate) => candidate >= raw);
  return Array.from({ length: Math.floor(max / step) + 1 }, (_, i) => i * step);
}

/**
 * Upright bars in groups, with a dashed line at 1 (the best other client) and a whisker for the interval.
 *
 * @param {object} chart
 * @param {string} chart.title
 * @param {string} chart.subtitle
 * @param {string[]} chart.groups
 * @param {Array<{ label: string, colour: string, bars: Array<{ median: number, low: number, high: number }> }>} chart.series
 */
export function groupedBars({ title, subtitle, groups, series }) {
  const [width, height, left, top, bottom] = [860, 400, 48, 60, 96];
  const plotHeight = height - top - bottom;
  const groupWidth = (width - left - 16) / groups.length;
  const barWidth = (groupWidth * 0.86) / series.length;
  const max = Math.max(1, ...series.flatMap(({ bars }) => bars.map(({ high }) => high))) * 1.05;
  const y = (value) => top + plotHeight * (1 - value / max);
  const parts = steps(max).flatMap((value) => [
    line(left, y(value), width - 16, y(value), 'grid'),
    text(left - 6, y(value) + 4, `${round(value)}×`, 'text-anchor="end" class="faint"'),
  ]);
  groups.forEach((group, g) => {
    const start = left + g * groupWidth + groupWidth * 0.07;
    series.forEach(({ colour, bars }, s) => {
      const { median, low, high } = bars[g];
      const x = start + s * barWidth;
      parts.push(bar(x, y(median), barWidth - 1, y(0) - y(median), colour));
      parts.push(line(x + barWidth / 2, y(low), x + barWidth / 2, y(high), 'spread'));
    });
    parts.push(text(left + (g + 0.5) * groupWidth, y(0) + 18, group, 'text-anchor="middle"'));
  });
  parts.push(line(left, y(1), width - 16, y(1), 'reference'));
  const columns = 4;
  series.forEach(({ label, colour }, s) => {
    const x = left + (s % columns) * 200;
    const row = y(0) + 42 + Math.floor(s / columns) * 20;
    parts.push(bar(x, row - 9, 11, 11, colour), text(x + 16, row, label));
  });
  return page(width, height, title, subtitle, parts);
}

/**
 * Lying bars on a logarithmic axis, growing away from 1: one row per workload.
 *
 * @param {object} chart
 * @param {string} chart.title
 * @param {string} chart.subtitle
 * @param {string} chart.colour
 * @param {Array<{ label: string, median: number, low: number, high: number }>} chart.rows
 */
export function factorBars({ title, subtitle, colour, rows }) {
  const [width, left, right, top, rowHeight] = [860, 340, 72, 60, 22];
  const bottom = top + rows.length * rowHeight + 4;
  const exponents = rows.flatMap(({ low, high }) => [Math.log10(low), Math.log10(high)]);
  const from = Math.floor(Math.min(0, ...exponents));
  const to = Math.max(1, Math.ceil(Math.max(...exponents)));
  const x = (value) => left + ((Math.log10(value) - from) / (to - from)) * (width - left - right);
  const parts = Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i)).flatMap((value) => [
    line(x(value), top, x(value), bottom, value === 1 ? 'reference' : 'grid'),
    text(x(value), bottom + 16, `${value}×`, 'text-anchor="middle" class="faint"'),
  ]);
  rows.forEach(({ label, median, low, high }, row) => {
    const y = top + row * rowHeight + 4;
    const [start, end] = [x(Math.min(1, median)), x(Math.max(1, median))];
    parts.push(text(left - 8, y + 11, label, 'text-anchor="end"'));
    parts.push(bar(start, y, end - start, 14, colour));
    parts.push(line(x(low), y + 7, x(high), y + 7, 'spread'));
    parts.push(text(Math.max(end, x(high)) + 6, y + 11, `${median >= 10 ? median.toFixed(0) : median.toFixed(2)}×`));
  });
  return page(width, bottom + 32, title, subtitle, parts);
}

/**
 * The two charts of a summary: throughput, and main-thread CPU turned over, so that longer is better in both.
 *
 * @param {object} charts
 * @param {string} charts.subtitle
 * @param {string} charts.unit what is counted, as `operation`
 * @param {string} charts.other what it is compared with
 * @param {Array<{ label: string, throughput: object, cpuShare: { median: number, low: number, high: number } }>} charts.rows
 */
export function pairOfCharts({ subtitle, unit, other, rows }) {
  return {
    throughput: factorBars({
      title: `${unit[0].toUpperCase()}${unit.slice(1)}s per second, ferrodis ÷ ${other}`,
      subtitle,
      colour: '#d1482b',
      rows: rows.map(({ label, throughput }) => ({ label, ...throughput })),
    }),
    cpu: factorBars({
      title: `Main-thread CPU per ${unit}, ${other} ÷ ferrodis`,
      subtitle,
      colour: '#2f5f8f',
      rows: rows.map(({ label, cpuShare: { median, low, high } }) => ({
        label,
        median: 1 / median,
        low: 1 / high,
        high: 1 / low,
      })),
    }),
  };
}

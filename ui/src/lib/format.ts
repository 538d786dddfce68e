const prefixes: [number, string][] = [
  [1e24, 'Y'],
  [1e21, 'Z'],
  [1e18, 'E'],
  [1e15, 'P'],
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
  [1, ''],
  [1e-3, 'm'],
  [1e-6, 'µ'],
  [1e-9, 'n'],
  [1e-12, 'p'],
  [1e-15, 'f'],
  [1e-18, 'a'],
  [1e-21, 'z'],
  [1e-24, 'y'],
];

/** With an SI prefix and as many decimals as asked. */
export function formatSi(value: number, decimals = 2): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return '0';
  const size = Math.abs(value);
  const [unit, prefix] = prefixes.find(([least]) => size >= least) ?? [1, ''];
  const text = (value / unit).toFixed(decimals);
  return `${text.includes('.') ? text.replace(/\.?0+$/, '') : text}${prefix}`;
}

/** Does nothing but noise lie behind these decimals? */
function isExact(value: number, decimals: number): boolean {
  const size = Math.abs(value);
  const [unit] = prefixes.find(([least]) => size >= least) ?? [1];
  const scaled = (value / unit) * 10 ** decimals;
  return value === 0 || Math.abs(scaled - Math.round(scaled)) < 1e-6 * Math.abs(scaled);
}

/** Labels of the ticks of an axis: decimals grow until none says another value than its tick's. */
export function formatTicks(values: readonly number[]): string[] {
  let decimals = 0;
  while (decimals < 6 && !values.every(value => isExact(value, decimals))) decimals++;
  return values.map(value => formatSi(value, decimals));
}

/** Up to six significant digits, no prefix; exponents for the very large and small. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return value.toLocaleString('en-US');
  const size = Math.abs(value);
  if (size >= 1e15 || size < 1e-4) return value.toExponential(3);
  return Number(value.toPrecision(6)).toLocaleString('en-US', { maximumFractionDigits: 8 });
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
  let value = Math.abs(bytes);
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${bytes < 0 ? '-' : ''}${unit === 0 ? value : value.toFixed(2)} ${units[unit]}`;
}

export function formatCount(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1 endpoint`, `2 endpoints`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

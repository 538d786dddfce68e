/** Milliseconds of each unit of a Prometheus duration, longest first. */
const units: [string, number][] = [
  ['y', 365 * 86_400_000],
  ['w', 7 * 86_400_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
];

const pattern = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** `1d2h3m` in milliseconds; null when it is no duration. */
export function parseDuration(text: string): number | null {
  const trimmed = text.trim();
  if (trimmed === '0') return 0;
  const match = pattern.exec(trimmed);
  if (trimmed === '' || match === null) return null;
  return units.reduce((sum, [, size], index) => sum + Number(match[index + 1] ?? 0) * size, 0);
}

/** The shortest exact writing; years and weeks only when nothing is left over. */
export function formatDuration(ms: number): string {
  let rest = Math.round(Math.abs(ms));
  if (rest === 0) return '0s';
  let out = ms < 0 ? '-' : '';
  for (const [name, size] of units) {
    if ((name === 'y' || name === 'w') && rest % size !== 0) continue;
    const count = Math.floor(rest / size);
    if (count > 0) out += `${count}${name}`;
    rest -= count * size;
  }
  return out;
}

/** At most two units, for reading: `3d 4h`, `12.3s`, `45ms`. */
export function humanDuration(ms: number): string {
  if (!Number.isFinite(ms)) return '–';
  const sign = ms < 0 ? '-' : '';
  const rest = Math.abs(ms);
  if (rest < 1) return rest === 0 ? '0s' : `${sign}${(rest * 1000).toFixed(0)}µs`;
  if (rest < 1000) return `${sign}${rest < 10 ? rest.toFixed(1) : rest.toFixed(0)}ms`;
  if (rest < 60_000) return `${sign}${(rest / 1000).toFixed(rest < 10_000 ? 2 : 1).replace(/\.?0+$/, '')}s`;
  const readable = units.filter(([name]) => name !== 'ms');
  const first = readable.findIndex(([name, size]) => name !== 'w' && rest >= size);
  const parts: string[] = [];
  let left = Math.round(rest / 1000) * 1000;
  for (const [name, size] of readable.slice(first)) {
    if (name === 'w') continue;
    const count = Math.floor(left / size);
    if (count > 0) parts.push(`${count}${name}`);
    left -= count * size;
    if (parts.length === 2) break;
  }
  return sign + parts.join(' ');
}

/** A duration of Go (`1h2m3.5s`, `12.3ms`, `45µs`) in milliseconds. */
export function parseGoDuration(text: string): number {
  const sizes: Record<string, number> = {
    h: 3_600_000,
    m: 60_000,
    s: 1000,
    ms: 1,
    us: 1e-3,
    µs: 1e-3,
    μs: 1e-3,
    ns: 1e-6,
  };
  let sum = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|µs|μs|us|ns|h|m|s)/g)) {
    sum += Number(number) * (sizes[unit ?? ''] ?? 0);
  }
  return sum;
}

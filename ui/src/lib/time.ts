/** The zone of times: the browser's, UTC, or an IANA name. */
export type Zone = string;

const zones = new Map<string, Intl.DateTimeFormat>();

export function resolveZone(zone: Zone): string {
  return zone === 'local' ? Intl.DateTimeFormat().resolvedOptions().timeZone : zone;
}

export function isZone(zone: string): boolean {
  if (zone === 'local' || zone === 'UTC') return true;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

function parts(ms: number, zone: Zone): Record<string, string> {
  let format = zones.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: resolveZone(zone),
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      timeZoneName: 'short',
    });
    zones.set(zone, format);
  }
  return Object.fromEntries(format.formatToParts(ms).map(part => [part.type, part.value]));
}

const outside = 8.64e15;

/** `2026-01-02 03:04:05` in the zone; with milliseconds only when asked. */
export function formatTime(ms: number, zone: Zone, withMs = false): string {
  if (!Number.isFinite(ms) || Math.abs(ms) > outside) return '–';
  const p = parts(ms, zone);
  const fraction = withMs ? `.${String((((ms % 1000) + 1000) % 1000) | 0).padStart(3, '0')}` : '';
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second}${fraction}`;
}

export function zoneName(ms: number, zone: Zone): string {
  return zone === 'UTC' ? 'UTC' : (parts(ms, zone).timeZoneName ?? zone);
}

/** What the zone's clock shows, as if it were UTC, less UTC; milliseconds. */
export function zoneOffset(ms: number, zone: Zone): number {
  if (zone === 'UTC') return 0;
  const second = Math.floor(ms / 1000) * 1000;
  return Date.parse(`${formatTime(second, zone).replace(' ', 'T')}Z`) - second;
}

/** Reads `2026-01-02 03:04:05` (seconds may be missing, `T` may stand for the space) as a time of the zone. */
export function parseTime(text: string, zone: Zone): number | null {
  const match = /^(\d{4,6})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?$/.exec(text.trim());
  if (match === null) return null;
  const [, year, month, day, hour, minute, second] = match;
  const shown = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second ?? 0),
  );
  if (Number.isNaN(shown)) return null;
  // Twice, since the first guess may lie on the other side of a change of the clocks.
  const guess = shown - zoneOffset(shown, zone);
  return shown - zoneOffset(guess, zone);
}

/** `5m ago`, `in 2h`. */
export function formatAgo(ms: number, now: number, human: (ms: number) => string): string {
  if (!Number.isFinite(ms) || ms <= 0) return 'never';
  const past = Math.round((now - ms) / 1000) * 1000;
  if (Math.abs(past) < 1000) return 'just now';
  return past >= 0 ? `${human(past)} ago` : `in ${human(-past)}`;
}

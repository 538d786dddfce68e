import type { QueryData, Sample } from '../../api/types';
import type { Labels } from '../../lib/labels';

/** A field of CSV after RFC 4180; what a spreadsheet would run as a formula is kept as text. */
export function csvField(text: string): string {
  const safe = /^[=+@\t\r]/.test(text) && !/^[+-]?(\d|Inf)/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

interface Row {
  labels: Labels;
  time: number;
  value: string;
}

function rows(data: QueryData): Row[] {
  const row = (labels: Labels, [time, value]: Sample): Row => ({ labels, time, value });
  switch (data.resultType) {
    case 'scalar':
    case 'string':
      return [row({}, data.result)];
    case 'vector':
      return data.result.flatMap(({ metric, value, histogram }) => {
        if (value !== undefined) return [row(metric, value)];
        return histogram === undefined ? [] : [row(metric, [histogram[0], JSON.stringify(histogram[1])])];
      });
    case 'matrix':
      return data.result.flatMap(({ metric, values = [], histograms = [] }) => [
        ...values.map(sample => row(metric, sample)),
        ...histograms.map(([time, histogram]) => row(metric, [time, JSON.stringify(histogram)])),
      ]);
  }
}

/** One line a sample: a column a label, then the time in RFC 3339 and the value as sent. */
export function toCsv(data: QueryData): string {
  const all = rows(data);
  const names = [...new Set(all.flatMap(row => Object.keys(row.labels)))].sort();
  const lines = all.map(({ labels, time, value }) =>
    [...names.map(name => labels[name] ?? ''), new Date(time * 1000).toISOString(), value]
      .map(csvField)
      .join(','),
  );
  return `${[...names, 'time', 'value'].map(csvField).join(',')}\n${lines.join('\n')}${lines.length > 0 ? '\n' : ''}`;
}

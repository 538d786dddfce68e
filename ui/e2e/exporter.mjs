import { createServer } from 'node:http';
import { nativeHistogram, nativeType } from './native.mjs';

const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const observed = bounds.map(() => 0);

/** Adds observations around a latency that wanders up and down. */
function observe(now) {
  const centre = 4 + 3 * Math.sin(now / 50);
  bounds.forEach((_, row) => {
    observed[row] += Math.round(40 * Math.exp(-((row - centre) ** 2) / 2));
  });
}

/** The buckets, one of which has an exemplar every few seconds. */
function histogram(now) {
  const out = [
    '# TYPE demo_latency_seconds histogram',
    '# HELP demo_latency_seconds Latency of made-up requests.',
  ];
  let count = 0;
  bounds.forEach((bound, row) => {
    count += observed[row];
    const traced = Math.floor(now / 2) % 5 === 0 && row === Math.floor(now / 10) % bounds.length;
    const trace = ` # {trace_id="trace-${Math.floor(now)}"} ${bound * 0.9} ${now.toFixed(3)}`;
    out.push(`demo_latency_seconds_bucket{le="${bound}"} ${count}${traced ? trace : ''}`);
  });
  out.push(`demo_latency_seconds_bucket{le="+Inf"} ${count}`, `demo_latency_seconds_count ${count}`);
  out.push(`demo_latency_seconds_sum ${(count * 0.1).toFixed(3)}`);
  return out;
}

/** Metrics in OpenMetrics: many series, a classic histogram with exemplars, and labels that would be HTML if read as such. */
function metrics(series) {
  const out = ['# TYPE demo_load gauge', '# HELP demo_load Load of a made-up device.'];
  const now = Date.now() / 1000;
  observe(now);
  for (let at = 0; at < series; at++) {
    const value = 50 + 40 * Math.sin(now / 60 + at / 100) + (at % 7) + (at % 3) * 8;
    out.push(`demo_load{device="dev-${at}",rack="r${at % 40}",zone="z${at % 3}"} ${value.toFixed(3)}`);
  }
  out.push('# TYPE demo_markup gauge', 'demo_markup{text="<img src=x onerror=alert(1)>"} 1');
  out.push(...histogram(now), '# EOF', '');
  return out.join('\n');
}

/** Serves them on a port of the loopback, and a native histogram under `/native`. */
export function startExporter(port, series) {
  const server = createServer((request, response) => {
    if (request.url === '/native') {
      response.writeHead(200, { 'Content-Type': nativeType });
      response.end(nativeHistogram(Date.now() / 1000));
      return;
    }
    response.writeHead(200, { 'Content-Type': 'application/openmetrics-text; version=1.0.0; charset=utf-8' });
    response.end(metrics(series));
  });
  return new Promise(resolve => server.listen(port, '127.0.0.1', () => resolve(server)));
}

/** A few series from `start` up to `end`, in s, but for those of the `gap`, for blocks. */
export function pastSamples(start, end, gap = { start: end, end }) {
  const out = ['# TYPE demo_past gauge'];
  for (let at = 0; at < 4; at++) {
    for (let time = start; time < end; time += 120) {
      if (time > gap.start && time < gap.end) continue;
      out.push(`demo_past{device="dev-${at}"} ${(Math.sin(time / 9000 + at) * 10).toFixed(3)} ${time}`);
    }
  }
  return `${out.join('\n')}\n# EOF\n`;
}

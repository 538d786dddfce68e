// A native histogram in the protobuf format of exposition, in which alone they can be scraped.

function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const more = rest > 127n;
    bytes.push(Number(rest & 127n) | (more ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

const zigzag = value => varint((BigInt(value) << 1n) ^ (BigInt(value) >> 63n));

const number = (field, value) => Buffer.concat([varint(field << 3), varint(value)]);
const signed = (field, value) => Buffer.concat([varint(field << 3), zigzag(value)]);

function double(field, value) {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([varint((field << 3) | 1), bytes]);
}

function bytes(field, value) {
  const content = Buffer.from(value);
  return Buffer.concat([varint((field << 3) | 2), varint(content.length), content]);
}

const HISTOGRAM = 4;
/** Eight buckets for each doubling. */
const schema = 3;
/** The first bucket ends at about 4 ms. */
const first = -64;
const counts = Array.from({ length: 48 }, () => 0);

function observe(now) {
  const centre = 24 + 14 * Math.sin(now / 40);
  counts.forEach((_, row) => {
    counts[row] += Math.round(30 * Math.exp(-((row - centre) ** 2) / 18));
  });
}

/** `demo_native_seconds`, with more observations at each call. */
export function nativeHistogram(now) {
  observe(now);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const span = Buffer.concat([signed(1, first), number(2, counts.length)]);
  const deltas = counts.map((count, at) => zigzag(count - (counts[at - 1] ?? 0)));
  const histogram = Buffer.concat([
    number(1, total),
    double(2, total * 0.02),
    signed(5, schema),
    double(6, 1e-9),
    number(7, 0),
    bytes(12, span),
    bytes(13, Buffer.concat(deltas)),
  ]);
  const family = Buffer.concat([
    bytes(1, 'demo_native_seconds'),
    bytes(2, 'Latency of made-up requests.'),
    number(3, HISTOGRAM),
    bytes(4, bytes(7, histogram)),
  ]);
  return Buffer.concat([varint(family.length), family]);
}

export const nativeType =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';

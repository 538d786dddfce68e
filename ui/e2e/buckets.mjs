// Blocks that no running Prometheus has made, and what is done with them before a component sees them.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pastSamples } from './exporter.mjs';

const day = 86_400;

/** The end of the last two hours that are over, in s. */
const lastEnd = () => Math.floor(Date.now() / 1000 / 7200) * 7200;

/** The ULIDs of the blocks in a folder. */
const blocksIn = folder => readdirSync(folder).filter(name => /^[0-9A-Z]{26}$/.test(name));

/** Writes blocks of two hours into the folder `to`. */
function writeBlocks(promtool, dir, to, samples) {
  const file = join(dir, `${to}.om`);
  writeFileSync(file, samples);
  execFileSync(promtool, ['tsdb', 'create-blocks-from', 'openmetrics', file, join(dir, to)], {
    stdio: 'ignore',
  });
}

/** The block's meta.json under another ULID and with what Thanos adds. */
function thanosMeta(folder, ulid, cluster) {
  const meta = JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8'));
  const thanos = { version: 1, labels: { cluster }, downsample: { resolution: 0 }, source: 'sidecar' };
  return JSON.stringify({ ...meta, ulid, compaction: { ...meta.compaction, sources: [ulid] }, thanos });
}

/** Three days up to now, with a gap of half a day in the middle, for Prometheus's folder. */
export function pastBlocks(promtool, dir, to) {
  const end = lastEnd();
  const gap = { start: end - 2 * day, end: end - 1.5 * day };
  writeBlocks(promtool, dir, to, pastSamples(end - 3 * day, end, gap));
}

/**
 * Four to six days up to now in a bucket. They begin where a range of two days begins which has a newer one behind it,
 * so that a compactor always finds a whole one to downsample, and always newer blocks that are too short for it.
 */
export function severalDays(promtool, dir, bucket) {
  const end = lastEnd();
  const start = Math.floor(end / (2 * day)) * 2 * day - 4 * day;
  writeBlocks(promtool, dir, bucket, pastSamples(start, end));
  for (const block of blocksIn(join(dir, bucket))) {
    const folder = join(dir, bucket, block);
    writeFileSync(join(folder, 'meta.json.tmp'), thanosMeta(folder, block, 'eu1'));
    renameSync(join(folder, 'meta.json.tmp'), join(folder, 'meta.json'));
  }
}

/** Compacts, downsamples and deletes all there is to do, raw data after two days. */
export function compactOnce(thanos, dir, http, objstore) {
  const now = [`--http-address=${http}`, '--consistency-delay=0s', '--delete-delay=0s'];
  const args = ['compact', '--data-dir=compact-once', objstore, ...now, '--retention.resolution-raw=2d'];
  execFileSync(thanos, args, { cwd: dir, stdio: 'ignore', timeout: 120_000 });
}

/** The blocks of `from` twice, as of two clusters, in a bucket; nobody writes into the pipes that their chunks are. */
export function heldBlocks(dir, from, bucket) {
  for (const [at, cluster] of ['north', 'south'].entries()) {
    for (const block of blocksIn(join(dir, from))) {
      const id = block.slice(0, -1) + at;
      const [source, to] = [join(dir, from, block), join(dir, bucket, id)];
      mkdirSync(join(to, 'chunks'), { recursive: true });
      copyFileSync(join(source, 'index'), join(to, 'index'));
      execFileSync('mkfifo', [join(to, 'chunks', '000001')]);
      writeFileSync(join(to, 'meta.json'), thanosMeta(source, id, cluster));
    }
  }
}

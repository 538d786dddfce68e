// Starts Prometheus, sidecar, store, compactor and querier on free ports of the loopback.
// As a program: prints their addresses as JSON and runs until a signal.
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { compactOnce, heldBlocks, pastBlocks, severalDays } from './buckets.mjs';
import { startExporter } from './exporter.mjs';

const programs = {
  prometheus: process.env.PROMETHEUS ?? 'prometheus',
  promtool: process.env.PROMTOOL ?? 'promtool',
  thanos: process.env.THANOS ?? resolve(import.meta.dirname, '../../target/debug/thanos'),
};

const rules = `groups:
- name: demo
  interval: 5s
  rules:
  - record: zone:demo_load:avg
    expr: avg by (zone) (demo_load)
  - alert: AlwaysFiring
    expr: vector(1) > 0
    labels: {severity: page}
    annotations: {summary: "value is {{ $value }}", link: "<b>not bold</b>"}
  - alert: Pending
    expr: vector(1) > 0
    for: 1h
  - alert: Quiet
    expr: demo_load > 1000
`;

function freePort() {
  return new Promise((done, fail) => {
    const server = createServer();
    server.on('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

async function untilTrue(what, check, seconds = 120) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    try {
      if (await check()) return;
    } catch {
      // Not there yet.
    }
    if (Date.now() > end) throw new Error(`${what}: not ready after ${seconds} s`);
    await new Promise(done => setTimeout(done, 100));
  }
}

const ready = url => untilTrue(url, async () => (await fetch(url)).ok);

async function json(url) {
  return (await fetch(url)).json();
}

export async function startStack({ series = 4000 } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'thanos-ui-'));
  const children = new Map();
  let exporter;
  const stop = async () => {
    exporter?.close();
    exporter?.closeAllConnections();
    const ended = [...children.values()].map(
      child =>
        new Promise(done => {
          if (child.exitCode !== null || child.signalCode !== null) return done();
          child.once('exit', done);
          child.kill('SIGTERM');
          setTimeout(() => child.kill('SIGKILL'), 5000).unref();
        }),
    );
    await Promise.all(ended);
    if (process.env.KEEP === undefined) rmSync(dir, { recursive: true, force: true });
  };
  /** Copies what all have logged. */
  const keepLogs = folder => {
    for (const name of children.keys()) copyFileSync(join(dir, `${name}.log`), join(folder, `${name}.log`));
  };
  const start = (name, program, args) => {
    const log = openSync(join(dir, `${name}.log`), 'w');
    const child = spawn(program, args, { cwd: dir, stdio: ['ignore', log, log] });
    children.set(name, child);
    child.once('error', error => process.stderr.write(`${name}: ${error.message}\n`));
  };
  /** A component of `program`, by its sub-command; a number behind it tells several apart. */
  const startAs = async (program, name, ...args) => {
    const [http, grpc] = [await freePort(), await freePort()];
    const grpcArgs = name.startsWith('compact') ? [] : [`--grpc-address=127.0.0.1:${grpc}`];
    start(name, program, [
      name.replace(/\d+$/, ''),
      `--http-address=127.0.0.1:${http}`,
      ...grpcArgs,
      ...args,
    ]);
    await ready(`http://127.0.0.1:${http}/-/ready`);
    return { http: `http://127.0.0.1:${http}`, grpc: `127.0.0.1:${grpc}` };
  };
  const component = (name, ...args) => startAs(programs.thanos, name, ...args);
  /** A FILESYSTEM bucket in the folder of this name; the argument that names it. */
  const bucketArgument = name => {
    mkdirSync(join(dir, name), { recursive: true });
    writeFileSync(join(dir, `${name}.yml`), `type: FILESYSTEM\nconfig: {directory: ${join(dir, name)}}\n`);
    return `--objstore.config-file=${name}.yml`;
  };
  try {
    mkdirSync(join(dir, 'data'));
    const [exporterPort, prometheusPort] = [await freePort(), await freePort()];
    exporter = await startExporter(exporterPort, series);
    writeFileSync(join(dir, 'rules.yml'), rules);
    writeFileSync(
      join(dir, 'prometheus.yml'),
      `global: {scrape_interval: 2s, evaluation_interval: 5s, external_labels: {cluster: eu1, replica: a}}
rule_files: [rules.yml]
scrape_configs:
- {job_name: demo, static_configs: [{targets: ["127.0.0.1:${exporterPort}"]}]}
- {job_name: native, metrics_path: /native, static_configs: [{targets: ["127.0.0.1:${exporterPort}"]}]}
- {job_name: prometheus, static_configs: [{targets: ["127.0.0.1:${prometheusPort}"]}]}
- {job_name: gone, static_configs: [{targets: ["127.0.0.1:1"]}]}
`,
    );
    pastBlocks(programs.promtool, dir, 'data');
    const prometheus = `http://127.0.0.1:${prometheusPort}`;
    start('prometheus', programs.prometheus, [
      '--config.file=prometheus.yml',
      '--storage.tsdb.path=data',
      '--storage.tsdb.retention.time=30d',
      '--storage.tsdb.min-block-duration=2h',
      '--storage.tsdb.max-block-duration=2h',
      '--enable-feature=exemplar-storage,native-histograms',
      `--web.listen-address=127.0.0.1:${prometheusPort}`,
    ]);
    await ready(`${prometheus}/-/ready`);
    const bucket = bucketArgument('bucket');
    const sidecar = await component('sidecar', `--prometheus.url=${prometheus}`, '--tsdb.path=data', bucket);
    await untilTrue('upload', async () => (await metric(sidecar.http, 'thanos_shipper_uploads_total')) > 20);
    // A level above, before the store and the pages look.
    const store = await component('store', '--data-dir=store', '--sync-block-duration=10s', bucket);
    const compact = await component(
      'compact',
      '--data-dir=compact',
      '--wait',
      '--wait-interval=20s',
      '--retention.resolution-raw=200d',
      bucket,
    );
    const dead = await freePort();
    const query = await component(
      'query',
      '--query.replica-label=replica',
      `--endpoint=${sidecar.grpc}`,
      `--endpoint=${store.grpc}`,
      `--endpoint=127.0.0.1:${dead}`,
      `--query.blocks-url=${store.http}/loaded`,
    );
    const prefix = '/some/prefix';
    const prefixed = await component(
      'query2',
      `--endpoint=${sidecar.grpc}`,
      `--web.external-prefix=${prefix}`,
    );
    const tenanted = await component(
      'query3',
      `--endpoint=${sidecar.grpc}`,
      '--query.enforce-tenancy',
      '--query.tenant-header=X-Team',
    );
    await untilTrue('samples', async () => {
      const { data } = await json(`${query.http}/api/v1/query?query=count(demo_load)`);
      return Number(data?.result?.[0]?.value?.[1]) === series;
    });
    await untilTrue('a recorded rule', async () => {
      const { data } = await json(`${query.http}/api/v1/query?query=zone:demo_load:avg`);
      return data?.result?.length === 3;
    });
    await untilTrue('a native histogram', async () => {
      const { data } = await json(`${query.http}/api/v1/query?query=rate(demo_native_seconds[20s])`);
      return data?.result?.[0]?.histogram?.[1]?.buckets?.length > 0;
    });
    /** A querier over a store whose blocks are of two resolutions: those past the retention of raw data are downsampled. */
    const startDownsampled = async () => {
      const objstore = bucketArgument('downsampled');
      severalDays(programs.promtool, dir, 'downsampled');
      compactOnce(programs.thanos, dir, `127.0.0.1:${await freePort()}`, objstore);
      const behind = await component('store2', '--data-dir=store2', objstore);
      return component('query4', `--endpoint=${behind.grpc}`);
    };
    /** A querier that leaves evaluating to those below it. */
    const startDistributed = () =>
      component('query5', '--query.mode=distributed', `--endpoint=${sidecar.grpc}`);
    /** A compactor of two groups, one at a time, that never gets the chunks of the first: nobody writes into the pipes they are. */
    const startHeld = async () => {
      const objstore = bucketArgument('held');
      heldBlocks(dir, 'data', 'held');
      const args = ['--data-dir=compact2', '--wait', '--consistency-delay=0s', '--compact.concurrency=1'];
      return component('compact2', ...args, objstore);
    };
    const kill = name => {
      const child = children.get(name);
      child?.kill('SIGKILL');
    };
    return {
      tenanted,
      prefixed: { ...prefixed, prefix },
      prometheus,
      sidecar,
      store,
      compact,
      query,
      dead: `127.0.0.1:${dead}`,
      dir,
      startAs,
      startDistributed,
      startDownsampled,
      startHeld,
      stop,
      keepLogs,
      kill,
    };
  } catch (error) {
    for (const name of children.keys()) {
      const lines = readFileSync(join(dir, `${name}.log`), 'utf8')
        .trimEnd()
        .split('\n')
        .slice(-5);
      process.stderr.write(`last of ${name}:\n${lines.join('\n')}\n`);
    }
    await stop();
    throw error;
  }
}

async function metric(http, name) {
  const text = await (await fetch(`${http}/metrics`)).text();
  const values = text.split('\n').filter(line => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return values.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

if (import.meta.filename === process.argv[1]) {
  // What else is no address is a function, which JSON leaves out.
  const { stop, ...addresses } = await startStack();
  process.stdout.write(`${JSON.stringify(addresses, null, 1)}\n`);
  const end = () => void stop().then(() => process.exit(0));
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
}

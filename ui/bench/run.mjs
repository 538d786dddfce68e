// Measures the query page: bytes of the first load, time until the editor can be used, and a graph of 4,000 series.
// THANOS is the program with our pages; with GO_THANOS a querier of Thanos is measured beside it, over the same sidecar.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch } from '../e2e/browser.mjs';
import { startStack } from '../e2e/stack.mjs';

const runs = Number(process.env.RUNS ?? 3);
const graph = new URLSearchParams({ 'g0.expr': 'demo_load', 'g0.tab': '0', 'g0.range_input': '15m' });

const kinds = {
  ours: {
    editor: '[data-expression]',
    execute: '[data-testid=execute]',
    plot: '.u-over',
    /** The legend is there when it names its number of series. */
    legend: () =>
      document.querySelector('[data-testid=legend]')?.textContent?.includes('4,000 series') ?? false,
  },
  thanos: {
    editor: '.cm-content',
    execute: '.execute-btn',
    plot: '.graph-chart canvas.flot-overlay',
    legend: () => document.querySelectorAll('.graph-legend .legend-item').length >= 4000,
  },
};

async function open(browser) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await cdp.send('Network.enable');
  await cdp.send('Performance.enable');
  return { context, page, cdp };
}

async function busy(cdp) {
  const { metrics } = await cdp.send('Performance.getMetrics');
  const of = name => metrics.find(metric => metric.name === name)?.value ?? 0;
  return { task: of('TaskDuration') * 1000, heap: of('JSHeapUsedSize') };
}

// These run in the page at every frame: waiting for a locator looks only every half second after a while.
const shown = selector => document.querySelector(selector)?.checkVisibility() ?? false;
const holds = ([selector, text]) => document.querySelector(selector)?.textContent === text;

/** What an empty query page costs. */
async function firstLoad(browser, base, kind) {
  const { context, page, cdp } = await open(browser);
  let bytes = 0;
  let requests = 0;
  const assets = new Set();
  cdp.on('Network.responseReceived', ({ requestId, response }) => {
    if (!response.url.includes('/api/')) assets.add(requestId);
  });
  cdp.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (!assets.has(requestId)) return;
    bytes += encodedDataLength;
    requests++;
  });
  const started = performance.now();
  await page.goto(`${base}/graph`, { waitUntil: 'commit' });
  await page.waitForFunction(shown, kind.editor, { polling: 'raf' });
  const editor = performance.now() - started;
  // Usable is what shows the first letter.
  await page.locator(kind.editor).first().focus();
  await page.keyboard.press('u');
  await page.waitForFunction(holds, [kind.editor, 'u'], { polling: 'raf' });
  const typed = performance.now() - started;
  await page.waitForFunction(shown, kind.execute, { polling: 'raf' });
  const whole = performance.now() - started;
  await page.waitForLoadState('networkidle');
  await context.close();
  return { bytes, requests, editor, typed, whole };
}

/** A graph of 4,000 series: from the navigation, and from the answer of the server on. */
async function bigGraph(browser, base, kind) {
  const { context, page, cdp } = await open(browser);
  let answered = 0;
  page.on('requestfinished', request => {
    if (request.url().includes('/api/v1/query_range')) answered = performance.now();
  });
  const started = performance.now();
  await page.goto(`${base}/graph?${graph}`, { waitUntil: 'commit' });
  await page.waitForFunction(kind.legend, null, { polling: 'raf', timeout: 60_000 });
  const legend = performance.now() - started;
  const sinceAnswer = performance.now() - answered;
  await page.waitForTimeout(1500);
  const loaded = await busy(cdp);
  const nodes = await page.evaluate(() => document.querySelectorAll('*').length);
  const box = await page.locator(kind.plot).first().boundingBox();
  const moves = 20;
  for (let move = 0; move < moves; move++) {
    await page.mouse.move(
      box.x + box.width * (0.5 + move / moves / 2.2),
      box.y + box.height * (0.3 + (move % 5) / 10),
    );
    await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
  }
  const hovered = await busy(cdp);
  await context.close();
  return {
    legend,
    sinceAnswer,
    mainThread: loaded.task,
    heap: loaded.heap,
    nodes,
    hover: (hovered.task - loaded.task) / moves,
  };
}

function median(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

async function measure(browser, base, kind) {
  const rows = [];
  for (let run = 0; run < runs; run++) {
    rows.push({ ...(await firstLoad(browser, base, kind)), ...(await bigGraph(browser, base, kind)) });
  }
  return Object.fromEntries(Object.keys(rows[0]).map(name => [name, median(rows.map(row => row[name]))]));
}

const titles = {
  bytes: ['first load, kB on the wire', value => (value / 1000).toFixed(0)],
  requests: ['first load, files', value => value.toFixed(0)],
  editor: ['editor there, ms', value => value.toFixed(0)],
  typed: ['a letter typed is shown, ms', value => value.toFixed(0)],
  whole: ['all controls there, ms', value => value.toFixed(0)],
  legend: ['4,000 series: legend, ms after the navigation', value => value.toFixed(0)],
  sinceAnswer: ['4,000 series: legend, ms after the answer', value => value.toFixed(0)],
  mainThread: ['4,000 series: main thread, ms', value => value.toFixed(0)],
  hover: ['4,000 series: main thread, ms a mouse move', value => value.toFixed(1)],
  nodes: ['4,000 series: elements', value => value.toFixed(0)],
  heap: ['4,000 series: JS heap, MB', value => (value / 1e6).toFixed(0)],
};

/** One row a figure, one column a program. */
function table(results) {
  const rows = Object.entries(titles).map(([name, [title, format]]) => [
    title,
    ...Object.values(results).map(result => format(result[name])),
  ]);
  const all = [['', ...Object.keys(results)], ...rows];
  const widths = all[0].map((_, at) => Math.max(...all.map(row => row[at].length)));
  const lines = all.map(row =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))),
  );
  return `${lines.map(line => line.join('  ')).join('\n')}\n`;
}

const stack = await startStack();
const browser = await launch();
try {
  const results = { ours: await measure(browser, stack.query.http, kinds.ours) };
  if (process.env.GO_THANOS) {
    const go = await stack.startAs(
      process.env.GO_THANOS,
      'query9',
      '--query.replica-label=replica',
      `--endpoint=${stack.sidecar.grpc}`,
    );
    results.thanos = await measure(browser, go.http, kinds.thanos);
  }
  process.stdout.write(table(results));
  const folder = join(import.meta.dirname, '../../target/bench-ui');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'query.json'), `${JSON.stringify(results, null, 1)}\n`);
} finally {
  await browser.close();
  await stack.stop();
}

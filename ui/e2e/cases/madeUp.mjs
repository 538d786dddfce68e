// Answers as the servers would send them, where the real ones have too little to press every control for.

/** Lets a page get `data` (or what it returns) from an API in place of the server's; counts how often it was asked. */
export async function answer(page, path, data) {
  const asked = { times: 0 };
  await page.route(
    url => url.pathname.endsWith(`/api/v1/${path}`),
    route => {
      asked.times++;
      const own = typeof data === 'function' ? data(asked.times) : data;
      return route.fulfill({
        contentType: 'application/json',
        body: JSON.stringify({ status: 'success', data: own }),
      });
    },
  );
  return asked;
}

export const hour = 3_600_000;
/** When the first made-up block starts. */
export const start = Date.UTC(2026, 0, 1);

/** A made-up ULID. */
export const ulid = at => `01M7${String(at).padStart(22, '0')}`;

/** A block from one hour to another. */
export function block(at, from, to, more = {}) {
  return {
    id: ulid(at),
    minTime: start + from * hour,
    maxTime: start + to * hour,
    set: 0,
    level: 1,
    resolution: 0,
    source: 'sidecar',
    series: 1000,
    samples: 100_000,
    chunks: 1000,
    indexBytes: 1e6,
    chunkBytes: 9e6,
    totalBytes: 1e7,
    ...more,
  };
}

const mark = (at, kind) => ({ id: ulid(at), kind, time: start / 1000, details: `of ${at}`, reason: '' });

export function overview(labelSets, blocks, more = {}) {
  return {
    label: 'cluster',
    refreshedAt: new Date().toISOString(),
    err: null,
    admin: true,
    labelSets,
    blocks,
    marks: [],
    partial: [],
    ...more,
  };
}

/** Blocks of four levels, three resolutions, three sources and all marks, two of which overlap; a gap in the south. */
export function variedBlocks() {
  return overview(
    [{ cluster: 'north' }, { cluster: 'south' }],
    [
      block(0, 0, 2),
      block(1, 2, 4),
      block(2, 4, 6),
      block(3, 5, 7),
      block(4, 0, 4, { level: 2, source: 'compactor', parents: [ulid(0), ulid(1), ulid(99)] }),
      block(5, 0, 4, { level: 3, resolution: 300_000, source: 'compactor', parents: [ulid(4)] }),
      block(6, 0, 4, { level: 4, resolution: 3_600_000, source: 'compactor', parents: [ulid(5)] }),
      block(7, 0, 2, { set: 1, source: 'receive' }),
      block(8, 10, 12, { set: 1, source: 'receive' }),
    ],
    {
      marks: [mark(1, 'deletion'), mark(2, 'no-compact'), mark(5, 'no-downsample')],
      partial: [{ id: ulid(77), reason: 'no meta.json for two days' }],
    },
  );
}

/** 100,000 blocks of 40 label sets. */
export function manyBlocks() {
  const labelSets = Array.from({ length: 40 }, (_, at) => ({ cluster: `c${at}`, replica: String(at % 2) }));
  const blocks = Array.from({ length: 100_000 }, (_, at) => {
    const slot = Math.floor(at / 40);
    const from = Math.floor(slot / 4) * 2;
    const resolution = [0, 0, 300_000, 3_600_000][slot % 4];
    return block(at, from, from + 2, {
      set: at % 40,
      level: 1 + (slot % 4),
      resolution,
      source: 'compactor',
    });
  });
  return overview(labelSets, blocks);
}

/** Groups of one rule each, the last with an error. */
export function ruleGroups(count) {
  const groups = Array.from({ length: count }, (_, at) => ({
    name: `group-${at}`,
    file: 'made-up.yml',
    interval: 30,
    sources: ['made-up:10901'],
    rules: [
      {
        type: 'alerting',
        name: `Alert${at}`,
        query: `vector(${at}) > 0`,
        duration: 60,
        labels: { team: at % 2 === 0 ? 'even' : 'odd' },
        annotations: {},
        alerts: [],
        state: 'inactive',
        health: at === count - 1 ? 'err' : 'ok',
        lastError: at === count - 1 ? 'many-to-many matching' : '',
        lastEvaluation: new Date().toISOString(),
        evaluationTime: 0.001,
        sources: ['made-up:10901'],
      },
    ],
  }));
  return { groups };
}

/** Scrape pools of one target each. */
export function pools(count) {
  const activeTargets = Array.from({ length: count }, (_, at) =>
    target(`pool-${String(at).padStart(3, '0')}`, at),
  );
  return { activeTargets, droppedTargets: [] };
}

export function target(pool, at) {
  return {
    discoveredLabels: { __address__: `host-${at}:80`, job: pool },
    labels: { instance: `host-${at}:80`, job: pool },
    scrapePool: pool,
    scrapeUrl: `http://host-${at}:80/metrics`,
    globalUrl: `http://host-${at}:80/metrics`,
    lastError: '',
    lastScrape: new Date().toISOString(),
    lastScrapeDuration: 0.01,
    health: 'up',
    sources: ['made-up:10901'],
  };
}

// Every page of the real program in a real browser, with real data. THANOS names the program, which must hold the pages.
import { mkdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { after, before, describe } from 'node:test';
import { launch } from './browser.mjs';
import { alertCases } from './cases/alerts.mjs';
import { axisCases } from './cases/axes.mjs';
import { blockFilterCases } from './cases/block-filters.mjs';
import { blockListCases } from './cases/block-lists.mjs';
import { blockMarkCases } from './cases/block-marks.mjs';
import { blockPointerCases } from './cases/block-pointer.mjs';
import { blockViewCases } from './cases/block-view.mjs';
import { blockCases } from './cases/blocks.mjs';
import { endpointCases } from './cases/endpoints.mjs';
import { explorerCases } from './cases/explorer.mjs';
import { graphCases } from './cases/graph.mjs';
import { historyCases } from './cases/history.mjs';
import { legendCases } from './cases/legend.mjs';
import { navigationCases } from './cases/navigation.mjs';
import { optionCases } from './cases/options.mjs';
import { pageCases } from './cases/pages.mjs';
import { paletteCases } from './cases/palette.mjs';
import { panelCases } from './cases/panels.mjs';
import { queryCases } from './cases/query.mjs';
import { resultCases } from './cases/results.mjs';
import { ruleCases } from './cases/rules.mjs';
import { settingCases } from './cases/settings.mjs';
import { sharedCases } from './cases/shared.mjs';
import { shellCases } from './cases/shell.mjs';
import { statusCases } from './cases/status.mjs';
import { targetCases } from './cases/targets.mjs';
import { timeCases } from './cases/times.mjs';
import { treeCases } from './cases/trees.mjs';
import { startStack } from './stack.mjs';

/** Filled before the cases run. */
const world = {
  artifacts: resolve(process.env.ARTIFACTS ?? resolve(import.meta.dirname, '../../target/e2e-ui')),
};

describe('pages', () => {
  before(async () => {
    rmSync(world.artifacts, { recursive: true, force: true });
    mkdirSync(world.artifacts, { recursive: true });
    world.stack = await startStack();
    world.browser = await launch();
  });
  after(async () => {
    await world.browser?.close();
    if (world.failures > 0) world.stack?.keepLogs(world.artifacts);
    await world.stack?.stop();
  });
  shellCases(world);
  navigationCases(world);
  paletteCases(world);
  settingCases(world);
  queryCases(world);
  panelCases(world);
  resultCases(world);
  optionCases(world);
  timeCases(world);
  historyCases(world);
  explorerCases(world);
  treeCases(world);
  graphCases(world);
  axisCases(world);
  legendCases(world);
  blockCases(world);
  blockFilterCases(world);
  blockViewCases(world);
  blockPointerCases(world);
  blockMarkCases(world);
  blockListCases(world);
  endpointCases(world);
  alertCases(world);
  ruleCases(world);
  targetCases(world);
  statusCases(world);
  sharedCases(world);
  pageCases(world);
});

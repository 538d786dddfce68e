// Every page of the real program in a real browser, with real data. THANOS names the program, which must hold the pages.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { launch } from './browser.mjs';
import { blockCases } from './cases/blocks.mjs';
import { graphCases } from './cases/graph.mjs';
import { pageCases } from './cases/pages.mjs';
import { queryCases } from './cases/query.mjs';
import { shellCases } from './cases/shell.mjs';
import { startStack } from './stack.mjs';

/** Filled before the cases run. */
const world = { artifacts: join(import.meta.dirname, 'artifacts') };

describe('pages', () => {
  before(async () => {
    mkdirSync(world.artifacts, { recursive: true });
    world.stack = await startStack();
    world.browser = await launch();
  });
  after(async () => {
    await world.browser?.close();
    await world.stack?.stop();
  });
  shellCases(world);
  queryCases(world);
  graphCases(world);
  blockCases(world);
  pageCases(world);
});

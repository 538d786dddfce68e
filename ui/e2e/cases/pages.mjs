import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axe } from '../browser.mjs';
import { link, until, visit } from './visit.mjs';

export function pageCases(world) {
  const { artifacts } = world;
  /** Name, component, path, and what must be there before the page is looked at. */
  const all = [
    ['query-table', 'query', link({ expr: 'up', tab: '1' }), page => page.getByTestId('figures').waitFor()],
    [
      'query-graph',
      'query',
      link({ expr: 'zone:demo_load:avg', tab: '0', range_input: '10m' }),
      page => page.getByTestId('legend').waitFor(),
    ],
    [
      'query-tree',
      'query',
      link({ expr: 'sum by (zone) (rate(demo_load[1m]))', tab: 'explain', engine: 'thanos', show_tree: '1' }),
      async page => {
        await page.getByRole('list', { name: 'Explanation' }).waitFor();
        await page.getByTestId('query-tree').getByText('4,000 results').first().waitFor();
      },
    ],
    ['endpoints', 'query', '/stores', page => page.getByText('sidecar', { exact: false }).first().waitFor()],
    ['alerts', 'query', '/alerts', page => page.getByText('AlwaysFiring').waitFor()],
    ['rules', 'query', '/rules', page => page.getByText('zone:demo_load:avg').waitFor()],
    ['targets', 'query', '/targets', page => page.getByText('connection refused').waitFor()],
    [
      'service-discovery',
      'query',
      '/service-discovery',
      page => page.getByText('__address__').first().waitFor(),
    ],
    ['tsdb-status', 'query', '/tsdb-status', page => page.getByText('Labels by memory').waitFor()],
    ['status', 'query', '/status', page => page.getByText('Start time').waitFor()],
    ['flags', 'query', '/flags', page => page.getByText('--grpc-address').waitFor()],
    ['blocks', 'compact', '/blocks', page => page.getByText('Totals by resolution').waitFor()],
    ['loaded', 'store', '/loaded', page => page.getByText('Totals by resolution').waitFor()],
  ];

  for (const scheme of ['light', 'dark']) {
    for (const [name, component, path, ready] of all) {
      test(`${name} is accessible, ${scheme}`, async () => {
        await visit(
          world,
          world.stack[component].http,
          path,
          async page => {
            await ready(page);
            await page.screenshot({ path: `${artifacts}/${name}-${scheme}.png` });
            assert.deepEqual(await axe(page), []);
          },
          { scheme },
        );
      });
    }
  }

  for (const [name, component, path, ready] of all) {
    test(`${name} fits a phone`, async () => {
      await visit(
        world,
        world.stack[component].http,
        path,
        async page => {
          await ready(page);
          await page.screenshot({ path: `${artifacts}/${name}-phone.png` });
          const wide = await page.evaluate(() => document.documentElement.scrollWidth);
          assert.ok(wide <= 390, `${wide} pixels wide`);
        },
        { width: 390, height: 844 },
      );
    });
  }

  // Last, since the store does not come back.
  test('a store that dies is told of', async () => {
    world.stack.kill('store');
    await visit(world, world.stack.query.http, '/graph', async page => {
      await until(
        'banner',
        async () => {
          await page.keyboard.press('Escape');
          await page.getByRole('button', { name: 'Run all' }).click();
          return (await page.getByText('2 of 3 endpoints down').count()) > 0;
        },
        60,
      );
    });
  });
}

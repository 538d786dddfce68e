import assert from 'node:assert/strict';
import { test } from 'node:test';
import { link, param, until, visit } from './visit.mjs';

export function graphCases(world) {
  const base = () => world.stack.query.http;

  test('4,000 series are a graph with few elements', async () => {
    await visit(world, base(), link({ expr: 'demo_load', tab: '0', range_input: '15m' }), async page => {
      await page.getByTestId('legend').getByText('4,000 series').waitFor();
      const nodes = await page.evaluate(() => document.querySelectorAll('*').length);
      assert.ok(nodes < 25_000, `${nodes} elements`);
      const plot = page.locator('.u-over');
      const box = await plot.boundingBox();
      await page.mouse.move(box.x + box.width - 20, box.y + box.height / 2);
      await page
        .getByTestId('chart-tooltip')
        .getByText(/^demo_load \d/)
        .waitFor();
    });
  });

  test('dragging zooms, and the address follows', async () => {
    await visit(
      world,
      base(),
      link({ expr: 'zone:demo_load:avg', tab: '0', range_input: '1h' }),
      async page => {
        await page.getByTestId('legend').waitFor();
        const box = await page.locator('.u-over').boundingBox();
        await page.mouse.move(box.x + box.width / 2, box.y + 50);
        await page.mouse.down();
        await page.mouse.move(box.x + (box.width * 3) / 4, box.y + 60, { steps: 5 });
        await page.mouse.up();
        await until('zoomed', () => /^1[45]m/.test(param(page, 'g0.range_input') ?? ''));
        assert.ok(param(page, 'g0.end_input'));
      },
    );
  });

  test('axes and kinds of graph need no new query', async () => {
    let asked = 0;
    await visit(
      world,
      base(),
      link({ expr: 'zone:demo_load:avg', tab: '0', range_input: '10m' }),
      async page => {
        await page.getByTestId('legend').waitFor();
        await page.getByText('Stacked', { exact: true }).click();
        await until('stacked', () => param(page, 'g0.stacked') === '1');
        await page.getByRole('button', { name: /^Axis/ }).click();
        await page.getByText('Logarithmic').click();
        await until('log', () => param(page, 'g0.y_log') === '1');
        assert.equal(asked, 1);
      },
      { prepare: page => page.on('request', request => request.url().endsWith('/query_range') && asked++) },
    );
  });

  for (const [kind, expr] of [
    ['classic', 'sum by (le) (rate(demo_latency_seconds_bucket[20s]))'],
    ['native', 'rate(demo_native_seconds[20s])'],
  ]) {
    test(`${kind} histograms are heatmaps`, async () => {
      await visit(
        world,
        base(),
        link({ expr, tab: '0', range_input: '5m', display_mode: 'heatmap' }),
        async page => {
          await page.getByRole('img', { name: /^Heatmap of [1-9]/ }).waitFor();
          await page.screenshot({ path: `${world.artifacts}/heatmap-${kind}.png` });
        },
      );
    });
  }

  test('exemplars are shown with their labels', async () => {
    const path = link({
      expr: 'rate(demo_latency_seconds_bucket[20s])',
      tab: '0',
      range_input: '5m',
      show_exemplars: '1',
    });
    await visit(world, base(), path, async page => {
      const got = page.waitForResponse(response => response.url().endsWith('/query_exemplars'));
      const { data } = await (await got).json();
      assert.ok(data.some(series => series.exemplars.length > 0));
      await page.getByTestId('legend').waitFor();
      const box = await page.locator('.u-over').boundingBox();
      await until(
        'an exemplar under the pointer',
        async () => {
          for (let x = box.width - 200; x < box.width; x += 6) {
            for (let y = 10; y < box.height; y += 30) {
              await page.mouse.move(box.x + x, box.y + y);
              if ((await page.getByText(/trace-\d+/).count()) > 0) return true;
            }
          }
          return false;
        },
        60,
      );
    });
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asksFor, enter, visitPanel } from './panel.mjs';
import { param, until } from './visit.mjs';

const fixed = { tab: '0', range_input: '10m', end_input: '2026-01-01 00:00:00', step_input: '60' };

/** A flat line at each of these values. */
function flat(...values) {
  return values.map(value => `label_replace(vector(${value}), "of", "${value}", "", "")`).join(' or ');
}

/** How high on the graph the highest of the lines lies: 0 at the bottom, 1 at the top; -1 when there is none. */
function highest(page) {
  return page
    .locator('.u-over canvas')
    .first()
    .evaluate(canvas => {
      const { width, height } = canvas;
      // Where a line that ends in the middle cannot be.
      const column = canvas.getContext('2d').getImageData(Math.floor(width / 2), 0, 1, height).data;
      for (let y = 0; y < height; y++) if (column[y * 4 + 3] > 150) return 1 - y / height;
      return -1;
    });
}

const rises = (page, wanted) =>
  until(`the highest line at ${wanted}`, async () => Math.abs((await highest(page)) - wanted) < 0.02);

export function axisCases(world) {
  const legend = page => page.getByTestId('legend');
  const axis = page => page.getByRole('button', { name: /^Axis/ });

  test('the value axis has limits, and is linear or logarithmic', async () => {
    await visitPanel(world, { expr: flat(30), ...fixed }, async (page, asked) => {
      await legend(page).getByText('1 series').waitFor();
      await axis(page).click();
      await enter(page.getByLabel('From', { exact: true }), '1');
      await until('from', () => param(page, 'g0.y_axis_min') === '1');
      await enter(page.getByLabel('To', { exact: true }), '101');
      await until('to', () => param(page, 'g0.y_axis_max') === '101');
      await rises(page, 0.29);
      assert.equal(await axis(page).textContent(), 'Axis: linear, limited');
      await enter(page.getByLabel('To', { exact: true }), 'high');
      await page.getByText('a number', { exact: true }).waitFor();
      assert.equal(param(page, 'g0.y_axis_max'), '101');
      await enter(page.getByLabel('To', { exact: true }), '900');
      await page.getByText('Logarithmic').click();
      await until('log', () => param(page, 'g0.y_log') === '1');
      await rises(page, 0.5);
      await page.reload();
      await rises(page, 0.5);
      assert.equal(await axis(page).textContent(), 'Axis: log, limited');
      await axis(page).click();
      await page.getByText('Linear', { exact: true }).click();
      await until('linear', () => param(page, 'g0.y_log') === null);
      await rises(page, 29 / 899);
      await enter(page.getByLabel('From', { exact: true }), '');
      await enter(page.getByLabel('To', { exact: true }), '');
      await until(
        'no limits',
        () => param(page, 'g0.y_axis_min') === null && param(page, 'g0.y_axis_max') === null,
      );
      await rises(page, 0.5);
      assert.equal(await axis(page).textContent(), 'Axis: linear');
      assert.deepEqual(new Set(asked.map(query => query.get('query'))).size, 1);
    });
  });

  test('lines are stacked and unstacked', async () => {
    const params = { expr: flat(10, 20), ...fixed, y_axis_min: '0', y_axis_max: '60' };
    await visitPanel(world, params, async page => {
      await rises(page, 1 / 3);
      await page.getByText('Stacked', { exact: true }).click();
      await until('address', () => param(page, 'g0.stacked') === '1');
      await rises(page, 1 / 2);
      await page.reload();
      await rises(page, 1 / 2);
      // Without the lower one the upper is alone.
      await legend(page).locator('button[aria-pressed]').nth(1).click();
      await rises(page, 1 / 3);
      await page.getByText('Lines', { exact: true }).click();
      await until('address', () => param(page, 'g0.stacked') === '0');
      await rises(page, 1 / 3);
    });
  });

  test('a graph becomes a heatmap where it can', async () => {
    const params = {
      expr: 'sum by (le) (rate(demo_latency_seconds_bucket[20s]))',
      tab: '0',
      range_input: '5m',
    };
    await visitPanel(world, params, async page => {
      await legend(page).waitFor();
      await page.getByText('Heatmap', { exact: true }).click();
      await until('address', () => param(page, 'g0.display_mode') === 'heatmap');
      await page.getByRole('img', { name: /^Heatmap of [1-9]/ }).waitFor();
      assert.equal(await legend(page).count(), 0);
      await page.reload();
      await page.getByRole('img', { name: /^Heatmap of [1-9]/ }).waitFor();
      await page.getByText('Lines', { exact: true }).click();
      await until('address', () => param(page, 'g0.display_mode') === null);
      await legend(page).waitFor();
    });
    await visitPanel(world, { expr: 'vector(1)', ...fixed }, async page => {
      await legend(page).waitFor();
      await page.getByText('Heatmap', { exact: true }).click();
      await page.getByText(/^A heatmap needs native histograms/).waitFor();
    });
  });

  test('earlier lines are drawn beside those of now, and hidden with them', async () => {
    const later = 1_767_225_600 - 1800;
    // One of 10 that was 50 an hour before, and one of 20 that was 40.
    const of = (name, now, before) =>
      `label_replace(vector(${now} + ${before - now} * (time() < bool ${later})), "name", "${name}", "", "")`;
    const params = {
      ...fixed,
      expr: `${of('a', 10, 50)} or ${of('b', 20, 40)}`,
      y_axis_min: '0',
      y_axis_max: '100',
      compare: '1h',
    };
    await visitPanel(world, params, async page => {
      const drawn = () =>
        page
          .locator('.u-over canvas')
          .first()
          .evaluate(canvas => {
            const { width, height } = canvas;
            const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
            const found = new Set();
            for (let at = 3; at < data.length; at += 4)
              if (data[at] > 60) found.add(Math.round((1 - Math.floor(at / 4 / width) / height) * 10) * 10);
            return [...found].sort().join();
          });
      await until('all four', async () => (await drawn()) === '10,20,40,50');
      await legend(page).locator('button[aria-pressed]').first().click();
      await until('those of the first', async () => (await drawn()) === '10,50');
      await legend(page).getByRole('button', { name: 'Show all' }).click();
      await until('all four', async () => (await drawn()) === '10,20,40,50');
    });
  });

  test('exemplars are asked for at a button', async () => {
    const params = { expr: 'rate(demo_latency_seconds_bucket[20s])', tab: '0', range_input: '5m' };
    await visitPanel(world, params, async (page, asked) => {
      await legend(page).waitFor();
      const exemplars = page.getByRole('button', { name: 'Exemplars' });
      assert.equal(
        asked.some(query => query.path === 'query_exemplars'),
        false,
      );
      await exemplars.click();
      await until('asked', () => asked.at(-1).path === 'query_exemplars');
      await asksFor(asked, { query: params.expr });
      await until('address', () => param(page, 'g0.show_exemplars') === '1');
      const points = page.locator('.u-over canvas').nth(1);
      const marks = () =>
        points.evaluate(canvas => {
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          return data.some(byte => byte > 0);
        });
      await until('marks', marks);
      await page.reload();
      await until('marks again', marks);
      assert.equal(await exemplars.getAttribute('aria-pressed'), 'true');
      await exemplars.click();
      await until('address', () => param(page, 'g0.show_exemplars') === null);
      await until('no marks', async () => !(await marks()));
    });
  });

  test('what is under the pointer is pinned and let go', async () => {
    await visitPanel(world, { expr: flat(30), ...fixed }, async page => {
      await legend(page).getByText('1 series').waitFor();
      const box = await page.locator('.u-over').boundingBox();
      const middle = [box.x + box.width / 2, box.y + box.height / 2];
      const tooltip = page.getByTestId('chart-tooltip');
      await page.mouse.move(...middle);
      await tooltip.getByText('"30"').waitFor();
      await page.mouse.move(5, 5);
      await until('gone', async () => (await tooltip.count()) === 0);
      await page.mouse.move(...middle);
      await tooltip.waitFor();
      await page.mouse.click(...middle);
      await tooltip.getByRole('button', { name: 'Unpin' }).waitFor();
      await page.mouse.move(5, 5);
      assert.equal(await tooltip.count(), 1);
      await tooltip.getByRole('button', { name: 'Unpin' }).click();
      await until('let go', async () => (await tooltip.count()) === 0);
    });
  });
}

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { act, rows, visitPanel } from './panel.mjs';
import { until } from './visit.mjs';

export function resultCases(world) {
  /** Saves a file by the panel's menu, and reads it. */
  async function saved(page, item) {
    const download = page.waitForEvent('download');
    await act(page, item);
    const file = await download;
    return { name: file.suggestedFilename(), text: readFileSync(await file.path(), 'utf8') };
  }

  test('results are exported as CSV', async () => {
    await visitPanel(world, { expr: 'zone:demo_load:avg', tab: '1' }, async page => {
      await until('rows', async () => (await rows(page).count()) === 3);
      const { name, text } = await saved(page, 'Export as CSV');
      assert.equal(name, 'query.csv');
      assert.equal(text.trim().split('\n').length, 4);
      assert.match(text, /^__name__,cluster,zone,time,value\n/);
    });
  });

  test('a table and a graph are exported as JSON', async () => {
    const answers = [];
    const prepare = page =>
      page.on('response', async response => {
        if (response.request().method() === 'POST') answers.push((await response.json()).data);
      });
    const expr = 'zone:demo_load:avg';
    for (const [tab, kind] of [
      ['1', 'vector'],
      ['0', 'matrix'],
    ]) {
      await visitPanel(
        world,
        { expr, tab, range_input: '5m' },
        async page => {
          await page.getByTestId('figures').getByText('3 series').waitFor();
          const { name, text } = await saved(page, 'Export as JSON');
          assert.equal(name, 'query.json');
          assert.deepEqual(JSON.parse(text), { expr, data: answers.at(-1) });
          assert.equal(answers.at(-1).resultType, kind);
          assert.equal(answers.at(-1).result.length, 3);
        },
        { prepare },
      );
    }
  });

  test('what is exported of a part of an expression tells the part', async () => {
    const params = { expr: 'zone:demo_load:avg > 1e9', tab: '1', show_tree: '1' };
    await visitPanel(world, params, async page => {
      const tree = page.getByTestId('query-tree');
      await tree.getByRole('button', { name: 'zone:demo_load:avg', exact: true }).click();
      await until('rows', async () => (await rows(page).count()) === 3);
      const { expr, data } = JSON.parse((await saved(page, 'Export as JSON')).text);
      assert.equal(expr, 'zone:demo_load:avg');
      assert.equal(data.result.length, 3);
    });
  });

  test('all rows of a long table are shown when asked for', async () => {
    const copy = name => `label_replace(demo_load, "copy", "${name}", "", "")`;
    await visitPanel(
      world,
      { expr: `${copy('a')} or ${copy('b')} or ${copy('c')}`, tab: '1' },
      async page => {
        await page.getByText('10,000 of 12,000 series.').waitFor();
        const table = page.getByRole('region', { name: 'Result' }).getByRole('table');
        assert.equal(await table.getAttribute('aria-rowcount'), '10000');
        await page.getByRole('button', { name: 'Show all' }).click();
        await until('all', async () => (await table.getAttribute('aria-rowcount')) === '12000');
        assert.ok((await rows(page).count()) < 100);
        const region = page.getByRole('region', { name: 'Result' });
        await until('the last row', async () => {
          await region.evaluate(own => own.scrollTo(0, own.scrollHeight));
          return (await page.locator('tr[data-index="11999"]').count()) === 1;
        });
      },
    );
  });

  test('buckets are opened and closed', async () => {
    await visitPanel(world, { expr: 'rate(demo_native_seconds[20s])', tab: '1' }, async page => {
      const head = page.getByRole('button', { name: /^count .*buckets/ });
      const bucket = page.getByText(/^\(0\.0\d+, 0\.0\d+\]$/).first();
      await head.click();
      await bucket.waitFor();
      assert.equal(await head.getAttribute('aria-expanded'), 'true');
      await head.click();
      await bucket.waitFor({ state: 'detached' });
    });
  });
}

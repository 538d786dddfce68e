import assert from 'node:assert/strict';
import { test } from 'node:test';
import { param, until, visit } from './visit.mjs';

export function statusCases(world) {
  const base = () => world.stack.query.http;
  const told = async path => (await (await fetch(`${base()}/api/v1/${path}`)).json()).data;

  test('flags are sorted by each column, both ways', async () => {
    await visit(world, base(), '/flags', async page => {
      const press = name => page.getByRole('columnheader', { name }).getByRole('button').click();
      const sorted = async (column, turn) => {
        const cells = await page.locator(`tbody td:nth-child(${column})`).allTextContents();
        const wanted = cells.toSorted((a, b) => turn * a.localeCompare(b));
        return cells.length > 50 && cells[0] !== cells.at(-1) && String(cells) === String(wanted);
      };
      await until('by flag', () => sorted(1, 1));
      for (const [name, value, column, turn] of [
        ['Flag', '-flag', 1, -1],
        ['Value', 'value', 2, 1],
        ['Value', '-value', 2, -1],
        ['Flag', null, 1, 1],
      ]) {
        await press(name);
        await until(`by ${name}`, () => sorted(column, turn));
        assert.equal(param(page, 'sort'), value);
        await page.reload();
        await until(`by ${name} again`, () => sorted(column, turn));
        const way = turn === 1 ? 'ascending' : 'descending';
        assert.equal(await page.getByRole('columnheader', { name }).getAttribute('aria-sort'), way);
      }
    });
  });

  test('the status is what the server tells', async () => {
    const [{ startTime, CWD }, { version }] = [
      await told('status/runtimeinfo'),
      await told('status/buildinfo'),
    ];
    await visit(world, base(), '/status', async page => {
      for (const [name, value] of [
        ['Start time', startTime],
        ['Working directory', CWD],
        ['Version', version],
      ]) {
        const row = page.locator('tr').filter({ has: page.getByText(name, { exact: true }) });
        assert.equal(await row.getByRole('cell').textContent(), value);
      }
    });
  });

  test('tables of the TSDB status have as many rows as wished', async () => {
    await visit(world, base(), '/tsdb-status', async page => {
      const rows = async () => {
        const tables = await page.locator('main table').all();
        return Promise.all(tables.map(table => table.locator('tr').count()));
      };
      const have = count =>
        until(`${count} rows`, async () => String(await rows()) === String(Array(4).fill(count)));
      const wished = page.getByLabel('Rows of each table');
      await have(10);
      await wished.fill('3');
      await wished.press('Enter');
      await have(3);
      assert.equal(param(page, 'limit'), '3');
      await page.reload();
      await have(3);
      assert.equal(await wished.inputValue(), '3');
      await wished.fill('0');
      await page.getByText('a number below 10,000').waitFor();
      await wished.press('Enter');
      assert.equal(param(page, 'limit'), '3');
      await wished.fill('5');
      // Leaving the field counts as well.
      await wished.blur();
      await have(5);
      assert.equal(param(page, 'limit'), '5');
    });
  });

  test('metrics and label pairs of the TSDB status are counted by a query', async () => {
    await visit(world, base(), '/tsdb-status', async page => {
      for (const [name, expr, count] of [
        ['demo_load', 'count({__name__="demo_load"})', '4000'],
        ['job=demo', 'count({job="demo"})', null],
      ]) {
        await page.getByRole('link', { name, exact: true }).click();
        await page.waitForURL('**/graph?**');
        assert.equal(param(page, 'g0.expr'), expr);
        await page.getByTestId('figures').getByText('1 series').waitFor();
        if (count !== null) await page.getByRole('cell', { name: count, exact: true }).waitFor();
        await page.goBack();
      }
    });
  });
}

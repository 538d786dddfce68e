import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, hour, start, ulid, variedBlocks } from './madeUp.mjs';
import { param, until, visit } from './visit.mjs';

export function blockListCases(world) {
  const base = () => world.stack.compact.http;
  const side = page => page.getByRole('complementary', { name: 'Block' });
  const at = hours => start + hours * hour;
  const low = { height: 500, prepare: page => answer(page, 'blocks/overview', variedBlocks()) };
  /** Is it where it can be seen, below the header? */
  const inSight = async (page, what) => {
    const box = await what.boundingBox();
    return box !== null && box.y >= 40 && box.y < page.viewportSize().height;
  };

  test('a block of the list of overlaps is shown with its time', async () => {
    await visit(
      world,
      base(),
      `/blocks?refresh=off&min-time=${at(0)}&max-time=${at(1)}`,
      async page => {
        await page.getByRole('button', { name: 'Overlaps: 1' }).click();
        const pair = page.getByRole('region', { name: 'Overlaps: 1' }).getByRole('button');
        await until('open', async () => (await pair.count()) === 2 && (await pair.first().isVisible()));
        await pair.last().click();
        await side(page)
          .getByRole('heading', { name: ulid(3) })
          .waitFor();
        assert.equal(param(page, 'block'), ulid(3));
        await until('its time', () => Number(param(page, 'min-time')) >= at(5));
        await until('in sight', () => inSight(page, side(page).getByRole('heading')));
        await pair.first().click();
        await side(page)
          .getByRole('heading', { name: ulid(2) })
          .waitFor();
        await page.screenshot({ path: `${world.artifacts}/blocks-overlap.png` });
      },
      low,
    );
  });

  test('a gap is listed with its length, and shown', async () => {
    await visit(
      world,
      base(),
      '/blocks?refresh=off',
      async page => {
        await page.getByRole('button', { name: 'Gaps: 1' }).click();
        const gap = page.getByRole('region', { name: 'Gaps: 1' }).locator('tbody tr');
        await gap.getByRole('cell', { name: '8h', exact: true }).waitFor();
        await gap.getByRole('cell', { name: 'cluster="south"' }).waitFor();
        await gap.getByRole('button', { name: 'Show' }).click();
        await until('its time', () => Number(param(page, 'min-time')) === at(2 - 8));
        assert.equal(Number(param(page, 'max-time')), at(10 + 8));
        const lanes = page.getByRole('region', { name: /^Blocks over time/ });
        await until('in sight', () => inSight(page, lanes));
      },
      low,
    );
  });

  test('the lists below the lanes open and close', async () => {
    await visit(
      world,
      base(),
      '/blocks?refresh=off',
      async page => {
        const reason = page.getByText('no meta.json for two days');
        await page.getByRole('button', { name: 'Partial blocks: 1' }).click();
        await until('open', () => reason.isVisible());
        await page.getByText(ulid(77)).waitFor();
        await page.getByRole('button', { name: 'Partial blocks: 1' }).click();
        await until('closed', async () => !(await reason.isVisible()));
        const totals = page.getByRole('region', { name: /^Totals/ });
        const rows = await totals
          .locator('tbody tr')
          .evaluateAll(all => all.map(row => [...row.cells].slice(0, 3).map(cell => cell.textContent)));
        assert.deepEqual(rows, [
          ['raw', '1', '6'],
          ['raw', '2', '1'],
          ['5m', '3', '1'],
          ['1h', '4', '1'],
        ]);
        await page.getByRole('button', { name: /^Totals/ }).click();
        await until('totals closed', async () => !(await totals.isVisible()));
      },
      low,
    );
  });

  test('blocks are loaded again by themselves, as often as chosen', async () => {
    let asked;
    await visit(
      world,
      base(),
      '/blocks?refresh=off',
      async page => {
        const every = page.getByRole('combobox', { name: 'Refresh automatically' });
        const loaded = times => until(`asked ${times} times`, () => asked.times === times);
        await loaded(1);
        await page.clock.fastForward('30:00');
        await every.click();
        await page.getByRole('option', { name: 'Every 30s' }).click();
        await until('address', () => param(page, 'refresh') === '30s');
        assert.equal(asked.times, 1);
        await page.clock.fastForward('00:31');
        await loaded(2);
        await page.reload();
        await loaded(3);
        assert.equal(await every.inputValue(), 'Every 30s');
        await every.click();
        await page.getByRole('option', { name: 'Every 5m' }).click();
        await until('address', () => param(page, 'refresh') === '5m');
        await page.clock.fastForward('05:01');
        await loaded(4);
        await every.click();
        await page.getByRole('option', { name: 'No auto-refresh' }).click();
        await until('address', () => param(page, 'refresh') === 'off');
        await page.clock.fastForward('30:00');
        await page.getByRole('button', { name: 'Load again' }).click();
        await loaded(5);
      },
      {
        prepare: async page => {
          await page.clock.install();
          asked = await answer(page, 'blocks/overview', variedBlocks());
        },
      },
    );
  });
}

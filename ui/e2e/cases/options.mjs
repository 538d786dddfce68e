import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asksFor, enter, pick, rows, visitPanel } from './panel.mjs';
import { param, until } from './visit.mjs';

export function optionCases(world) {
  /** Whether a part of the page is there: `asked 1 of 3 endpoints`, say. */
  const figures = (page, text) => page.getByTestId('figures').getByText(text);

  test('deduplication is turned off and on', async () => {
    await visitPanel(world, { expr: 'up{job="demo"}', tab: '1' }, async (page, asked) => {
      const box = page.getByLabel('Deduplication');
      await until('rows', async () => (await rows(page).count()) === 1);
      assert.equal(await rows(page).getByText('replica').count(), 0);
      await asksFor(asked, { dedup: 'true' });
      await box.click();
      await asksFor(asked, { dedup: 'false' });
      await until('address', () => param(page, 'g0.deduplicate') === '0');
      await rows(page).getByText('replica').waitFor();
      await page.reload();
      await rows(page).getByText('replica').waitFor();
      assert.equal(await box.isChecked(), false);
      await box.click();
      await asksFor(asked, { dedup: 'true' });
      await until('address', () => param(page, 'g0.deduplicate') === '1');
      await until('one', async () => (await rows(page).getByText('replica').count()) === 0);
    });
  });

  test('partial response is turned off and on', async () => {
    await visitPanel(world, { expr: 'up{job="demo"}', tab: '1' }, async (page, asked) => {
      const box = page.getByLabel('Partial response');
      await asksFor(asked, { partial_response: 'true' });
      await box.click();
      await asksFor(asked, { partial_response: 'false' });
      await until('address', () => param(page, 'g0.partial_response') === '0');
      await page.reload();
      await until('kept', async () => !(await box.isChecked()));
      await box.click();
      await asksFor(asked, { partial_response: 'true' });
      await until('address', () => param(page, 'g0.partial_response') === '1');
    });
  });

  test('the engine is chosen, and with it an analysis', async () => {
    await visitPanel(
      world,
      { expr: 'sum(demo_load)', tab: '1', engine: 'prometheus' },
      async (page, asked) => {
        await asksFor(asked, { engine: 'prometheus' });
        const analyze = page.getByLabel('Analyze');
        assert.equal(await analyze.isDisabled(), true);
        await pick(page, 'Engine', 'Engine: Thanos');
        await asksFor(asked, { engine: 'thanos', analyze: null });
        await until('address', () => param(page, 'g0.engine') === 'thanos');
        await analyze.click();
        await asksFor(asked, { engine: 'thanos', analyze: 'true' });
        await until('address', () => param(page, 'g0.analyze') === '1');
        await page.getByTestId('analysis').waitFor();
        await page.reload();
        await page.getByTestId('analysis').waitFor();
        assert.equal(await page.getByRole('combobox', { name: 'Engine' }).inputValue(), 'Engine: Thanos');
        await analyze.click();
        await until('gone', async () => (await page.getByTestId('analysis').count()) === 0);
        await pick(page, 'Engine', 'Engine: Prometheus');
        await asksFor(asked, { engine: 'prometheus' });
        await until('address', () => param(page, 'g0.engine') === 'prometheus');
      },
    );
  });

  test('only the endpoints that are picked are asked', async () => {
    const { sidecar, store } = world.stack;
    const only = name => `{__address__="${name}"}`;
    const chosen = page => JSON.parse(param(page, 'g0.store_matches') ?? '[]').map(({ name }) => name);
    await visitPanel(world, { expr: 'demo_past', tab: '0', range_input: '2d' }, async (page, asked) => {
      const list = page.getByRole('combobox', { name: 'Only these endpoints' });
      await figures(page, 'asked 2 of 3 endpoints').waitFor();
      await list.fill(store.grpc);
      await page.getByRole('option', { name: store.grpc }).click();
      await asksFor(asked, { 'storeMatch[]': only(store.grpc) });
      await until('address', () => chosen(page).join() === store.grpc);
      await figures(page, 'asked 1 of 3 endpoints').waitFor();
      await page.getByRole('option', { name: sidecar.grpc }).click();
      await until('both', () => asked.at(-1).getAll('storeMatch[]').length === 2);
      assert.deepEqual(asked.at(-1).getAll('storeMatch[]'), [only(store.grpc), only(sidecar.grpc)]);
      await until('address', () => chosen(page).join() === `${store.grpc},${sidecar.grpc}`);
      // One is taken out again with the keyboard.
      await list.press('Backspace');
      await until('one', () => chosen(page).join() === store.grpc);
      await page.reload();
      await figures(page, 'asked 1 of 3 endpoints').waitFor();
      await asksFor(asked, { 'storeMatch[]': only(store.grpc) });
      // For the pointer: the keyboard has the key above.
      await page.getByRole('button', { name: 'All endpoints', includeHidden: true }).click();
      await asksFor(asked, { 'storeMatch[]': null });
      await until('address', () => chosen(page).length === 0);
      await figures(page, 'asked 2 of 3 endpoints').waitFor();
    });
  });

  test('the resolution of the data is limited', async () => {
    const params = { expr: 'demo_past', tab: '0', range_input: '2d', max_source_resolution: 'auto' };
    await visitPanel(world, params, async (page, asked) => {
      await asksFor(asked, { max_source_resolution: 'auto' });
      const limit = async (label, value) => {
        await pick(page, 'Maximum source resolution', label);
        await asksFor(asked, { max_source_resolution: value });
        await until('address', () => param(page, 'g0.max_source_resolution') === value);
      };
      await limit('Only raw data', '0s');
      await limit('Max 5m', '5m');
      await limit('Max 1h', '1h');
      await page.reload();
      await page.getByTestId('legend').waitFor();
      const list = page.getByRole('combobox', { name: 'Maximum source resolution' });
      assert.equal(await list.inputValue(), 'Max 1h');
      await limit('Auto downsampling', 'auto');
    });
  });

  test('the points of a graph are as dense as is picked, or as far apart as is typed', async () => {
    const params = { expr: 'zone:demo_load:avg', tab: '0', range_input: '1h', res_density: 'low' };
    await visitPanel(world, params, async (page, asked) => {
      const list = page.getByRole('combobox', { name: 'Density of points' });
      const step = page.getByLabel('Step in seconds');
      await figures(page, 'step 1m').waitFor();
      for (const [label, wanted, seconds, shown] of [
        ['high (5s)', { res_density: 'high' }, '5', 'step 5s'],
        ['medium (15s)', { res_density: null }, '15', 'step 15s'],
        ['5m', { step_input: '300' }, '300', 'step 5m'],
      ]) {
        await pick(page, 'Density of points', label);
        await asksFor(asked, { step: seconds });
        for (const [name, value] of Object.entries(wanted))
          await until(`${name} in the address`, () => param(page, `g0.${name}`) === value);
        await figures(page, shown).waitFor();
      }
      await enter(step, '7');
      await asksFor(asked, { step: '7' });
      await until('address', () => param(page, 'g0.step_input') === '7');
      await until('in the list', async () => (await list.inputValue()) === '7s');
      await page.reload();
      await figures(page, 'step 7s').waitFor();
      assert.equal(await step.inputValue(), '7');
      await enter(step, '-3');
      await page.getByText('seconds', { exact: true }).waitFor();
      assert.equal(param(page, 'g0.step_input'), '7');
      await enter(step, '');
      await asksFor(asked, { step: '15' });
      await until('automatic', () => param(page, 'g0.step_input') === null);
      await pick(page, 'Density of points', 'low (1m)');
      await asksFor(asked, { step: '60' });
      await until('address', () => param(page, 'g0.res_density') === 'low');
    });
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axe } from '../browser.mjs';
import { editor, rows, visitPanel } from './panel.mjs';
import { until, visit } from './visit.mjs';

export function settingCases(world) {
  const query = () => world.stack.query.http;
  const menu = page => page.getByRole('button', { name: 'Settings' }).click();
  const kept = (page, key) => page.evaluate(name => localStorage.getItem(name), key);
  /** Turns a switch of the menu, which is closed again. */
  const turn = async (page, label) => {
    await menu(page);
    await page.getByRole('switch', { name: label }).click();
    await page.keyboard.press('Escape');
    await until('closed', async () => (await page.getByRole('switch', { name: label }).count()) === 0);
  };
  const type = async (page, text) => {
    await editor(page).click();
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.press('Backspace');
    await page.keyboard.type(text, { delay: 20 });
  };
  /** Fills a field of the menu, which is closed again. */
  const fill = async (page, label, text) => {
    await menu(page);
    await page.getByLabel(label, { exact: true }).fill(text);
    await page.keyboard.press('Escape');
  };

  test('times are of the zone in the settings', async () => {
    const params = { expr: 'vector(1)', tab: '1', end_input: '2026-01-01 00:00:00' };
    await visitPanel(world, params, async (page, asked) => {
      await page.getByLabel('Evaluation time (UTC)').waitFor();
      await menu(page);
      const zone = page.getByRole('combobox', { name: 'Time zone' });
      await zone.fill('Asia/Tok');
      await page.getByText('not a time zone').waitFor();
      assert.equal(await kept(page, 'timezone'), null);
      await page.getByRole('option', { name: 'Asia/Tokyo' }).click();
      assert.equal(await kept(page, 'timezone'), '"Asia/Tokyo"');
      await page.keyboard.press('Escape');
      const field = page.getByLabel('Evaluation time (GMT+9)');
      assert.match(await field.inputValue(), /^2026-01-01T09:00/);
      await page.reload();
      await field.fill('2026-01-01T10:00:00');
      await field.press('Enter');
      await until(
        'an hour later',
        () => asked.at(-1)?.get('time') === String(Date.UTC(2026, 0, 1, 1) / 1000),
      );
    });
  });

  test('no history is kept without the setting', async () => {
    await visitPanel(world, { expr: 'vector(1) + 1', tab: '1' }, async page => {
      const run = page.getByRole('button', { name: 'Execute' });
      await turn(page, 'Keep a history of queries');
      assert.equal(await kept(page, 'enable-query-history'), 'false');
      await page.reload();
      await run.click();
      await until('row', async () => (await rows(page).count()) === 1);
      assert.equal(await kept(page, 'history'), null);
      await turn(page, 'Keep a history of queries');
      await run.click();
      await until('kept', async () => (await kept(page, 'history')) === '["vector(1) + 1"]');
    });
  });

  test('nothing is completed without the setting', async () => {
    await visit(world, query(), '/graph', async page => {
      const list = page.locator('.cm-tooltip-autocomplete');
      await turn(page, 'Autocompletion');
      await page.reload();
      await type(page, 'vector(1)');
      await page.keyboard.press('Control+Space');
      await page.keyboard.press('Enter');
      await until('row', async () => (await rows(page).count()) === 1);
      assert.equal(await list.count(), 0);
      await turn(page, 'Autocompletion');
      await type(page, 'zone:demo_l');
      await list.getByText('zone:demo_load:avg').waitFor();
    });
  });

  test('expressions are coloured and checked where the settings say', async () => {
    await visit(world, query(), '/graph', async page => {
      const coloured = page
        .locator('.cm-line span[class]:not([class^="cm-"])')
        .getByText('rate', { exact: true });
      const wrong = page.locator('.cm-lintRange-error').first();
      await type(page, 'rate(up)');
      await page.keyboard.press('Escape');
      await coloured.waitFor();
      await wrong.waitFor();
      await turn(page, 'Syntax highlighting');
      await coloured.waitFor({ state: 'detached' });
      await turn(page, 'Linter');
      await wrong.waitFor({ state: 'detached' });
      assert.deepEqual(
        [await kept(page, 'enable-syntax-highlighting'), await kept(page, 'enable-linter')],
        ['false', 'false'],
      );
      await page.reload();
      await type(page, 'rate(up)');
      assert.equal(await coloured.count(), 0);
      await turn(page, 'Syntax highlighting');
      await coloured.waitFor();
      assert.equal(await wrong.count(), 0);
      await turn(page, 'Linter');
      await type(page, 'rate(down)');
      await wrong.waitFor();
    });
  });

  test('alerts link to the Alertmanager of the settings', async () => {
    await visit(world, query(), '/alerts', async page => {
      await page.getByText('AlwaysFiring').first().waitFor();
      await menu(page);
      await page.getByLabel('Alertmanager').fill('alertmanager:9093');
      await page.getByText('not an http(s) address').waitFor();
      await page.getByLabel('Alertmanager').fill('http://alertmanager.example:9093/');
      await until('taken', async () => (await page.getByText('not an http(s) address').count()) === 0);
      assert.deepEqual(await axe(page), []);
      await page.keyboard.press('Escape');
      await page.reload();
      const alert = page.getByRole('button', { name: /AlwaysFiring/ }).first();
      await alert.click();
      const silence = page.getByRole('link', { name: 'Silence' }).first();
      assert.match(
        await silence.getAttribute('href'),
        /^http:\/\/alertmanager\.example:9093\/#\/silences\/new\?filter=/,
      );
    });
  });

  test('blocks link to the page of the settings', async () => {
    const params = { expr: 'demo_past', tab: '1', range_input: '2d', blocks: '1' };
    params.end_input = new Date(Date.now() - 86_400_000).toISOString().slice(0, 19).replace('T', ' ');
    await visitPanel(world, params, async page => {
      const block = page
        .getByTestId('blocks-read')
        .getByRole('link', { name: /^[0-9A-Z]{26}$/ })
        .first();
      await block.waitFor();
      await fill(page, 'Page of blocks', 'http://blocks.example/loaded');
      const elsewhere = async () =>
        (await block.getAttribute('href')).startsWith('http://blocks.example/loaded?');
      await until('elsewhere', elsewhere);
      await page.reload();
      await until('kept', elsewhere);
      await fill(page, 'Page of blocks', '');
      await until('as before', async () => !(await elsewhere()));
    });
  });

  test('traces link to the address in the settings', async () => {
    await visitPanel(
      world,
      { expr: 'vector(1)', tab: '1' },
      async page => {
        const figures = page.getByTestId('figures');
        await figures.getByText('trace abc123').waitFor();
        assert.equal(await figures.getByRole('link').count(), 0);
        await fill(page, 'Traces', 'http://traces.example/t/{trace}');
        const trace = figures.getByRole('link', { name: 'abc123' });
        await trace.waitFor();
        assert.equal(await trace.getAttribute('href'), 'http://traces.example/t/abc123');
      },
      {
        prepare: page =>
          page.route('**/api/v1/query', async route => {
            const response = await route.fetch();
            await route.fulfill({
              response,
              headers: { ...response.headers(), 'X-Thanos-Trace-ID': 'abc123' },
            });
          }),
      },
    );
  });
}

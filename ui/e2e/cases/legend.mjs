import assert from 'node:assert/strict';
import { test } from 'node:test';
import { visitPanel } from './panel.mjs';
import { until } from './visit.mjs';

const names = ['a', 'b', 'c'];
/** Ten minutes at whose end everything is known. */
const end = 1_767_225_600;
const tenMinutes = { tab: '0', range_input: '10m', end_input: '2026-01-01 00:00:00', step_input: '60' };

/** One that rises from 0 to 600, one that falls from 1,100 to -100, one of 400: each figure has its own order. */
function known() {
  const of = (name, value) => `label_replace(vector(${value}), "name", "${name}", "", "")`;
  return [
    of('a', `time() - ${end - 600}`),
    of('b', `2 * (${end} - time()) - 100`),
    of('c', '400 + 0 * time()'),
  ].join(' or ');
}

export function legendCases(world) {
  const legend = page => page.getByTestId('legend');
  const buttons = page => legend(page).locator('button[aria-pressed]');
  /** The texts of all rows in sight, cell by cell. */
  const cells = page =>
    buttons(page).evaluateAll(all =>
      all.map(row => [...row.querySelectorAll('span')].slice(1).map(cell => cell.textContent)),
    );
  const order = async page => (await cells(page)).map(([name]) => /name="(\w)"/.exec(name)[1]).join('');

  test('the legend isolates, hides and filters', async () => {
    const params = { expr: 'demo_load{rack="r1"}', tab: '0', range_input: '10m' };
    await visitPanel(world, params, async page => {
      await legend(page).getByText('100 series').waitFor();
      await buttons(page).first().click();
      await legend(page).getByText('100 series, 99 hidden').waitFor();
      await buttons(page).first().click();
      await until('all', async () => (await legend(page).getByText('hidden').count()) === 0);
      await buttons(page)
        .nth(1)
        .click({ modifiers: ['Control'] });
      await legend(page).getByText('100 series, 1 hidden').waitFor();
      assert.equal(await buttons(page).nth(1).getAttribute('aria-pressed'), 'false');
      await legend(page).getByRole('button', { name: 'Show all' }).click();
      await until('shown', async () => (await legend(page).getByText('hidden').count()) === 0);
      assert.equal(await buttons(page).nth(1).getAttribute('aria-pressed'), 'true');
      await legend(page).getByLabel('Filter the legend').fill('dev-41"');
      await until('filtered', async () => (await buttons(page).count()) === 1);
    });
  });

  test('the legend is sorted by each of its columns, both ways and not at all', async () => {
    await visitPanel(world, { expr: known(), ...tenMinutes }, async page => {
      await legend(page).getByText('3 series').waitFor();
      for (const [title, first, second] of [
        ['Series', 'abc', 'cba'],
        ['Min', 'cab', 'bac'],
        ['Mean', 'bca', 'acb'],
        ['Max', 'bac', 'cab'],
        ['Last', 'acb', 'bca'],
      ]) {
        const head = legend(page).getByRole('button', { name: `Sort by ${title}` });
        const own = title === 'Series' ? ['↑', '↓'] : ['↓', '↑'];
        for (const [at, wanted] of [first, second].entries()) {
          await head.click();
          await until(`${title}: ${wanted}`, async () => (await order(page)) === wanted);
          assert.equal(await head.textContent(), `${title} ${own[at]}`);
        }
        await head.click();
        await until('as it came', async () => (await order(page)) === names.join(''));
        assert.equal(await head.textContent(), title);
      }
    });
  });

  test('the figures of the legend are those of the samples', async () => {
    await visitPanel(world, { expr: known(), ...tenMinutes }, async page => {
      await legend(page).getByText('3 series').waitFor();
      assert.deepEqual(
        (await cells(page)).map(row => row.slice(1)),
        [
          ['0', '300', '600', '600'],
          ['-100', '500', '1,100', '-100'],
          ['400', '400', '400', '400'],
        ],
      );
    });
    let result;
    const keep = async response => {
      if (response.url().endsWith('/query_range')) result = (await response.json()).data.result;
    };
    const params = { expr: 'demo_load{rack="r1",zone="z1"}', tab: '0', range_input: '5m' };
    const prepare = page => page.on('response', keep);
    await visitPanel(
      world,
      params,
      async page => {
        await legend(page)
          .getByText(/^\d+ series/)
          .waitFor();
        const shown = await cells(page);
        assert.ok(shown.length > 10);
        for (const [at, [name, ...figures]] of shown.entries()) {
          assert.match(name, new RegExp(`device="${result[at].metric.device}"`));
          const values = result[at].values.map(([, text]) => Number(text));
          const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
          const wanted = [Math.min(...values), mean, Math.max(...values), values.at(-1)];
          for (const [column, figure] of figures.entries())
            assert.ok(
              Math.abs(Number(figure.replaceAll(',', '')) - wanted[column]) < 0.001,
              `${name}: ${figures}`,
            );
        }
      },
      { prepare },
    );
  });

  test('labels that all series have are hidden in the legend', async () => {
    const params = { expr: 'zone:demo_load:avg', tab: '0', range_input: '10m' };
    await visitPanel(world, params, async page => {
      await legend(page).getByText('3 series').waitFor();
      const whole = async () => (await cells(page)).map(([name]) => name);
      const before = await whole();
      assert.ok(
        before.every(name => /^zone:demo_load:avg\{cluster="eu1", zone="z\d"\}$/.test(name)),
        before[0],
      );
      await legend(page).getByLabel('Hide common labels').click();
      await until('short', async () => (await whole())[0] === '{zone="z0"}');
      assert.deepEqual(await whole(), ['{zone="z0"}', '{zone="z1"}', '{zone="z2"}']);
      await legend(page).getByLabel('Hide common labels').click();
      await until('long', async () => (await whole())[0] === before[0]);
    });
  });

  test('the series that the legend points at stands out', async () => {
    await visitPanel(world, { expr: known(), ...tenMinutes }, async page => {
      await legend(page).getByText('3 series').waitFor();
      const others = page.locator('.u-over canvas').first();
      const paleness = () => others.evaluate(canvas => canvas.style.opacity);
      await buttons(page).nth(1).hover();
      await until('pale', async () => (await paleness()) === '0.25');
      await page.mouse.move(5, 5);
      await until('as before', async () => (await paleness()) === '1');
      await buttons(page).nth(2).focus();
      await until('pale by keyboard', async () => (await paleness()) === '0.25');
    });
  });
}

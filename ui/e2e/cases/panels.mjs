import assert from 'node:assert/strict';
import { test } from 'node:test';
import { act, editor, enter, listen, rewrite, rows, visitPanel } from './panel.mjs';
import { param, until, visit } from './visit.mjs';

export function panelCases(world) {
  const base = () => world.stack.query.http;
  const button = (page, name) => page.getByRole('button', { name, exact: true });
  const panel = (page, at) => page.getByTestId(`panel-${at}`);
  const exprs = page => page.locator('[data-expression]').allTextContents();

  test('a panel is shown as a table, a graph and an explanation', async () => {
    await visitPanel(world, { expr: 'sum(demo_load)', tab: '1', engine: 'thanos' }, async (page, asked) => {
      await until('row', async () => (await rows(page).count()) === 1);
      await page.getByRole('tab', { name: 'Graph' }).click();
      await page.getByTestId('legend').getByText('1 series').waitFor();
      assert.equal(param(page, 'g0.tab'), '0');
      assert.equal(asked.at(-1).path, 'query_range');
      await page.getByRole('tab', { name: 'Explain' }).click();
      await page.getByRole('list', { name: 'Explanation' }).waitFor();
      assert.equal(param(page, 'g0.tab'), 'explain');
      await page.reload();
      await page.getByRole('list', { name: 'Explanation' }).waitFor();
      await page.getByRole('tab', { name: 'Table' }).click();
      await until('row', async () => (await rows(page).count()) === 1);
      assert.equal(param(page, 'g0.tab'), '1');
    });
  });

  test('the button runs what is in the editor', async () => {
    await visitPanel(world, { expr: 'vector(1)', tab: '1' }, async (page, asked) => {
      await until('row', async () => (await rows(page).count()) === 1);
      await button(page, 'Execute').click();
      await until('again', () => asked.length === 2);
      await rewrite(page, 'vector(2)');
      await button(page, 'Execute').click();
      await rows(page).getByText('2', { exact: true }).waitFor();
      assert.equal(param(page, 'g0.expr'), 'vector(2)');
    });
  });

  test('panels are added, duplicated and removed', async () => {
    const path = '/graph?g0.expr=vector(1)&g0.tab=1&g1.expr=vector(2)&g1.tab=0&g1.range_input=25m';
    await visit(world, base(), path, async page => {
      await page.getByTestId('legend').waitFor();
      await button(page, 'Add panel').click();
      await until('three', async () => (await page.locator('[data-expression]').count()) === 3);
      assert.equal(param(page, 'g2.expr'), '');
      await panel(page, 1).getByRole('button', { name: 'More actions' }).click();
      await page.getByRole('menuitem', { name: 'Duplicate the panel' }).click();
      await until('four', async () => (await page.locator('[data-expression]').count()) === 4);
      for (const [name, value] of Object.entries({ expr: 'vector(2)', tab: '0', range_input: '25m' }))
        assert.equal(param(page, `g3.${name}`), value);
      await panel(page, 3).getByTestId('legend').waitFor();
      await panel(page, 0).getByRole('button', { name: 'More actions' }).click();
      await page.getByRole('menuitem', { name: 'Remove the panel' }).click();
      await until('three again', async () => (await exprs(page)).length === 3);
      await until('the others', async () => [0, 2].every(at => param(page, `g${at}.expr`) === 'vector(2)'));
      const [first, , third] = await exprs(page);
      assert.deepEqual([first, third], ['vector(2)', 'vector(2)']);
      assert.equal(param(page, 'g3.expr'), null);
      await page.reload();
      await until('kept', async () => (await exprs(page)).length === 3);
      await page.goBack();
      await until('back', async () => (await exprs(page)).length === 4);
      assert.equal(param(page, 'g0.expr'), 'vector(1)');
    });
  });

  test('what is not run yet stays with its panel when another goes', async () => {
    const path = '/graph?g0.expr=vector(1)&g0.tab=1&g1.expr=vector(2)&g1.tab=1';
    await visit(world, base(), path, async page => {
      await until('both', async () => (await rows(page).count()) === 2);
      await rewrite(page, 'vector(3)', 1);
      const traced = at => panel(page, at).getByRole('switch', { name: 'Force tracing' });
      await traced(0).click();
      await panel(page, 0).getByRole('button', { name: 'More actions' }).click();
      await page.getByRole('menuitem', { name: 'Remove the panel' }).click();
      await until('one', () => param(page, 'g1.expr') === null);
      assert.equal(param(page, 'g0.expr'), 'vector(2)');
      assert.equal(await page.getByRole('textbox', { name: 'Expression 1' }).textContent(), 'vector(3)');
      assert.equal(await traced(0).isChecked(), false);
      await panel(page, 0).getByRole('button', { name: 'Execute' }).click();
      await rows(page).getByText('3', { exact: true }).waitFor();
    });
  });

  test('the only panel is emptied in place of being removed', async () => {
    await visitPanel(world, { expr: 'vector(1)', tab: '1' }, async page => {
      await until('row', async () => (await rows(page).count()) === 1);
      await act(page, 'Remove the panel');
      await until('empty', () => param(page, 'g0.expr') === '');
      await until('no result', async () => (await rows(page).count()) === 0);
      assert.doesNotMatch((await exprs(page))[0], /vector/);
    });
  });

  test('an expression is taken out of a graph of several', async () => {
    const params = { expr: 'sum(demo_load)', tab: '0', range_input: '5m' };
    await visitPanel(world, params, async page => {
      await page.getByTestId('legend').getByText('1 series').waitFor();
      for (const [at, text] of ['avg(demo_load)', 'max(demo_load)'].entries()) {
        await act(page, 'Add an expression to the graph');
        await enter(page.getByLabel(`Also in the graph, ${at + 1}`), text);
        await page
          .getByTestId('legend')
          .getByText(`${at + 2} series`)
          .waitFor();
      }
      assert.equal(param(page, 'g0.also'), '["avg(demo_load)","max(demo_load)"]');
      await page.reload();
      await page.getByTestId('legend').getByText('3 series').waitFor();
      await button(page, 'Take expression 1 out of the graph').click();
      await page.getByTestId('legend').getByText('2 series').waitFor();
      assert.equal(param(page, 'g0.also'), '["max(demo_load)"]');
      assert.equal(await page.getByLabel('Also in the graph, 1').inputValue(), 'max(demo_load)');
    });
  });

  test('the link is copied by the menu', async () => {
    await visitPanel(
      world,
      { expr: 'zone:demo_load:avg + 3', tab: '1' },
      async page => {
        await until('rows', async () => (await rows(page).count()) === 3);
        await act(page, 'Copy the link');
        await page.getByText('Link copied').waitFor();
        assert.equal(await page.evaluate(() => navigator.clipboard.readText()), page.url());
        await button(page, 'Close').click();
        await until('closed', async () => (await page.getByText('Link copied').count()) === 0);
      },
      {
        prepare: page =>
          page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: base() }),
      },
    );
  });

  test('what cannot be formatted says so', async () => {
    await visit(world, base(), '/graph', async page => {
      await editor(page).click();
      await page.keyboard.type('sum(');
      await act(page, 'Format the expression');
      await page.getByText('Not formatted').waitFor();
      assert.match((await exprs(page))[0], /^sum\(/);
    });
  });

  test('linked panels are let go again', async () => {
    let asked;
    const path = '/graph?g0.expr=vector(1)&g0.tab=0&g1.expr=vector(2)&g1.tab=0&linked=1';
    await visit(
      world,
      base(),
      path,
      async page => {
        await until('both', () => asked.length === 2);
        const linked = page.getByRole('switch', { name: 'Same times in all panels' });
        assert.equal(await linked.isChecked(), true);
        await linked.click();
        await until('not linked', () => param(page, 'linked') === null);
        await enter(page.getByLabel('Range', { exact: true }).first(), '25m');
        await until('one', () => param(page, 'g0.range_input') === '25m');
        assert.equal(param(page, 'g1.range_input'), '1h');
      },
      {
        prepare: page => {
          asked = listen(page);
        },
      },
    );
  });

  test('a part of the program that was not loaded is tried again', async () => {
    let broken = true;
    await visitPanel(
      world,
      { expr: 'vector(1)', tab: '0' },
      async page => {
        const failed = page.getByRole('alert').filter({ hasText: 'This part of the page failed' });
        await failed.waitFor();
        await editor(page).waitFor();
        broken = false;
        await failed.getByRole('button', { name: 'Try again' }).click();
        await page.getByTestId('legend').waitFor();
        assert.equal(await failed.count(), 0);
      },
      {
        expected: /dynamically imported module/,
        prepare: page =>
          page.route('**/assets/GraphView-*.js', route => (broken ? route.abort() : route.continue())),
      },
    );
  });

  test('the keys of the editor break a line, complete, and leave', async () => {
    await visit(world, base(), '/graph', async page => {
      await editor(page).click();
      await page.keyboard.press('Control+Space');
      await page.locator('.cm-tooltip-autocomplete').waitFor();
      await page.keyboard.press('Escape');
      await page.locator('.cm-tooltip-autocomplete').waitFor({ state: 'detached' });
      assert.equal(await editor(page).evaluate(own => own === document.activeElement), true);
      await page.keyboard.type('vector(4)');
      await page.keyboard.press('Shift+Enter');
      await page.keyboard.type('+ 1');
      assert.equal(await editor(page).locator('.cm-line').count(), 2);
      // The first closes what completion is about to offer.
      await until('left', async () => {
        await page.keyboard.press('Escape');
        return editor(page).evaluate(own => own !== document.activeElement);
      });
      assert.equal(param(page, 'g0.expr'), null);
      await editor(page).click();
      await page.keyboard.press('Enter');
      await rows(page).getByText('5', { exact: true }).waitFor();
      assert.equal(param(page, 'g0.expr'), 'vector(4)\n+ 1');
    });
  });
}

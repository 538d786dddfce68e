import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axe } from '../browser.mjs';
import { act, editor, rows, visitPanel } from './panel.mjs';
import { link, param, until, visit } from './visit.mjs';

export function explorerCases(world) {
  const dialog = page => page.getByRole('dialog');
  const button = (page, name) => dialog(page).getByRole('button', { name, exact: true });
  const text = page => editor(page).textContent();
  /** Finds a metric, and presses one of its buttons. */
  const press = async (page, metric, name) => {
    await dialog(page).getByLabel('Search metrics').fill(metric);
    const lines = page.getByRole('region', { name: 'Metrics' }).locator('> div > div');
    const line = lines.filter({ has: page.getByTitle(metric, { exact: true }) });
    await line.getByRole('button', { name, exact: true }).click();
  };
  const explore = page => act(page, 'Explore metrics and labels');
  const copies = {
    prepare: page =>
      page
        .context()
        .grantPermissions(['clipboard-read', 'clipboard-write'], { origin: world.stack.query.http }),
  };

  test('a metric is found, copied and put into the editor', async () => {
    await visit(
      world,
      world.stack.query.http,
      '/graph',
      async page => {
        await explore(page);
        await press(page, 'demo_markup', 'Copy');
        await page.getByText('Name copied').waitFor();
        assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'demo_markup');
        assert.deepEqual(await axe(page), []);
        await press(page, 'demo_markup', 'Insert');
        await until('inserted', async () => (await text(page)) === 'demo_markup');
        await until('closed', async () => (await dialog(page).count()) === 0);
        assert.equal(param(page, 'g0.expr'), null);
        await explore(page);
        await button(page, 'Close').click();
        await until('closed by hand', async () => (await dialog(page).count()) === 0);
      },
      copies,
    );
  });

  test('a selector is put together and taken apart', async () => {
    await visitPanel(world, { expr: 'vector(1)', tab: '1' }, async (page, asked) => {
      await explore(page);
      await press(page, 'demo_load', 'Explore');
      const own = expr => dialog(page).locator('code').getByText(expr, { exact: true }).waitFor();
      await own('demo_load');
      const zone = dialog(page).getByRole('button', { name: /[▾▸] zone$/ });
      await zone.click();
      assert.equal(await zone.getAttribute('aria-expanded'), 'true');
      const counted = value =>
        dialog(page)
          .locator('div')
          .filter({ has: page.getByText(value, { exact: true }) })
          .last();
      await counted('z0').getByText('1,334').waitFor();
      await counted('z1').getByRole('button', { name: 'Filter' }).click();
      await own('demo_load{zone="z1"}');
      await dialog(page).getByText('zone="z1"', { exact: true }).waitFor();
      await zone.click();
      await until('closed', async () => (await zone.getAttribute('aria-expanded')) === 'false');
      await dialog(page)
        .getByRole('button', { name: /[▾▸] rack$/ })
        .click();
      await counted('r7').getByRole('button', { name: 'Filter' }).click();
      await own('demo_load{zone="z1",rack="r7"}');
      await button(page, 'Remove zone').click();
      await own('demo_load{rack="r7"}');
      await button(page, 'Insert').click();
      await until('inserted', async () => (await text(page)) === 'demo_load{rack="r7"}');
      assert.equal(param(page, 'g0.expr'), 'vector(1)');
      assert.equal(
        asked.some(query => query.get('query') === 'demo_load{rack="r7"}'),
        false,
      );
    });
  });

  test('a selector is run, and another metric looked for', async () => {
    await visitPanel(world, { expr: 'vector(1)', tab: '1' }, async page => {
      await explore(page);
      await press(page, 'demo_load', 'Explore');
      await dialog(page).getByText('Labels of demo_load').waitFor();
      await button(page, 'All metrics').click();
      await press(page, 'demo_markup', 'Explore');
      await dialog(page).getByText('Labels of demo_markup').waitFor();
      await button(page, 'Run').click();
      await until('ran', () => param(page, 'g0.expr') === 'demo_markup');
      await until('row', async () => (await rows(page).count()) === 1);
      await page.getByText('<img src=x onerror=alert(1)>').waitFor();
    });
  });

  test('completion and the explorer ask as the tenant of the panel', async () => {
    const asked = [];
    const kinds = ['label/__name__/values', 'labels', 'query'];
    await visit(
      world,
      world.stack.tenanted.http,
      link({ expr: '', tab: '1', tenant: 'team-a' }),
      async page => {
        await editor(page).click();
        await page.keyboard.type('u');
        await until('completion', () => asked.some(([path]) => path === 'label/__name__/values'));
        await page.keyboard.press('Escape');
        await explore(page);
        // Such a tenant has no metrics, so the server is not asked for those of one.
        await dialog(page)
          .getByText(/^0 metrics in the panel/)
          .waitFor();
        const seen = asked.filter(([path]) => kinds.includes(path));
        assert.ok(seen.length >= 2);
        for (const [path, tenant] of seen) assert.equal(tenant, 'team-a', path);
      },
      {
        prepare: page =>
          page.on('request', request => {
            const { pathname, search } = new URL(request.url());
            // The page's look at the server's clock is nobody's.
            if (search.includes('time%28%29')) return;
            asked.push([pathname.replace('/api/v1/', ''), request.headers()['x-team']]);
          }),
      },
    );
  });
}

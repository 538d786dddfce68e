import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axe } from '../browser.mjs';
import { link, param, until, visit } from './visit.mjs';

export function pageCases(world) {
  const { artifacts } = world;
  /** Name, component, path, and what must be there before the page is looked at. */
  const all = [
    ['query-table', 'query', link({ expr: 'up', tab: '1' }), page => page.getByTestId('figures').waitFor()],
    [
      'query-graph',
      'query',
      link({ expr: 'zone:demo_load:avg', tab: '0', range_input: '10m' }),
      page => page.getByTestId('legend').waitFor(),
    ],
    [
      'query-tree',
      'query',
      link({ expr: 'sum by (zone) (rate(demo_load[1m]))', tab: 'explain', engine: 'thanos', show_tree: '1' }),
      async page => {
        await page.getByRole('list', { name: 'Explanation' }).waitFor();
        await page.getByTestId('query-tree').getByText('4,000 results').first().waitFor();
      },
    ],
    ['endpoints', 'query', '/stores', page => page.getByText('sidecar', { exact: false }).first().waitFor()],
    ['alerts', 'query', '/alerts', page => page.getByText('AlwaysFiring').waitFor()],
    ['rules', 'query', '/rules', page => page.getByText('zone:demo_load:avg').waitFor()],
    ['targets', 'query', '/targets', page => page.getByText('connection refused').waitFor()],
    [
      'service-discovery',
      'query',
      '/service-discovery',
      page => page.getByText('__address__').first().waitFor(),
    ],
    ['tsdb-status', 'query', '/tsdb-status', page => page.getByText('Labels by memory').waitFor()],
    ['status', 'query', '/status', page => page.getByText('Start time').waitFor()],
    ['flags', 'query', '/flags', page => page.getByText('--grpc-address').waitFor()],
    ['blocks', 'compact', '/blocks', page => page.getByText('Totals by resolution').waitFor()],
    ['loaded', 'store', '/loaded', page => page.getByText('Totals by resolution').waitFor()],
  ];

  for (const scheme of ['light', 'dark']) {
    for (const [name, component, path, ready] of all) {
      test(`${name} is accessible, ${scheme}`, async () => {
        await visit(
          world,
          world.stack[component].http,
          path,
          async page => {
            await ready(page);
            await page.screenshot({ path: `${artifacts}/${name}-${scheme}.png` });
            assert.deepEqual(await axe(page), []);
          },
          { scheme },
        );
      });
    }
  }

  for (const [name, component, path, ready] of all) {
    test(`${name} fits a phone`, async () => {
      await visit(
        world,
        world.stack[component].http,
        path,
        async page => {
          await ready(page);
          await page.screenshot({ path: `${artifacts}/${name}-phone.png` });
          const wide = await page.evaluate(() => document.documentElement.scrollWidth);
          assert.ok(wide <= 390, `${wide} pixels wide`);
        },
        { width: 390, height: 844 },
      );
    });
  }

  test('endpoints are searched and sorted', async () => {
    await visit(world, world.stack.query.http, '/stores', async page => {
      await page.getByText(world.stack.store.grpc).first().waitFor();
      await page.getByText('Down', { exact: true }).click();
      await until('address', () => param(page, 'state') === 'down');
      await page.getByText(world.stack.dead).first().waitFor();
      assert.equal(await page.getByText(world.stack.store.grpc).count(), 0);
    });
  });

  test('endpoints tell their version and are closed by kind', async () => {
    await visit(world, world.stack.query.http, '/stores', async page => {
      const sidecars = page.getByRole('region', { name: 'sidecar' });
      await sidecars.getByText(/^\d+\.\d+\.\d+ · store, rules/).waitFor();
      await page.getByRole('button', { name: /sidecar 1 of 1 up/ }).click();
      await until('closed', async () => !(await sidecars.isVisible()));
      assert.equal(param(page, 'collapsed'), 'sidecar');
      await page.reload();
      await page.getByRole('button', { name: /sidecar 1 of 1 up/ }).waitFor();
      assert.equal(await sidecars.isVisible(), false);
      await page.getByRole('link', { name: world.stack.store.grpc }).click();
      await page.waitForURL('**/graph?**');
      assert.equal(param(page, 'g0.store_matches'), JSON.stringify([{ name: world.stack.store.grpc }]));
    });
  });

  test('an alert is silenced where the settings say', async () => {
    await visit(
      world,
      world.stack.query.http,
      '/alerts?search=AlwaysFiring',
      async page => {
        await page.getByRole('button', { name: /AlwaysFiring/ }).click();
        const href = await page.getByRole('link', { name: 'Silence' }).getAttribute('href');
        assert.match(
          decodeURIComponent(href),
          /^http:\/\/am\.example\/#\/silences\/new\?filter=\{alertname="AlwaysFiring"/,
        );
      },
      {
        prepare: page =>
          page.addInitScript(() =>
            localStorage.setItem('alertmanager-url', JSON.stringify('http://am.example/')),
          ),
      },
    );
  });

  test('rules have their health, source and links', async () => {
    await visit(world, world.stack.query.http, '/rules?health=ok#demo', async page => {
      await page.getByText(`from ${world.stack.sidecar.grpc}`).first().waitFor();
      await page.getByRole('link', { name: 'zone:demo_load:avg', exact: true }).click();
      await page.waitForURL('**/graph?**');
      await page.getByTestId('figures').getByText('3 series').waitFor();
    });
  });

  test('targets are filtered, closed, and tell where they were found', async () => {
    await visit(world, world.stack.query.http, '/targets', async page => {
      await page.getByText('connection refused').waitFor();
      await page.getByText('down (1)', { exact: true }).first().click();
      await until('address', () => param(page, 'health') === 'down');
      assert.equal(await page.getByRole('button', { name: /^demo/ }).count(), 0);
      assert.ok((await page.getByTitle(/^Discovered: .*__address__="127\.0\.0\.1:1"/).count()) === 1);
      await page.getByRole('button', { name: 'Close all' }).click();
      await until('closed', () => param(page, 'collapsed') === '1');
      assert.equal(await page.getByText('connection refused').count(), 0);
    });
  });

  test('alerts are filtered, opened, and their annotations are text', async () => {
    await visit(world, world.stack.query.http, '/alerts?annotations=1', async page => {
      await page.getByText('firing (1)', { exact: true }).first().click();
      await until('address', () => param(page, 'state') === 'firing');
      assert.equal(await page.getByText('Quiet').count(), 0);
      await page.getByRole('button', { name: /AlwaysFiring/ }).click();
      await until('address', () => param(page, 'open') === 'demo/AlwaysFiring');
      await page.reload();
      await page.getByText('<b>not bold</b>').first().waitFor();
      await page.getByRole('link', { name: 'History' }).press('Enter');
      await page.waitForURL('**/graph?**');
      await page.getByTestId('legend').waitFor();
    });
  });

  // Last, since the store does not come back.
  test('a store that dies is told of', async () => {
    world.stack.kill('store');
    await visit(world, world.stack.query.http, '/graph', async page => {
      await until(
        'banner',
        async () => {
          await page.keyboard.press('Escape');
          await page.getByRole('button', { name: 'Run all' }).click();
          return (await page.getByText('2 of 3 endpoints down').count()) > 0;
        },
        60,
      );
    });
  });
}

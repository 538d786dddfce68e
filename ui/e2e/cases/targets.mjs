import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, pools, target } from './madeUp.mjs';
import { param, until, visit } from './visit.mjs';

export function targetCases(world) {
  const base = () => world.stack.query.http;
  const headings = page => page.getByRole('heading', { level: 2 }).allTextContents();
  const shows = (page, names) =>
    until(`${names}`, async () => String(await headings(page)) === String(names));
  const all = ['demo', 'gone', 'native', 'prometheus'];
  const named = (first, count) =>
    Array.from({ length: count }, (_, at) => `pool-${String(first + at).padStart(3, '0')}`);

  test('targets are filtered, closed, and tell where they were found', async () => {
    await visit(world, base(), '/targets', async page => {
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

  test('targets are searched, and lead to themselves', async () => {
    const answered = await fetch(`${base()}/api/v1/targets?state=active`);
    const { activeTargets } = (await answered.json()).data;
    const native = activeTargets.find(({ scrapePool }) => scrapePool === 'native');
    await visit(world, base(), '/targets', async page => {
      await shows(page, all);
      const search = page.getByLabel('Endpoint or labels');
      await search.fill('/native');
      await shows(page, ['native']);
      assert.equal(param(page, 'search'), '/native');
      await page.reload();
      await shows(page, ['native']);
      const link = page.getByRole('link', { name: native.scrapeUrl });
      assert.equal(await link.getAttribute('href'), native.globalUrl);
      await search.fill('job="demo"');
      await shows(page, ['demo']);
      await search.fill('nothing is called this');
      await page.getByText('No target matches').waitFor();
      await search.fill('');
      await shows(page, all);
    });
  });

  test('targets are closed and opened, one by one and all', async () => {
    await visit(world, base(), '/targets', async page => {
      await shows(page, all);
      const head = name => page.getByRole('button', { name: new RegExp(`^${name}`) });
      const table = name => page.getByRole('region', { name, exact: true });
      const open = names =>
        until(`${names} open`, async () => {
          const found = await Promise.all(all.map(async name => (await table(name).count()) > 0));
          return String(all.filter((_, at) => found[at])) === String(names);
        });
      await open(all);
      await head('demo').click();
      await open(['gone', 'native', 'prometheus']);
      await page.getByRole('button', { name: 'Close all' }).click();
      await open([]);
      await head('native').click();
      await open(['native']);
      await page.reload();
      await shows(page, all);
      await open([]);
      await head('native').click();
      await open(['native']);
      await head('native').click();
      await open([]);
      await page.getByRole('button', { name: 'Open all' }).click();
      await open(all);
      assert.equal(param(page, 'collapsed'), null);
      await head('demo').click();
      await head('demo').click();
      await open(all);
      await page.getByRole('button', { name: 'Close all' }).click();
      await open([]);
    });
  });

  test('pools of targets are paged, and a search begins at its first page', async () => {
    await visit(
      world,
      base(),
      '/targets',
      async page => {
        await shows(page, named(0, 20));
        await page.getByRole('button', { name: 'Page 3' }).click();
        await shows(page, named(40, 5));
        assert.equal(param(page, 'page'), '3');
        await page.reload();
        await shows(page, named(40, 5));
        await page.getByLabel('Endpoint or labels').fill('pool-0');
        await shows(page, named(0, 20));
        assert.equal(param(page, 'page'), null);
        await page.goto(`${base()}/targets?page=none`);
        await shows(page, named(0, 20));
      },
      { prepare: page => answer(page, 'targets', pools(45)) },
    );
  });

  test('of a large pool the first targets are shown, the others found', async () => {
    const activeTargets = Array.from({ length: 230 }, (_, at) => target('large', at));
    await visit(
      world,
      base(),
      '/targets',
      async page => {
        await page.getByText('The first 200 of 230; search for the others.').waitFor();
        assert.equal(await page.getByText('http://host-229:80/metrics').count(), 0);
        await page.getByLabel('Endpoint or labels').fill('host-229');
        await page.getByText('http://host-229:80/metrics').waitFor();
      },
      { prepare: page => answer(page, 'targets', { activeTargets, droppedTargets: [] }) },
    );
  });

  test('what service discovery found is searched', async () => {
    await visit(world, base(), '/service-discovery', async page => {
      await until('all pools', async () => (await headings(page)).length === all.length);
      const search = page.getByLabel('Pool or labels');
      await search.fill('__metrics_path__="/native"');
      await shows(page, ['native']);
      assert.equal(param(page, 'search'), '__metrics_path__="/native"');
      await page.reload();
      await shows(page, ['native']);
      await search.fill('gone');
      await shows(page, ['gone']);
      await search.fill('nothing is called this');
      await page.getByText('Nothing found').waitFor();
    });
  });

  test('what service discovery found is paged, with what relabelling dropped', async () => {
    const { activeTargets } = pools(130);
    const droppedTargets = [{ discoveredLabels: { __address__: 'left-out:80', job: 'pool-zzz' } }];
    await visit(
      world,
      base(),
      '/service-discovery',
      async page => {
        await shows(page, named(0, 100));
        assert.equal(await page.getByText('dropped', { exact: true }).count(), 0);
        await page.getByRole('button', { name: 'next page' }).click();
        await shows(page, [...named(100, 30), 'pool-zzz']);
        await page.getByText('dropped', { exact: true }).waitFor();
        assert.equal(param(page, 'page'), '2');
        await page.reload();
        await shows(page, [...named(100, 30), 'pool-zzz']);
        await page.getByLabel('Pool or labels').fill('pool-');
        await shows(page, named(0, 100));
      },
      { prepare: page => answer(page, 'targets', { activeTargets, droppedTargets }) },
    );
  });
}

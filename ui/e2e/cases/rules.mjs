import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, ruleGroups } from './madeUp.mjs';
import { param, until, visit } from './visit.mjs';

export function ruleCases(world) {
  const base = () => world.stack.query.http;
  const many = { prepare: page => answer(page, 'rules', ruleGroups(45)) };
  /** The groups on the page, in their order. */
  const groups = page => page.getByRole('heading', { level: 2 }).allTextContents();
  const from = (first, count) => Array.from({ length: count }, (_, at) => `group-${first + at}`);
  const shows = (page, names) =>
    until(`${names[0]} to ${names.at(-1)}`, async () => String(await groups(page)) === String(names));

  test('rules have their health, source and links', async () => {
    await visit(world, base(), '/rules?health=ok#demo', async page => {
      await page.getByText(`from ${world.stack.sidecar.grpc}`).first().waitFor();
      await page.getByRole('link', { name: 'zone:demo_load:avg', exact: true }).click();
      await page.waitForURL('**/graph?**');
      await page.getByTestId('figures').getByText('3 series').waitFor();
    });
  });

  test('rules are searched, and lead to what they make and ask', async () => {
    await visit(world, base(), '/rules', async page => {
      const search = page.getByLabel('Name or labels');
      const rule = name => page.getByRole('link', { name, exact: true });
      await rule('Quiet').waitFor();
      await search.fill('zone:demo');
      await until('others gone', async () => (await rule('Quiet').count()) === 0);
      await rule('zone:demo_load:avg').waitFor();
      assert.equal(param(page, 'search'), 'zone:demo');
      await page.reload();
      await rule('zone:demo_load:avg').waitFor();
      assert.equal(await rule('Quiet').count(), 0);
      await search.fill('severity="page"');
      await rule('AlwaysFiring').waitFor();
      assert.equal(await rule('zone:demo_load:avg').count(), 0);
      await rule('AlwaysFiring').click();
      await page.waitForURL('**/graph?**');
      assert.equal(param(page, 'g0.expr'), 'ALERTS{alertname="AlwaysFiring"}');
      await page.goBack();
      await search.fill('zone:demo');
      await page.getByTitle('Run this query').click();
      await page.waitForURL('**/graph?**');
      assert.equal(param(page, 'g0.expr'), 'avg by (zone) (demo_load)');
    });
  });

  test('rules are filtered by their health', async () => {
    await visit(
      world,
      base(),
      '/rules',
      async page => {
        const choose = name => page.getByRole('group', { name: 'Health' }).getByText(name).click();
        await choose('err (1)');
        await shows(page, ['group-44']);
        await page.getByText('many-to-many matching').waitFor();
        assert.equal(param(page, 'health'), 'err');
        await page.reload();
        await shows(page, ['group-44']);
        await choose('ok (44)');
        await shows(page, from(0, 20));
        assert.equal(param(page, 'health'), 'err,ok');
        await choose('err (1)');
        await choose('ok (44)');
        await choose('unknown (0)');
        await page.getByText('No rule matches').waitFor();
        assert.equal(param(page, 'health'), 'unknown');
      },
      many,
    );
  });

  for (const path of ['/alerts', '/rules']) {
    test(`groups of ${path} are paged, and a search begins at its first page`, async () => {
      await visit(
        world,
        base(),
        path,
        async page => {
          const press = name => page.getByRole('button', { name, exact: true }).click();
          await shows(page, from(0, 20));
          await press('Page 3');
          await shows(page, from(40, 5));
          assert.equal(param(page, 'page'), '3');
          await page.reload();
          await shows(page, from(40, 5));
          await press('previous page');
          await shows(page, from(20, 20));
          await press('next page');
          await shows(page, from(40, 5));
          await page.getByLabel('Name or labels').fill('team="even"');
          await until('even ones', async () => (await groups(page)).length === 20);
          assert.deepEqual((await groups(page)).slice(0, 3), ['group-0', 'group-2', 'group-4']);
          assert.equal(param(page, 'page'), null);
        },
        many,
      );
    });

    test(`a group of ${path} has an address`, async () => {
      await visit(
        world,
        base(),
        path,
        async page => {
          await page.getByRole('link', { name: 'group-12', exact: true }).click();
          await until('address', () => new URL(page.url()).hash === '#group-12');
          await page.goto(`${base()}/flags`);
          await page.goto(`${base()}${path}#group-41`);
          await shows(page, from(40, 5));
          const heading = page.getByRole('heading', { name: 'group-41' });
          await until('in sight', async () => {
            const box = await heading.boundingBox();
            return box.y > 0 && box.y < page.viewportSize().height;
          });
        },
        many,
      );
    });
  }
}

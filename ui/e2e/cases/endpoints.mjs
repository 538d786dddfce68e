import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer } from './madeUp.mjs';
import { param, until, visit } from './visit.mjs';

/** Three endpoints that every column puts into another order. */
function sortable() {
  const endpoint = (name, seconds, minTime, maxTime, lastError) => ({
    name,
    lastCheck: new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toISOString(),
    lastError,
    labelSets: [{ replica: name }],
    minTime,
    maxTime,
  });
  const sidecar = [
    endpoint('c', 1, 20, 50, null),
    endpoint('a', 3, 30, 40, null),
    endpoint('b', 2, 10, 60, 'no'),
  ];
  return { sidecar };
}

export function endpointCases(world) {
  const base = () => world.stack.query.http;

  test('endpoints are searched by name, kind and labels', async () => {
    const { sidecar, store, dead } = world.stack;
    await visit(world, base(), '/stores', async page => {
      const link = name => page.getByRole('link', { name, exact: true });
      const shown = async names => {
        const all = [sidecar.grpc, store.grpc, dead];
        for (const name of all) {
          await until(`${name} or not`, async () => (await link(name).count()) > 0 === names.includes(name));
        }
      };
      const search = page.getByLabel('Name, kind or labels');
      await shown([sidecar.grpc, store.grpc, dead]);
      for (const [text, names] of [
        [store.grpc, [store.grpc]],
        ['sidecar', [sidecar.grpc]],
        ['replica="a"', [sidecar.grpc, store.grpc]],
      ]) {
        await search.fill(text);
        await shown(names);
        assert.equal(param(page, 'search'), text);
        await page.reload();
        await link(names[0]).waitFor();
        await shown(names);
        assert.equal(await search.inputValue(), text);
      }
      await search.fill('nothing is called this');
      await page.getByText('No endpoint matches').waitFor();
      await search.fill('');
      await shown([sidecar.grpc, store.grpc, dead]);
      assert.equal(param(page, 'search'), null);
    });
  });

  test('endpoints are filtered by their state', async () => {
    await visit(world, base(), '/stores', async page => {
      await page.getByText(world.stack.store.grpc).first().waitFor();
      const choose = name => page.getByText(name, { exact: true }).click();
      await choose('Down');
      await until('address', () => param(page, 'state') === 'down');
      await page.getByText(world.stack.dead).first().waitFor();
      assert.equal(await page.getByText(world.stack.store.grpc).count(), 0);
      await choose('Up');
      await page.getByText(world.stack.store.grpc).first().waitFor();
      assert.equal(param(page, 'state'), 'up');
      assert.equal(await page.getByText(world.stack.dead).count(), 0);
      await page.reload();
      await page.getByText(world.stack.store.grpc).first().waitFor();
      assert.equal(await page.getByText(world.stack.dead).count(), 0);
      await choose('All');
      await page.getByText(world.stack.dead).first().waitFor();
      assert.equal(param(page, 'state'), null);
    });
  });

  test('endpoints are sorted by each column', async () => {
    await visit(
      world,
      base(),
      '/stores',
      async page => {
        const inOrder = names =>
          until(`order ${names}`, async () => {
            const links = page.getByRole('region', { name: 'sidecar' }).getByRole('link');
            return (await links.allTextContents()).join('') === names;
          });
        const by = page.getByRole('combobox', { name: 'Sort by' });
        await inOrder('abc');
        for (const [option, value, names] of [
          ['Sort by State', 'state', 'bac'],
          ['Sort by From', 'minTime', 'bca'],
          ['Sort by To', 'maxTime', 'acb'],
          ['Sort by Last check', 'lastCheck', 'cba'],
          ['Sort by Endpoint', null, 'abc'],
        ]) {
          await by.click();
          await page.getByRole('option', { name: option }).click();
          await inOrder(names);
          assert.equal(param(page, 'sort'), value);
          await page.reload();
          await inOrder(names);
          assert.equal(await by.inputValue(), option);
        }
      },
      { prepare: page => answer(page, 'stores', sortable()) },
    );
  });

  test('many label sets and long errors are shown when asked for', async () => {
    const [first] = sortable().sidecar;
    const error = `connect: ${'very '.repeat(40)}long`;
    const labelSets = Array.from({ length: 5 }, (_, at) => ({ replica: `r${at}` }));
    await visit(
      world,
      base(),
      '/stores',
      async page => {
        const last = page.getByText('"r4"');
        await page.getByText('"r2"').waitFor();
        assert.equal(await last.count(), 0);
        await page.getByRole('button', { name: 'Show all 5' }).click();
        await last.waitFor();
        await page.getByRole('button', { name: 'Show fewer' }).click();
        await until('fewer', async () => (await last.count()) === 0);
        assert.equal(await page.getByText(error).count(), 0);
        await page.getByRole('button', { name: 'more', exact: true }).click();
        await page.getByText(error).waitFor();
        await page.getByRole('button', { name: 'less', exact: true }).click();
        await until('shorter', async () => (await page.getByText(error).count()) === 0);
      },
      { prepare: page => answer(page, 'stores', { sidecar: [{ ...first, labelSets, lastError: error }] }) },
    );
  });

  test('endpoints tell their version and are closed by kind', async () => {
    await visit(world, base(), '/stores', async page => {
      const sidecars = page.getByRole('region', { name: 'sidecar' });
      const head = page.getByRole('button', { name: /sidecar 1 of 1 up/ });
      await sidecars.getByText(/^\d+\.\d+\.\d+ · store, rules/).waitFor();
      await head.click();
      await until('closed', async () => !(await sidecars.isVisible()));
      assert.equal(param(page, 'collapsed'), 'sidecar');
      await page.reload();
      await head.waitFor();
      assert.equal(await sidecars.isVisible(), false);
      await head.click();
      await until('open', () => sidecars.isVisible());
      assert.equal(param(page, 'collapsed'), null);
      await page.getByRole('link', { name: world.stack.store.grpc }).click();
      await page.waitForURL('**/graph?**');
      assert.equal(param(page, 'g0.store_matches'), JSON.stringify([{ name: world.stack.store.grpc }]));
    });
  });
}

// Controls that several pages have in common.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, ruleGroups } from './madeUp.mjs';
import { until, visit } from './visit.mjs';

export function sharedCases(world) {
  const base = () => world.stack.query.http;

  for (const [component, path, api] of [
    ['query', '/stores', 'stores'],
    ['query', '/alerts', 'rules'],
    ['query', '/rules', 'rules'],
    ['query', '/targets', 'targets'],
    ['query', '/service-discovery', 'targets'],
    ['query', '/tsdb-status', 'status/tsdb'],
    ['compact', '/blocks', 'blocks/overview'],
    ['compact', '/blocks', 'blocks/plan'],
    ['store', '/loaded', 'blocks/overview'],
  ]) {
    test(`${path} asks for ${api} again by button and key`, async () => {
      let asked = 0;
      await visit(
        world,
        world.stack[component].http,
        path,
        async page => {
          const again = page.getByRole('button', { name: 'Load again' });
          const loaded = times =>
            until(`loaded ${times} times`, async () => asked === times && (await again.isEnabled()));
          await loaded(1);
          await again.click();
          await loaded(2);
          await page.locator('body').press('r');
          await loaded(3);
        },
        {
          prepare: async page => {
            // Nothing is loaded again by itself.
            await page.addInitScript(() => {
              const real = window.setInterval;
              window.setInterval = (work, every, ...rest) =>
                every >= 30_000 ? 0 : real(work, every, ...rest);
            });
            page.on('requestfinished', request => {
              if (new URL(request.url()).pathname === `/api/v1/${api}`) asked++;
            });
          },
        },
      );
    });
  }

  test('the search field is reached by its key on each page that has one', async () => {
    await visit(world, base(), '/stores', async page => {
      for (const [path, label] of [
        ['/stores', 'Name, kind or labels'],
        ['/alerts', 'Name or labels'],
        ['/rules', 'Name or labels'],
        ['/targets', 'Endpoint or labels'],
        ['/service-discovery', 'Pool or labels'],
        ['/flags', 'Flag or value'],
      ]) {
        await page.goto(base() + path);
        const search = page.getByLabel(label);
        await search.waitFor();
        await page.keyboard.press('/');
        await until('focus', () => search.evaluate(element => element === document.activeElement));
        assert.equal(await search.inputValue(), '');
      }
    });
  });

  test('a page that failed is tried again with a new answer', async () => {
    let asked;
    const broken = { groups: [{ name: 'no rules', file: '', interval: 1 }] };
    const work = async page => {
      asked = await answer(page, 'rules', times => (times === 1 ? broken : ruleGroups(2)));
      await page.getByRole('navigation').getByRole('link', { name: 'Rules' }).click();
      await page.getByText('This part of the page failed').waitFor();
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.getByRole('heading', { name: 'group-1' }).waitFor();
      assert.equal(asked.times, 2);
    };
    await visit(world, base(), '/flags', work, { expected: /is not iterable/ });
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axe } from '../browser.mjs';
import { until, visit } from './visit.mjs';

const phone = { width: 390, height: 844 };

export function navigationCases(world) {
  const query = () => world.stack.query.http;
  const nav = page => page.getByRole('navigation', { name: 'Pages' });
  const title = (page, text) => page.getByRole('heading', { level: 1 }).filter({ hasText: text }).waitFor();

  test('every link of the header leads to its page, and Back goes back', async () => {
    await visit(world, query(), '/flags', async page => {
      await title(page, 'Flags');
      const names = await nav(page).getByRole('link').allTextContents();
      assert.equal(names.length, 9);
      for (const name of names) {
        const link = nav(page).getByRole('link', { name, exact: true });
        await link.click();
        await title(page, name);
        assert.equal(await link.getAttribute('aria-current'), 'page');
        assert.equal(await nav(page).locator('[aria-current]').count(), 1);
        await until('title', async () => (await page.title()) === `${name} · Thanos Query`);
      }
      await page.goBack();
      await title(page, names.at(-2));
    });
  });

  test('a phone has the pages behind a button', async () => {
    await visit(
      world,
      query(),
      '/stores',
      async page => {
        await title(page, 'Endpoints');
        const burger = page.getByRole('button', { name: 'Navigation' });
        const flags = page.getByRole('link', { name: 'Flags', exact: true });
        assert.equal(await flags.count(), 0);
        await burger.click();
        await flags.waitFor();
        assert.deepEqual(await axe(page), []);
        await burger.click();
        await until('closed', async () => (await flags.count()) === 0);
        await burger.click();
        await flags.click();
        await page.waitForURL('**/flags');
        await title(page, 'Flags');
        await until('closed after a pick', async () => (await flags.count()) === 0);
      },
      phone,
    );
  });

  test('every page has a shortcut, and the list tells them', async () => {
    await visit(world, query(), '/stores', async page => {
      await title(page, 'Endpoints');
      await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
      const list = page.getByRole('dialog');
      await list.getByText('Keyboard shortcuts').waitFor();
      assert.deepEqual(await axe(page), []);
      const keys = await list
        .locator('tr')
        .evaluateAll(all =>
          all
            .map(row => [
              row.cells[0].textContent,
              [...row.querySelectorAll('kbd')].map(key => key.textContent),
            ])
            .filter(([, [first]]) => first === 'g'),
        );
      assert.equal(keys.length, 9);
      await list.getByRole('button', { name: 'Close' }).click();
      await until('closed', async () => (await list.count()) === 0);
      for (const [does, [, key]] of keys) {
        await page.locator('body').press('g');
        await page.keyboard.press(key);
        await title(page, does.replace('Go to ', ''));
        // The editor of an empty query has the keys.
        await page.evaluate(() => document.activeElement?.blur());
      }
    });
  });

  test('a search field is gone to, and a page loaded again, by a key', async () => {
    let asked = 0;
    await visit(
      world,
      query(),
      '/service-discovery',
      async page => {
        await title(page, 'Service discovery');
        await until('loaded', () => asked === 1);
        await page.keyboard.press('/');
        await page.keyboard.type('demo');
        assert.equal(await page.getByLabel('Pool or labels').inputValue(), 'demo');
        await page.evaluate(() => document.activeElement.blur());
        await page.keyboard.press('r');
        await until('loaded again', () => asked === 2);
      },
      {
        prepare: page => page.on('request', request => request.url().includes('/api/v1/targets') && asked++),
      },
    );
  });

  test('the keyboard can skip the header, and the foot has help', async () => {
    await visit(world, query(), '/flags', async page => {
      await title(page, 'Flags');
      await page.keyboard.press('Tab');
      const skip = page.getByRole('link', { name: 'Skip to the content' });
      assert.equal(await skip.evaluate(own => own === document.activeElement), true);
      await page.keyboard.press('Enter');
      await until('in the content', () => page.evaluate(() => document.activeElement?.id === 'main'));
      await title(page, 'Flags');
      assert.match(
        await page.getByRole('link', { name: 'Help' }).getAttribute('href'),
        /^https:\/\/thanos\.io\//,
      );
    });
  });

  test('a link opens in another tab when asked to', async () => {
    await visit(world, query(), '/flags', async page => {
      await title(page, 'Flags');
      // Without windows, not every chromium loads what it opens behind the page.
      const other = page.context().waitForEvent('page');
      await nav(page)
        .getByRole('link', { name: 'Alerts', exact: true })
        .click({ modifiers: ['ControlOrMeta'] });
      await other;
      assert.equal(new URL(page.url()).pathname, '/flags');
    });
  });
}

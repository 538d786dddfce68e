import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axe } from '../browser.mjs';
import { editor } from './panel.mjs';
import { param, until, visit } from './visit.mjs';

export function paletteCases(world) {
  const query = () => world.stack.query.http;
  const field = page => page.getByLabel('Command', { exact: true });
  const entry = (page, name) => page.getByRole('option', { name, exact: true });
  /** Opens the palette, types, and takes the first that is found. */
  const take = async (page, text, name) => {
    await page.keyboard.press('Control+k');
    await field(page).fill(text);
    await until(name, async () => (await entry(page, name).getAttribute('aria-selected')) === 'true');
    await page.keyboard.press('Enter');
    await until('closed', async () => (await field(page).count()) === 0);
  };
  const scheme = page => page.locator('html').getAttribute('data-mantine-color-scheme');
  const kept = (page, key) => page.evaluate(name => localStorage.getItem(name), key);

  test('the palette opens at a button, and is walked with the arrows', async () => {
    await visit(world, query(), '/flags', async page => {
      await page.getByRole('heading', { name: 'Flags' }).waitFor();
      await page.getByRole('button', { name: /^Command palette/ }).click();
      const all = page.getByRole('option');
      await until('first', async () => (await all.first().getAttribute('aria-selected')) === 'true');
      assert.deepEqual(await axe(page), []);
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowDown');
      await until('third', async () => (await all.nth(2).getAttribute('aria-selected')) === 'true');
      await page.keyboard.press('ArrowUp');
      await until('second', async () => (await all.nth(1).getAttribute('aria-selected')) === 'true');
      assert.equal(await field(page).getAttribute('aria-activedescendant'), 'command-1');
      await field(page).fill('no such thing');
      await page.getByText('Nothing found').waitFor();
      await page.keyboard.press('Enter');
      assert.equal(await field(page).count(), 1);
      await page.keyboard.press('Escape');
      await until('closed', async () => (await field(page).count()) === 0);
      assert.equal(new URL(page.url()).pathname, '/flags');
    });
  });

  test('the palette goes to every page of the component', async () => {
    await visit(world, query(), '/flags', async page => {
      const nav = page.getByRole('navigation', { name: 'Pages' }).getByRole('link');
      await nav.first().waitFor();
      const links = await nav.evaluateAll(all => all.map(link => [link.textContent, link.pathname]));
      assert.equal(links.length, 9);
      for (const [title, path] of links) {
        await page.getByRole('button', { name: /^Command palette/ }).click();
        await page.getByRole('option', { name: `Go to ${title}`, exact: true }).click();
        await page.waitForURL(`**${path}*`);
        await page.getByRole('heading', { level: 1 }).filter({ hasText: title }).waitFor();
      }
    });
  });

  test('themes and time zones are set by the palette', async () => {
    await visit(world, query(), '/stores', async page => {
      await page.getByRole('heading', { name: 'Endpoints' }).waitFor();
      await take(page, 'theme dark', 'Settings Theme: dark');
      await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
      assert.equal(await scheme(page), 'dark');
      await take(page, 'theme light', 'Settings Theme: light');
      await page.getByRole('button', { name: 'Theme: light' }).waitFor();
      assert.equal(await scheme(page), 'light');
      await take(page, 'theme auto', 'Settings Theme: auto');
      await page.getByRole('button', { name: 'Theme: of the browser' }).waitFor();
      await take(page, 'zone local', 'Settings Time zone: local');
      assert.equal(await kept(page, 'timezone'), '"local"');
      await take(page, 'zone utc', 'Settings Time zone: UTC');
      assert.equal(await kept(page, 'timezone'), '"UTC"');
    });
  });

  test('past queries and favourites are run by the palette, each listed once', async () => {
    await visit(
      world,
      query(),
      '/flags',
      async page => {
        await page.getByRole('heading', { name: 'Flags' }).waitFor();
        await page.keyboard.press('Control+k');
        await field(page).fill('vector');
        await until('both', async () => (await page.getByRole('option').count()) === 2);
        await page.keyboard.press('Escape');
        await take(page, 'vector(22)', 'Past query vector(22)');
        await page.waitForURL('**/graph?*');
        assert.equal(param(page, 'g0.expr'), 'vector(22)');
        await page.getByTestId('figures').getByText('1 series').waitFor();
        assert.equal(await editor(page).textContent(), 'vector(22)');
      },
      {
        prepare: page =>
          page.addInitScript(() => {
            localStorage.setItem('history', '["vector(21)", "vector(22)"]');
            localStorage.setItem('query-favourites', '["vector(22)"]');
          }),
      },
    );
  });

  test('a palette that was not loaded leaves the page as it is', async () => {
    await visit(
      world,
      query(),
      '/flags',
      async page => {
        await page.getByRole('heading', { name: 'Flags' }).waitFor();
        await page.keyboard.press('Control+k');
        await page.getByText('This part of the page failed').waitFor();
        await page.getByText('--grpc-address').waitFor();
      },
      {
        expected: /dynamically imported module/,
        prepare: page => page.route('**/assets/CommandPalette-*.js', route => route.abort()),
      },
    );
  });
}

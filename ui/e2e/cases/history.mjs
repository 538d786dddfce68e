import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axe } from '../browser.mjs';
import { act, editor, rewrite, rows, visitPanel } from './panel.mjs';
import { param, until } from './visit.mjs';

export function historyCases(world) {
  const dialog = page => page.getByRole('dialog');
  const entry = (page, expr) => dialog(page).getByRole('button', { name: expr, exact: true });
  const text = page => editor(page).textContent();
  const run = async (page, expr) => {
    await rewrite(page, expr);
    await page.getByRole('button', { name: 'Execute' }).click();
    await until(expr, () => param(page, 'g0.expr') === expr);
  };

  test('a past query is found in the history, and all are forgotten', async () => {
    await visitPanel(world, { expr: '', tab: '1' }, async (page, asked) => {
      await act(page, 'History and favourites');
      await dialog(page).getByText('Nothing yet').waitFor();
      assert.equal(await dialog(page).getByRole('button', { name: 'Forget the history' }).count(), 0);
      await page.keyboard.press('Escape');
      await run(page, 'vector(11)');
      await run(page, 'vector(12)');
      await page.reload();
      await act(page, 'History and favourites');
      await entry(page, 'vector(12)').waitFor();
      const past = await dialog(page)
        .getByRole('button', { name: /^vector/ })
        .allTextContents();
      assert.deepEqual(past, ['vector(12)', 'vector(11)']);
      assert.deepEqual(await axe(page), []);
      await dialog(page).getByLabel('Search queries').fill('11');
      await until('found', async () => (await entry(page, 'vector(12)').count()) === 0);
      const before = asked.length;
      await entry(page, 'vector(11)').click();
      await until('in the editor', async () => (await text(page)) === 'vector(11)');
      assert.equal(param(page, 'g0.expr'), 'vector(12)');
      assert.equal(asked.length, before);
      await act(page, 'History and favourites');
      await dialog(page).getByRole('button', { name: 'Forget the history' }).click();
      await dialog(page).getByText('Nothing yet').waitFor();
      await page.reload();
      await until('forgotten', () => page.evaluate(() => localStorage.getItem('history') === '[]'));
    });
  });

  test('favourites are kept, found and taken back', async () => {
    await visitPanel(world, { expr: 'vector(13)', tab: '1' }, async page => {
      await page.getByRole('button', { name: 'Add to the favourites' }).click();
      await page.getByRole('button', { name: 'Take from the favourites' }).waitFor();
      await page.reload();
      const taken = page.getByRole('button', { name: 'Take from the favourites' });
      await taken.waitFor();
      assert.equal(await taken.getAttribute('aria-pressed'), 'true');
      await run(page, 'vector(14)');
      await page.getByRole('button', { name: 'Add to the favourites' }).waitFor();
      await act(page, 'History and favourites');
      await dialog(page).getByText('Favourites', { exact: true }).waitFor();
      await entry(page, 'vector(13)').click();
      await until('in the editor', async () => (await text(page)) === 'vector(13)');
      await taken.click();
      await page.getByRole('button', { name: 'Add to the favourites' }).waitFor();
      assert.equal(await page.evaluate(() => localStorage.getItem('query-favourites')), '[]');
    });
  });

  test('the history is walked to both ends, and what was typed comes back', async () => {
    await visitPanel(world, { expr: '', tab: '1' }, async page => {
      await run(page, 'vector(15)');
      await run(page, 'vector(16)');
      await until('row', async () => (await rows(page).count()) === 1);
      await rewrite(page, 'typed');
      await editor(page).click();
      for (const [key, shown] of [
        ['ArrowUp', 'vector(16)'],
        ['ArrowUp', 'vector(15)'],
        ['ArrowUp', 'vector(15)'],
        ['ArrowDown', 'vector(16)'],
        ['ArrowDown', 'typed'],
      ]) {
        await page.keyboard.press(`Control+${key}`);
        await until(shown, async () => (await text(page)) === shown);
      }
    });
  });
}

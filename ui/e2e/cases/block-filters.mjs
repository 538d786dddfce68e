import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, ulid, variedBlocks } from './madeUp.mjs';
import { param, until, visit } from './visit.mjs';

/** A list, one of its options, what is then in the address, and the blocks that are left. */
const choices = [
  ['Compaction level', 'Level 2', { 'filter-compaction': '1', 'compaction-level': '2' }, [4]],
  ['Compaction level', 'Level 1', { 'filter-compaction': '1', 'compaction-level': '1' }, [0, 1, 2, 3, 7, 8]],
  ['Resolution', '5m', { resolution: '300000' }, [5]],
  ['Resolution', 'raw', { resolution: '0' }, [0, 1, 2, 3, 4, 7, 8]],
  ['Source', 'receive', { source: 'receive' }, [7, 8]],
  ['Marks', 'Any mark', { state: 'marked' }, [1, 2, 5]],
  ['Marks', 'Marked: deletion', { state: 'deletion' }, [1]],
  ['Marks', 'Marked: no compaction', { state: 'no-compact' }, [2]],
  ['Marks', 'Marked: no downsampling', { state: 'no-downsample' }, [5]],
];

export function blockFilterCases(world) {
  const base = () => world.stack.compact.http;
  const lanes = page => page.getByRole('region', { name: /^Blocks over time/ });
  const varied = { prepare: page => answer(page, 'blocks/overview', variedBlocks()) };

  /** The lanes have as many blocks as these, and begin with the first. */
  const shows = async (page, [first, ...others]) => {
    await page.getByText(`${others.length + 1} of 9 blocks in 2 label sets`).waitFor();
    await lanes(page).focus();
    await page.keyboard.press('Escape');
    await page.keyboard.press('ArrowRight');
    await until('the first block', () => param(page, 'block') === ulid(first));
    await page.keyboard.press('Escape');
    await until('no block', () => param(page, 'block') === null);
  };
  const showsAll = page => page.getByText(/^9 blocks in 2 label sets/).waitFor();

  for (const name of new Set(choices.map(([name]) => name))) {
    test(`blocks are filtered by the list "${name}"`, async () => {
      await visit(
        world,
        base(),
        '/blocks',
        async page => {
          const list = page.getByRole('combobox', { name, exact: true });
          for (const [, option, params, left] of choices.filter(([of]) => of === name)) {
            await list.click();
            await page.getByRole('option', { name: option, exact: true }).click();
            await shows(page, left);
            for (const [key, value] of Object.entries(params)) assert.equal(param(page, key), value);
            await page.reload();
            await shows(page, left);
            assert.equal(await list.inputValue(), option);
            // Once more takes it back.
            await list.click();
            await page.getByRole('option', { name: option, exact: true }).click();
            await showsAll(page);
            assert.equal(new URL(page.url()).search, '');
          }
        },
        varied,
      );
    });
  }

  test('the cross of a list takes its filter back', async () => {
    await visit(
      world,
      base(),
      '/blocks?source=receive',
      async page => {
        await shows(page, [7, 8]);
        const field = page.getByRole('combobox', { name: 'Source' }).locator('..');
        await field.locator('button').click();
        await showsAll(page);
        assert.equal(param(page, 'source'), null);
      },
      varied,
    );
  });

  test('blocks are filtered by their labels and ULIDs', async () => {
    await visit(
      world,
      base(),
      '/blocks',
      async page => {
        await showsAll(page);
        // The key for the field to search in.
        await page.keyboard.press('/');
        await page.keyboard.type(`${ulid(3)}, ${ulid(8)}`);
        await shows(page, [3, 8]);
        assert.equal(param(page, 'ulid'), `${ulid(3)}, ${ulid(8)}`);
        await page.getByLabel('Labels').fill('"SOUTH');
        await shows(page, [8]);
        assert.equal(param(page, 'labels'), '"SOUTH');
        await page.reload();
        await shows(page, [8]);
        await page.getByLabel('ULID').fill('');
        await shows(page, [7, 8]);
        const totals = page.getByRole('region', { name: /^Totals/ });
        assert.deepEqual(await totals.locator('tbody tr td:nth-child(3)').allTextContents(), ['2']);
      },
      varied,
    );
  });

  test('only blocks that overlap are shown', async () => {
    await visit(
      world,
      base(),
      '/blocks',
      async page => {
        const only = page.getByRole('switch', { name: 'Only overlapping' });
        await only.click();
        await shows(page, [2, 3]);
        assert.equal(param(page, 'find-overlapping'), '1');
        await page.reload();
        await shows(page, [2, 3]);
        assert.equal(await only.isChecked(), true);
        await only.click();
        await showsAll(page);
        assert.equal(param(page, 'find-overlapping'), null);
      },
      varied,
    );
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, ulid, variedBlocks } from './madeUp.mjs';
import { param, until, visit } from './visit.mjs';

export function blockMarkCases(world) {
  const base = () => world.stack.compact.http;
  const lanes = page => page.getByRole('region', { name: /^Blocks over time/ });
  const side = page => page.getByRole('complementary', { name: 'Block' });
  const dialog = page => page.getByRole('dialog');
  const varied = { prepare: page => answer(page, 'blocks/overview', variedBlocks()) };

  /** The marks that the server knows of a block. */
  const marksOf = async id => {
    const answered = await fetch(`${base()}/api/v1/blocks/overview?view=global`);
    const { marks } = (await answered.json()).data;
    return marks.filter(mark => mark.id === id);
  };

  for (const [name, kind, option] of [
    ['deletion', 'deletion', 'Marked: deletion'],
    ['no compaction', 'no-compact', 'Marked: no compaction'],
  ]) {
    test(`a block is marked for ${name}, found by it, and unmarked`, async () => {
      await visit(world, base(), '/blocks?refresh=off', async page => {
        await lanes(page).focus();
        await page.keyboard.press('ArrowRight');
        await until('a block', () => param(page, 'block') !== null);
        const id = param(page, 'block');
        await side(page)
          .getByRole('button', { name: `Mark: ${name}` })
          .click();
        if (kind === 'deletion')
          await dialog(page)
            .getByText(/deletes the block 2d after/)
            .waitFor();
        await page.getByLabel('Reason').fill(`why ${name}`);
        await dialog(page).getByRole('button', { name: 'Mark', exact: true }).click();
        await page.getByText(`1 marked for ${name}`).waitFor();
        const marks = (await marksOf(id)).filter(mark => mark.kind === kind);
        assert.deepEqual(
          marks.map(({ details }) => details),
          [`why ${name}`],
        );
        await page.getByRole('combobox', { name: 'Marks' }).click();
        await page.getByRole('option', { name: option }).click();
        await page.getByText(/^1 of \d+ blocks/).waitFor();
        await side(page)
          .getByRole('button', { name: `Unmark: ${name}` })
          .click();
        await dialog(page).getByRole('button', { name: 'Take back' }).click();
        await page.getByText('No block matches').waitFor();
        assert.deepEqual(
          (await marksOf(id)).filter(mark => mark.kind === kind),
          [],
        );
      });
    });
  }

  test('a mark that is not given leaves nothing behind', async () => {
    await visit(world, base(), '/blocks?refresh=off', async page => {
      const sent = [];
      page.on('request', request => request.method() === 'POST' && sent.push(request.url()));
      await lanes(page).focus();
      await page.keyboard.press('ArrowRight');
      for (const leave of [
        () => dialog(page).getByRole('button', { name: 'Cancel' }).click(),
        () => page.keyboard.press('Escape'),
      ]) {
        await side(page).getByRole('button', { name: 'Mark: deletion' }).click();
        assert.equal(await page.getByLabel('Reason').inputValue(), '');
        await page.getByLabel('Reason').fill('not this one');
        await leave();
        await until('closed', async () => (await dialog(page).count()) === 0);
      }
      await side(page).getByRole('button', { name: 'Mark: no compaction' }).click();
      assert.equal(await page.getByLabel('Reason').inputValue(), '');
      await dialog(page).getByRole('button', { name: 'Cancel' }).click();
      assert.deepEqual(sent, []);
      assert.deepEqual(await marksOf(param(page, 'block')), []);
    });
  });

  test('a mark that the server refuses is told of', async () => {
    await visit(world, base(), '/blocks?refresh=off', async page => {
      await page.route('**/api/v1/blocks/mark', route =>
        route.fulfill({
          status: 400,
          contentType: 'application/json',
          body: JSON.stringify({ status: 'error', errorType: 'bad_data', error: 'the bucket is read-only' }),
        }),
      );
      await lanes(page).focus();
      await page.keyboard.press('ArrowRight');
      await side(page).getByRole('button', { name: 'Mark: deletion' }).click();
      await dialog(page).getByRole('button', { name: 'Mark', exact: true }).click();
      await page.getByText('The mark was not changed').waitFor();
      await page.getByText('the bucket is read-only').waitFor();
      // Still there, to try again or leave.
      assert.equal(await dialog(page).count(), 1);
    });
  });

  test('a meta.json that cannot be had is told of', async () => {
    await visit(
      world,
      base(),
      `/blocks?refresh=off&block=${ulid(4)}`,
      async page => {
        // The server has no such block.
        await side(page).getByRole('button', { name: 'Download meta.json' }).click();
        await page.getByText('No meta.json', { exact: true }).waitFor();
      },
      varied,
    );
  });

  test('nothing can be marked where the server does not let it', async () => {
    await visit(
      world,
      base(),
      `/blocks?refresh=off&block=${ulid(1)}`,
      async page => {
        await side(page).getByText('Marked for deletion').waitFor();
        await side(page).getByRole('button', { name: 'Download meta.json' }).waitFor();
        assert.equal(
          await side(page)
            .getByRole('button', { name: /^(Mark|Unmark):/ })
            .count(),
          0,
        );
      },
      { prepare: page => answer(page, 'blocks/overview', { ...variedBlocks(), admin: false }) },
    );
  });

  test('the panel of a block leads to what it is made of and part of, and closes', async () => {
    await visit(
      world,
      base(),
      `/blocks?refresh=off&block=${ulid(4)}`,
      async page => {
        await side(page).getByText('Made of').waitFor();
        const to = at => side(page).getByRole('button', { name: new RegExp(`^${ulid(at)}`) });
        assert.equal(await to(99).textContent(), `${ulid(99)} (no longer there)`);
        assert.equal(await to(99).isDisabled(), true);
        await to(1).click();
        await until('a parent', () => param(page, 'block') === ulid(1));
        await side(page).getByText('Part of').waitFor();
        await to(4).click();
        await until('its child', () => param(page, 'block') === ulid(4));
        await to(5).click();
        await side(page)
          .getByRole('heading', { name: ulid(5) })
          .waitFor();
        await side(page).getByRole('button', { name: 'Close' }).click();
        await until('closed', async () => (await side(page).count()) === 0);
        assert.equal(param(page, 'block'), null);
      },
      varied,
    );
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manyBlocks } from './madeUp.mjs';
import { param, until, visit } from './visit.mjs';

export function blockCases(world) {
  const compact = () => world.stack.compact.http;
  let heldCompactor;
  const held = () => {
    heldCompactor ??= world.stack.startHeld();
    return heldCompactor;
  };
  const lanes = page => page.getByRole('region', { name: /^Blocks over time/ });

  test('a block is picked, marked and unmarked', async () => {
    await visit(world, compact(), '/blocks', async page => {
      await lanes(page).focus();
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowRight');
      const side = page.getByRole('complementary', { name: 'Block' });
      await side.getByText('Samples').waitFor();
      const id = param(page, 'block');
      assert.match(id, /^[0-9A-Z]{26}$/);
      await side.getByRole('button', { name: 'Mark: no downsampling' }).click();
      await page.getByLabel('Reason').fill('looked at by a test');
      await page.getByRole('dialog').getByRole('button', { name: 'Mark', exact: true }).click();
      await page.getByText(`${id} is marked for no downsampling`).waitFor();
      await side.getByText('looked at by a test').waitFor();
      await page.getByText('1 marked for no downsampling').waitFor();
      await side.getByRole('button', { name: 'Unmark: no downsampling' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
      await page.getByText(`${id} is no longer marked`).waitFor();
      await side.getByRole('button', { name: 'Mark: no downsampling' }).waitFor();
    });
  });

  test('filters and the view are in the address', async () => {
    await visit(world, compact(), '/blocks', async page => {
      await lanes(page).waitFor();
      await page.getByLabel('ULID').fill('ZZZZ');
      await page.getByText('No block matches').waitFor();
      assert.equal(param(page, 'ulid'), 'ZZZZ');
      await page.getByLabel('ULID').fill('');
      await page.getByRole('button', { name: 'Zoom in' }).click();
      await until('zoomed', () => param(page, 'min-time') !== null && param(page, 'max-time') !== null);
      await page.getByRole('button', { name: 'All', exact: true }).click();
      await until('whole', () => param(page, 'min-time') === null);
      await page.getByRole('button', { name: /^Gaps: [1-9]/ }).click();
      await page.getByRole('button', { name: 'Show' }).first().click();
      await until('gap', () => param(page, 'min-time') !== null);
    });
  });

  test('two handles choose the time that is shown, by keyboard and pointer', async () => {
    await visit(world, compact(), '/blocks', async page => {
      await lanes(page).waitFor();
      const start = page.getByRole('slider', { name: 'Start of the time shown' });
      const end = page.getByRole('slider', { name: 'End of the time shown' });
      await start.focus();
      for (let turn = 0; turn < 3; turn++) await page.keyboard.press('ArrowRight');
      await until('a later start', () => param(page, 'min-time') !== null);
      const before = Number(param(page, 'min-time'));
      assert.equal(String(before), await start.getAttribute('aria-valuenow'));
      const box = await end.boundingBox();
      await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
      await page.mouse.down();
      await page.mouse.move(box.x - 200, box.y + box.height / 2, { steps: 5 });
      await page.mouse.up();
      const whole = Number(await end.getAttribute('aria-valuemax'));
      await until('an earlier end', () => Number(param(page, 'max-time')) < whole);
      assert.equal(Number(param(page, 'min-time')), before);
      await page.reload();
      await lanes(page).waitFor();
      assert.equal(await start.getAttribute('aria-valuenow'), String(before));
    });
  });

  test('meta.json is downloaded', async () => {
    await visit(world, world.stack.store.http, '/loaded', async page => {
      await lanes(page).focus();
      await page.keyboard.press('ArrowRight');
      const saved = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Download meta.json' }).click();
      assert.match((await saved).suggestedFilename(), /-meta\.json$/);
    });
  });

  test('totals tell how long each resolution is kept', async () => {
    const kept = async base => {
      let text;
      await visit(world, base, '/blocks', async page => {
        const row = page.getByRole('region', { name: /^Totals/ }).getByRole('row', { name: /^raw/ });
        text = await row.first().getByRole('cell').last().textContent();
      });
      return text;
    };
    assert.equal(await kept(compact()), '200d');
    assert.equal(await kept((await held()).http), 'for ever');
  });

  test('running and planned compactions are told apart', async () => {
    await visit(world, (await held()).http, '/blocks', async page => {
      await page.getByRole('button', { name: 'Compactions: 1 running, 1 planned' }).click();
      const jobs = page.getByRole('region', { name: /^Compactions/ }).locator('tbody tr');
      await until('both jobs', async () => (await jobs.count()) === 2);
      const cells = await jobs.evaluateAll(rows =>
        rows.map(row => [...row.cells].map(cell => cell.textContent)),
      );
      assert.deepEqual(
        cells.map(([kind]) => kind),
        ['compaction', 'compaction'],
      );
      assert.deepEqual(cells.map(([, state]) => state).sort(), ['planned', 'running']);
      assert.deepEqual(cells.map(row => /north|south/.exec(row[2])?.[0]).sort(), ['north', 'south']);
      for (const row of cells) assert.ok(Number(row.at(-1)) > 1, row.join(', '));
      await page.screenshot({ path: `${world.artifacts}/blocks-compactions.png` });
    });
  });

  test('a bucket that is being read for the first time says so, and fills', async () => {
    const { blocks, ...rest } = manyBlocks();
    const first = { ...rest, refreshedAt: '0001-01-01T00:00:00Z', blocks: blocks.slice(0, 3) };
    let asked = 0;
    await visit(
      world,
      compact(),
      '/blocks?refresh=off',
      async page => {
        await page.getByText('3 blocks so far').waitFor();
        await page.getByText(/^3 blocks in 40 label sets/).waitFor();
        await page.getByText(/ in 1 label set/).waitFor();
        assert.equal(await page.getByText('so far').count(), 0);
        assert.equal(asked, 2);
      },
      {
        prepare: page =>
          page.route('**/api/v1/blocks/overview*', route =>
            asked++ > 0
              ? route.continue()
              : route.fulfill({
                  contentType: 'application/json',
                  body: JSON.stringify({ status: 'success', data: first }),
                }),
          ),
      },
    );
  });

  test('100,000 blocks stay fluid', async () => {
    const body = JSON.stringify({ status: 'success', data: manyBlocks() });
    await visit(
      world,
      compact(),
      '/blocks',
      async page => {
        await page.getByText('100,000 blocks in 40 label sets').waitFor();
        const box = await lanes(page).boundingBox();
        await page.mouse.move(box.x + box.width / 2, box.y + 200);
        // Wheel and drag while the longest task is watched.
        await page.evaluate(() => {
          window.longest = 0;
          new PerformanceObserver(list => {
            for (const entry of list.getEntries()) window.longest = Math.max(window.longest, entry.duration);
          }).observe({ type: 'longtask' });
        });
        await page.keyboard.down('Control');
        for (let turn = 0; turn < 8; turn++) await page.mouse.wheel(0, -200);
        await page.keyboard.up('Control');
        await page.mouse.down();
        await page.mouse.move(box.x + 100, box.y + 200, { steps: 10 });
        await page.mouse.up();
        await page.mouse.wheel(0, 400);
        await page.mouse.move(box.x + 200, box.y + 300, { steps: 5 });
        const longest = await page.evaluate(() => window.longest);
        // Reported, not judged: the machine may be busy with other things.
        process.stdout.write(
          `# longest task while zooming, dragging and scrolling 100,000 blocks: ${Math.round(longest)} ms\n`,
        );
        const nodes = await page.evaluate(() => document.querySelectorAll('*').length);
        assert.ok(nodes < 5000, `${nodes} elements`);
        await page.screenshot({ path: `${world.artifacts}/blocks-100000.png` });
      },
      {
        prepare: page =>
          page.route('**/api/v1/blocks/overview*', route =>
            route.fulfill({ contentType: 'application/json', body }),
          ),
      },
    );
  });
}

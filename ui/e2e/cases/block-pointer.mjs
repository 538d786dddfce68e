import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, hour, start, ulid, variedBlocks } from './madeUp.mjs';
import { param, until, visit } from './visit.mjs';

/** Heights on the canvas, and the share of the time that is free before the first block and after the last. */
const axis = 22;
const title = 24;
const row = 16;
const margin = 0.01;

export function blockPointerCases(world) {
  const base = () => world.stack.compact.http;
  const lanes = page => page.getByRole('region', { name: /^Blocks over time/ });
  const button = (page, name) => page.getByRole('button', { name, exact: true });
  const varied = { prepare: page => answer(page, 'blocks/overview', variedBlocks()) };

  /** Where a time is in a row of the first lane, from the corner of the lanes, when all blocks are seen. */
  const place = async (page, blocks, time, at) => {
    const { width } = await lanes(page).boundingBox();
    const first = Math.min(...blocks.map(block => block.minTime));
    const length = Math.max(...blocks.map(block => block.maxTime)) - first;
    const share = ((time - first) / length + margin) / (1 + 2 * margin);
    return { x: share * width, y: axis + title + at * row + row / 2 };
  };
  const moveTo = async (page, { x, y }) => {
    await lanes(page).scrollIntoViewIfNeeded();
    const box = await lanes(page).boundingBox();
    await page.mouse.move(box.x + x, box.y + y);
  };

  test('a block tells its facts to the pointer, and all of them to a click', async () => {
    const answered = await fetch(`${base()}/api/v1/blocks/overview?view=global`);
    const { blocks } = (await answered.json()).data;
    const [block] = blocks.filter(({ level }) => level === 1).sort((a, b) => a.minTime - b.minTime);
    await visit(world, base(), '/blocks?refresh=off', async page => {
      const over = await place(page, blocks, (block.minTime + block.maxTime) / 2, 0);
      await moveTo(page, over);
      const tip = lanes(page).locator('..').getByText(block.id, { exact: true }).locator('..');
      const text = await tip.textContent();
      assert.match(text, /level 1, raw, [\d.]+ [KM]?i?B, sidecar/);
      assert.match(text, /cluster="eu1"/);
      await page.mouse.down();
      await page.mouse.up();
      await until('chosen', () => param(page, 'block') === block.id);
      const side = page.getByRole('complementary', { name: 'Block' });
      for (const fact of ['From', 'To']) {
        const time = await side.getByRole('row', { name: fact }).first().getByRole('cell').textContent();
        assert.ok(text.includes(time), `${time} in ${text}`);
      }
      await moveTo(page, { ...over, y: axis / 2 });
      await until('no tip', async () => (await tip.count()) === 0);
      await page.mouse.down();
      await page.mouse.up();
      await until('none chosen', () => param(page, 'block') === null);
      assert.equal(await side.count(), 0);
    });
  });

  test('the tip of a marked block tells its mark', async () => {
    await visit(
      world,
      base(),
      '/blocks?refresh=off',
      async page => {
        await moveTo(page, await place(page, variedBlocks().blocks, start + 3 * hour, 0));
        await page.getByText('marked for deletion', { exact: true }).waitFor();
        await page.screenshot({ path: `${world.artifacts}/blocks-tip.png` });
      },
      varied,
    );
  });

  test('dragging moves the time, wheels zoom and move it', async () => {
    await visit(
      world,
      base(),
      '/blocks?refresh=off',
      async page => {
        const time = name => Number(param(page, name));
        await button(page, 'Zoom in').click();
        await until('zoomed', () => param(page, 'min-time') !== null);
        const first = [time('min-time'), time('max-time')];
        await moveTo(page, { x: 200, y: 100 });
        await page.mouse.down();
        await moveTo(page, { x: 300, y: 100 });
        await page.mouse.up();
        await until('earlier', () => time('min-time') < first[0]);
        assert.equal(time('max-time') - time('min-time'), first[1] - first[0]);
        const dragged = time('min-time');
        await page.keyboard.down('Shift');
        await page.mouse.wheel(0, 120);
        await page.keyboard.up('Shift');
        await until('later', () => time('min-time') > dragged);
        assert.equal(time('max-time') - time('min-time'), first[1] - first[0]);
        await page.keyboard.down('Control');
        await page.mouse.wheel(0, -100);
        await page.keyboard.up('Control');
        await until('nearer', () => time('max-time') - time('min-time') < first[1] - first[0]);
        assert.equal(param(page, 'block'), null);
      },
      varied,
    );
  });

  test('the legend has the colours of the blocks and marks', async () => {
    await visit(
      world,
      base(),
      '/blocks?refresh=off',
      async page => {
        const { blocks } = variedBlocks();
        const painted = ({ x, y }) =>
          lanes(page)
            .locator('canvas')
            .evaluate(
              (canvas, [x, y]) => {
                const [red, green, blue] = canvas.getContext('2d').getImageData(x, y, 1, 1).data;
                return `rgb(${red}, ${green}, ${blue})`;
              },
              [Math.round(x), Math.round(y)],
            );
        const named = (name, level) => {
          const entry = page.locator('span').filter({ hasText: new RegExp(`^${name}$`) });
          const swatch = level === null ? entry.locator('span') : entry.getByTitle(`level ${level}`);
          return swatch.evaluate(element => getComputedStyle(element).backgroundColor);
        };
        const inRow = at => place(page, blocks, start + hour, at);
        const same = async (what, colour, where) =>
          until(what, async () => (await painted(where)) === colour);
        await same('raw', await named('raw, level 1–6', 1), await inRow(0));
        await same('level 2', await named('raw, level 1–6', 2), await inRow(2));
        await same('5m', await named('5m, level 1–6', 3), await inRow(3));
        await same('1h', await named('1h, level 1–6', 4), await inRow(4));
        const mark = async (name, hours, at) => {
          const { x, y } = await place(page, blocks, start + hours * hour, at);
          await same(name, await named(`marked: ${name}`, null), { x, y: y + 4 });
        };
        await mark('deletion', 3.5, 0);
        await mark('no compaction', 4.5, 0);
        await mark('no downsampling', 1, 3);
        // A frame, two pixels wide.
        const { x, y } = await place(page, blocks, start, 4);
        await same('being compacted', await named('being compacted', null), { x: Math.ceil(x), y });
      },
      {
        prepare: async page => {
          await varied.prepare(page);
          const job = {
            kind: 'downsampling',
            state: 'running',
            group: 'north',
            labels: {},
            resolution: 3_600_000,
          };
          const jobs = [{ ...job, minTime: start, maxTime: start + 4 * hour, blocks: [ulid(6)] }];
          await answer(page, 'blocks/plan', { computedAt: new Date().toISOString(), jobs, quarantined: [] });
        },
      },
    );
  });
}

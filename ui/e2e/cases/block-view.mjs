import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, block, hour, overview, start, ulid, variedBlocks } from './madeUp.mjs';
import { param, until, visit } from './visit.mjs';

const day = 24 * hour;

export function blockViewCases(world) {
  const base = () => world.stack.compact.http;
  const lanes = page => page.getByRole('region', { name: /^Blocks over time/ });
  const button = (page, name) => page.getByRole('button', { name, exact: true });
  const varied = { prepare: page => answer(page, 'blocks/overview', variedBlocks()) };
  const seen = page => ({ start: Number(param(page, 'min-time')), end: Number(param(page, 'max-time')) });
  /** Waits for another view in the address. */
  const moved = async (page, what, work) => {
    const before = page.url();
    await work();
    await until(what, () => page.url() !== before);
    return seen(page);
  };
  const at = hours => start + hours * hour;
  const part = (from, to) => `/blocks?refresh=off&min-time=${at(from)}&max-time=${at(to)}`;

  test('buttons zoom and move the time of the blocks', async () => {
    await visit(
      world,
      base(),
      part(2, 6),
      async page => {
        const nearer = await moved(page, 'nearer', () => button(page, 'Zoom in').click());
        assert.deepEqual(nearer, { start: at(3), end: at(5) });
        const earlier = await moved(page, 'earlier', () => button(page, 'Earlier').click());
        assert.deepEqual(earlier, { start: at(2), end: at(4) });
        const later = await moved(page, 'later', () => button(page, 'Later').click());
        assert.deepEqual(later, { start: at(3), end: at(5) });
        const farther = await moved(page, 'farther', () => button(page, 'Zoom out').click());
        assert.deepEqual(farther, { start: at(2), end: at(6) });
        await page.reload();
        await button(page, 'Zoom out').click();
        await until('more', () => param(page, 'min-time') !== String(at(2)));
        await moved(page, 'all', () => button(page, 'All').click());
        assert.equal(param(page, 'min-time'), null);
        assert.equal(param(page, 'max-time'), null);
      },
      varied,
    );
  });

  test('lengths of time end where the view ended', async () => {
    await visit(
      world,
      base(),
      part(2, 6),
      async page => {
        for (const days of [1, 7, 30, 180, 360, 720, 1440]) {
          const view = await moved(page, `${days} days`, () => button(page, `${days}d`).click());
          assert.deepEqual(view, { start: at(6) - days * day, end: at(6) });
        }
      },
      varied,
    );
  });

  test('start and end are typed, moved by arrows, and emptied', async () => {
    await visit(
      world,
      base(),
      part(2, 6),
      async page => {
        const press = (what, name) => moved(page, what, () => button(page, name).click());
        assert.deepEqual(await press('start', 'Start: earlier'), { start: at(0), end: at(6) });
        assert.deepEqual(await press('start', 'Start: later'), { start: at(3), end: at(6) });
        assert.deepEqual(await press('end', 'End: later'), { start: at(3), end: at(7.5) });
        assert.deepEqual(await press('end', 'End: earlier'), { start: at(3), end: at(5.25) });
        const type = (name, time) =>
          moved(page, name, async () => {
            await page.getByLabel(name).fill(new Date(time).toISOString().slice(0, 19));
            await page.keyboard.press('Enter');
          });
        assert.deepEqual(await type(/^Start \(/, at(1)), { start: at(1), end: at(5.25) });
        assert.deepEqual(await type(/^End \(/, at(4)), { start: at(1), end: at(4) });
        await page.reload();
        assert.match(await page.getByLabel(/^End \(/).inputValue(), /^2026-01-01T04:00/);
        // The whole has a hundredth of its length at each side.
        const first = await press('the start', 'Start: the first block');
        assert.deepEqual(first, { start: at(-0.12), end: at(4) });
        await moved(page, 'another start', () => button(page, 'Start: later').click());
        const { end } = await press('the end', 'End: the last block');
        assert.equal(end, at(12.12));
        // Emptying the field does the same, again and again.
        for (let turn = 0; turn < 2; turn++) {
          await page.getByLabel(/^Start \(/).fill('');
          await page.keyboard.press('Enter');
          await until('the first block', () => param(page, 'min-time') === null);
          await until('its time', async () => (await page.getByLabel(/^Start \(/).inputValue()) !== '');
        }
      },
      varied,
    );
  });

  test('keys zoom, and walk from block to block', async () => {
    await visit(
      world,
      base(),
      '/blocks?refresh=off',
      async page => {
        await lanes(page).focus();
        const nearer = await moved(page, 'nearer', () => page.keyboard.press('+'));
        assert.deepEqual(nearer, { start: at(2.94), end: at(9.06) });
        await moved(page, 'whole', () => page.keyboard.press('-'));
        assert.equal(param(page, 'min-time'), null);
        const walk = [
          ['ArrowRight', 0],
          ['ArrowRight', 1],
          ['ArrowLeft', 0],
          ['ArrowDown', 3],
          ['ArrowDown', 4],
          ['ArrowUp', 3],
        ];
        for (const [key, to] of walk) {
          await page.keyboard.press(key);
          await until(key, () => param(page, 'block') === ulid(to));
          await page
            .getByRole('status')
            .filter({ hasText: `Block ${ulid(to)}` })
            .waitFor();
        }
        await page.keyboard.press('Escape');
        await until('none', () => param(page, 'block') === null);
      },
      varied,
    );
  });

  test('what a key chooses is scrolled and moved into sight', async () => {
    const sets = Array.from({ length: 60 }, (_, set) => ({ cluster: `c${String(set).padStart(2, '0')}` }));
    const blocks = sets.flatMap((_, set) => [
      block(2 * set, 0, 2, { set }),
      block(2 * set + 1, 10, 12, { set }),
    ]);
    await visit(
      world,
      base(),
      `${part(0, 2)}&block=${ulid(118)}`,
      async page => {
        const scrolled = () => lanes(page).evaluate(element => element.scrollTop);
        await until('the last lane', async () => (await scrolled()) > 1000);
        await lanes(page).focus();
        await page.keyboard.press('ArrowRight');
        await until('the other block', () => param(page, 'block') === ulid(119));
        await until('its time', () => seen(page).start >= at(9) && seen(page).end >= at(12));
        await page.keyboard.press('Escape');
        await page.keyboard.press('ArrowRight');
        await until('the first block', () => param(page, 'block') === ulid(0));
        await until('the top', async () => (await scrolled()) === 0);
      },
      { prepare: page => answer(page, 'blocks/overview', overview(sets, blocks)) },
    );
  });
}

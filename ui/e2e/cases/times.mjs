import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asksFor, editor, enter, listen, pick, rows, visitPanel } from './panel.mjs';
import { param, until, visit } from './visit.mjs';

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const newYear = Date.UTC(2026, 0, 1) / 1000;

export function timeCases(world) {
  const range = page => page.getByLabel('Range', { exact: true });
  const button = (page, name) => page.getByRole('button', { name, exact: true });
  /** Waits for a query of so many seconds, which ended so many before now. */
  const asksForTimes = (asked, length, ago) =>
    until(`${length} s, ${ago} s ago`, () => {
      const [start, end] = ['start', 'end'].map(name => Number(asked.at(-1)?.get(name)));
      // The page's now was not long ago, however slow the machine is.
      const passed = Date.now() / 1000 - ago - end;
      return Math.abs(end - start - length) < 0.01 && passed > -1 && passed < 10 * minute;
    });

  test('the range of a graph is made longer and shorter, and typed', async () => {
    const params = { expr: 'vector(1)', tab: '0', range_input: '1h' };
    await visitPanel(world, params, async (page, asked) => {
      await asksForTimes(asked, hour, 0);
      await button(page, 'Longer range').click();
      await asksForTimes(asked, 2 * hour, 0);
      assert.equal(param(page, 'g0.range_input'), '2h');
      await enter(range(page), '45m');
      await asksForTimes(asked, 45 * minute, 0);
      await button(page, 'Shorter range').click();
      await asksForTimes(asked, 30 * minute, 0);
      assert.equal(await range(page).inputValue(), '30m');
      assert.equal(param(page, 'g0.range_input'), '30m');
      await enter(range(page), '500ms');
      await page.getByText('a duration such as 1h30m, from 1s on').waitFor();
      assert.equal(param(page, 'g0.range_input'), '30m');
      await enter(range(page), '1s');
      await asksForTimes(asked, 1, 0);
      assert.equal(await button(page, 'Shorter range').isDisabled(), true);
      await page.reload();
      await until('kept', async () => (await range(page).inputValue()) === '1s');
    });
  });

  test('each relative range is of the time that it says', async () => {
    const params = { expr: 'vector(1)', tab: '0', range_input: '2h', end_input: '2026-01-01 00:00:00' };
    await visitPanel(world, params, async (page, asked) => {
      for (const [name, text, length, ago, offset] of [
        ['Last 15 minutes', '15m', 15 * minute, 0, null],
        ['Last hour', '1h', hour, 0, null],
        ['Last 6 hours', '6h', 6 * hour, 0, null],
        ['Last 24 hours', '1d', day, 0, null],
        ['Last 7 days', '1w', 7 * day, 0, null],
        ['Last 28 days', '4w', 28 * day, 0, null],
        ['Last hour, a day ago', '1h', hour, day, '1d'],
        ['Last 6 hours, a day ago', '6h', 6 * hour, day, '1d'],
        ['Last 24 hours, a week ago', '1d', day, 7 * day, '1w'],
      ]) {
        await button(page, 'Relative ranges').click();
        await page.getByRole('menuitem', { name, exact: true }).click();
        await asksForTimes(asked, length, ago);
        assert.equal(param(page, 'g0.range_input'), text);
        assert.equal(param(page, 'g0.end_offset'), offset);
        assert.equal(param(page, 'g0.end_input'), null);
        assert.equal(await range(page).inputValue(), text);
      }
      await page.reload();
      await asksForTimes(asked, day, 7 * day);
      // The table is of the same time, and says so.
      await page.getByRole('tab', { name: 'Table' }).click();
      await until('a week ago', () => {
        const ago = Date.now() / 1000 - Number(asked.at(-1)?.get('time'));
        return ago > 7 * day - 1 && ago < 7 * day + 10 * minute;
      });
      assert.match(await page.getByLabel(/^Evaluation time \(/).inputValue(), /^\d{4}-/);
      await button(page, 'Evaluation time: now').click();
      await until('now', () => Date.now() / 1000 - Number(asked.at(-1)?.get('time')) < 10 * minute);
      assert.equal(param(page, 'g0.end_offset'), null);
    });
  });

  for (const [label, tab, name] of [
    ['End time', '0', 'end'],
    ['Evaluation time', '1', 'time'],
  ]) {
    test(`${label.toLowerCase()} is typed, moved by half a range, and taken away`, async () => {
      const params = { expr: 'vector(1)', tab, range_input: '1h' };
      await visitPanel(world, params, async (page, asked) => {
        const field = page.getByLabel(new RegExp(`^${label} \\(UTC\\)$`));
        const at = async (time, text) => {
          await asksFor(asked, { [name]: String(time) });
          for (const input of ['end_input', 'moment_input'])
            await until(input, () => param(page, `g0.${input}`) === text);
          const local = text.replace(' ', 'T');
          await until('field', async () => (await field.inputValue()).padEnd(19, ':00') === local);
        };
        await until('asked', () => asked.length > 0);
        assert.equal(await button(page, `${label}: now`).count(), 0);
        await enter(field, '2026-01-01T00:00:00');
        await at(newYear, '2026-01-01 00:00:00');
        await button(page, `${label}: earlier`).click();
        await at(newYear - hour / 2, '2025-12-31 23:30:00');
        await page.reload();
        await at(newYear - hour / 2, '2025-12-31 23:30:00');
        await button(page, `${label}: later`).click();
        await button(page, `${label}: later`).click();
        await at(newYear + hour / 2, '2026-01-01 00:30:00');
        await button(page, `${label}: now`).click();
        await until('now', () => Date.now() / 1000 - Number(asked.at(-1).get(name)) < 10 * minute);
        assert.equal(param(page, 'g0.end_input'), null);
        assert.equal(await field.inputValue(), '');
        await button(page, `${label}: earlier`).click();
        await until('half an hour ago', () => {
          const ago = Date.now() / 1000 - Number(asked.at(-1).get(name));
          return ago > hour / 2 - 1 && ago < hour / 2 + 10 * minute;
        });
      });
    });
  }

  test('a graph is compared with the same time earlier', async () => {
    const params = { expr: 'vector(1)', tab: '0', range_input: '1h', end_input: '2026-01-01 00:00:00' };
    await visitPanel(world, params, async (page, asked) => {
      await asksFor(asked, { end: String(newYear) });
      const list = page.getByRole('combobox', { name: 'Compare with earlier' });
      for (const [label, text, ago] of [
        ['With 1h before', '1h', hour],
        ['With 1d before', '1d', day],
        ['With 1w before', '1w', 7 * day],
      ]) {
        const before = asked.length;
        await pick(page, 'Compare with earlier', label);
        await until('two queries', () => asked.length === before + 2);
        assert.deepEqual(
          asked
            .slice(before)
            .map(query => Number(query.get('end')))
            .sort(),
          [newYear - ago, newYear],
        );
        await until('address', () => param(page, 'g0.compare') === text);
      }
      await page.reload();
      await until('both again', () =>
        asked.slice(-2).some(query => Number(query.get('end')) === newYear - 7 * day),
      );
      assert.equal(await list.inputValue(), 'With 1w before');
      await pick(page, 'Compare with earlier', 'No comparison');
      await until('address', () => param(page, 'g0.compare') === null);
    });
  });

  test('queries run again by themselves, as often as is picked', async () => {
    await visitPanel(
      world,
      { expr: 'vector(1)', tab: '1' },
      async (page, asked) => {
        await until('asked', () => asked.length === 1);
        const list = page.getByRole('combobox', { name: 'Refresh automatically' });
        await pick(page, 'Refresh automatically', 'Every 5s');
        await until('address', () => param(page, 'refresh') === '5s');
        await page.clock.runFor(5000);
        await until('a second query', () => asked.length >= 2);
        await page.reload();
        await until('kept', async () => (await list.inputValue()) === 'Every 5s');
        await pick(page, 'Refresh automatically', 'No auto-refresh');
        await until('address', () => param(page, 'refresh') === null);
        await until('rows', async () => (await rows(page).count()) === 1);
        const before = asked.length;
        await page.clock.runFor(60_000);
        await button(page, 'Run all').click();
        await until('asked by hand', () => asked.length > before);
        assert.equal(asked.length, before + 1);
      },
      { prepare: page => page.clock.install() },
    );
  });

  test('a link that refreshes in its own time says so', async () => {
    const path = '/graph?g0.expr=vector(1)&g0.tab=1&refresh=42s';
    await visit(world, world.stack.query.http, path, async page => {
      const list = page.getByRole('combobox', { name: 'Refresh automatically' });
      await until('shown', async () => (await list.inputValue()) === 'Every 42s');
    });
  });

  test('all panels run again at a button and at a key', async () => {
    let asked;
    const path = '/graph?g0.expr=vector(1)&g0.tab=1&g1.expr=vector(2)&g1.tab=1';
    const count = text => asked.filter(query => query.get('query') === text).length;
    const times = wanted =>
      until(`${wanted} times`, () => [1, 2].every(of => count(`vector(${of})`) === wanted));
    await visit(
      world,
      world.stack.query.http,
      path,
      async page => {
        await times(1);
        await button(page, 'Run all').click();
        await times(2);
        await page.keyboard.press('r');
        await times(3);
        await page.keyboard.press('/');
        await until('in the editor', () => editor(page).evaluate(own => own === document.activeElement));
      },
      {
        prepare: page => {
          asked = listen(page);
        },
      },
    );
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, ruleGroups } from './madeUp.mjs';
import { param, until, visit } from './visit.mjs';

/** One rule with so many alerts. */
function manyAlerts(count) {
  const { groups } = ruleGroups(1);
  const alerts = Array.from({ length: count }, (_, at) => ({
    labels: { alertname: 'Alert0', device: `dev-${at}` },
    annotations: {},
    state: 'firing',
    activeAt: '2026-01-01T00:00:00Z',
    value: String(at),
  }));
  const [group] = groups;
  const [rule] = group.rules;
  return { groups: [{ ...group, rules: [{ ...rule, state: 'firing', alerts }] }] };
}

export function alertCases(world) {
  const base = () => world.stack.query.http;
  const head = (page, name) => page.getByRole('button', { name: new RegExp(`^${name}`) });
  /** Those of the three rules that are there. */
  const shows = async (page, names) => {
    for (const name of ['AlwaysFiring', 'Pending', 'Quiet']) {
      await until(
        `${name} or not`,
        async () => (await head(page, name).count()) > 0 === names.includes(name),
      );
    }
  };

  test('an alert is silenced where the settings say', async () => {
    await visit(
      world,
      base(),
      '/alerts?search=AlwaysFiring',
      async page => {
        await page.getByRole('button', { name: /AlwaysFiring/ }).click();
        const href = await page.getByRole('link', { name: 'Silence' }).getAttribute('href');
        assert.match(
          decodeURIComponent(href),
          /^http:\/\/am\.example\/#\/silences\/new\?filter=\{alertname="AlwaysFiring"/,
        );
      },
      {
        prepare: page =>
          page.addInitScript(() =>
            localStorage.setItem('alertmanager-url', JSON.stringify('http://am.example/')),
          ),
      },
    );
  });

  test('alerts are filtered, opened, and their annotations are text', async () => {
    await visit(world, base(), '/alerts?annotations=1', async page => {
      await page.getByText('firing (1)', { exact: true }).first().click();
      await until('address', () => param(page, 'state') === 'firing');
      assert.equal(await page.getByText('Quiet').count(), 0);
      await page.getByRole('button', { name: /AlwaysFiring/ }).click();
      await until('address', () => param(page, 'open') === 'demo/AlwaysFiring');
      await page.reload();
      await page.getByText('<b>not bold</b>').first().waitFor();
      await page.getByRole('link', { name: 'History' }).press('Enter');
      await page.waitForURL('**/graph?**');
      await page.getByTestId('legend').waitFor();
    });
  });

  test('alerts are searched by name and labels', async () => {
    await visit(world, base(), '/alerts', async page => {
      const search = page.getByLabel('Name or labels');
      await shows(page, ['AlwaysFiring', 'Pending', 'Quiet']);
      for (const [text, names] of [
        ['quiet', ['Quiet']],
        ['severity="page"', ['AlwaysFiring']],
      ]) {
        await search.fill(text);
        await shows(page, names);
        assert.equal(param(page, 'search'), text);
        await page.reload();
        await head(page, names[0]).waitFor();
        await shows(page, names);
      }
      await search.fill('nothing is called this');
      await page.getByText('No alerting rule matches').waitFor();
      await search.fill('');
      await shows(page, ['AlwaysFiring', 'Pending', 'Quiet']);
      assert.equal(param(page, 'search'), null);
    });
  });

  test('several states of alerts are chosen at once', async () => {
    await visit(world, base(), '/alerts', async page => {
      const choose = name => page.getByRole('group', { name: 'States' }).getByText(name).click();
      await choose('inactive (1)');
      await shows(page, ['Quiet']);
      await choose('pending (1)');
      await shows(page, ['Pending', 'Quiet']);
      assert.equal(param(page, 'state'), 'inactive,pending');
      await choose('inactive (1)');
      await shows(page, ['Pending']);
      await page.reload();
      await head(page, 'Pending').waitFor();
      await shows(page, ['Pending']);
      await choose('pending (1)');
      await shows(page, ['AlwaysFiring', 'Pending', 'Quiet']);
      assert.equal(param(page, 'state'), null);
    });
  });

  test('alerts open and close side by side, with annotations when wished', async () => {
    await visit(world, base(), '/alerts', async page => {
      await head(page, 'AlwaysFiring').click();
      await head(page, 'Quiet').click();
      await until('both', () => param(page, 'open') === 'demo/AlwaysFiring,demo/Quiet');
      await page.getByText('demo_load > 1000').waitFor();
      const own = page.getByText('value is 1', { exact: false }).filter({ hasNotText: '{{' });
      const annotations = page.getByRole('switch', { name: 'Annotations' });
      assert.equal(await own.count(), 0);
      await annotations.click();
      await own.first().waitFor();
      assert.equal(param(page, 'annotations'), '1');
      await page.reload();
      await own.first().waitFor();
      await annotations.click();
      await until('none', async () => (await own.count()) === 0);
      assert.equal(param(page, 'annotations'), null);
      await head(page, 'AlwaysFiring').click();
      await until('one', () => param(page, 'open') === 'demo/Quiet');
      assert.equal(await page.getByRole('link', { name: 'History' }).count(), 0);
      await page.getByRole('link', { name: 'demo_load > 1000' }).click();
      await page.waitForURL('**/graph?**');
      assert.equal(param(page, 'g0.expr'), 'demo_load > 1000');
    });
  });

  test('all alerts of a rule are shown when asked for', async () => {
    await visit(
      world,
      base(),
      '/alerts?open=group-0/Alert0',
      async page => {
        await page.getByText('"dev-99"').waitFor();
        assert.equal(await page.getByText('"dev-129"').count(), 0);
        await page.getByRole('button', { name: 'Show all 130' }).click();
        await page.getByText('"dev-129"').waitFor();
      },
      { prepare: page => answer(page, 'rules', manyAlerts(130)) },
    );
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { act, rows, visitPanel } from './panel.mjs';
import { link, param, until, visit } from './visit.mjs';

const sum = 'sum by (zone) (demo_load)';

/** Answers queries with what `change` makes of the server's data. */
async function changeAnswers(page, change) {
  await page.route('**/api/v1/query', async route => {
    if (route.request().method() !== 'POST') return route.continue();
    const response = await route.fetch();
    const body = await response.json();
    change(body.data);
    await route.fulfill({ response, json: body });
  });
}

/** The first node of an analysis that tells of several endpoints. */
function fannedOut(node) {
  if ((node.fanout ?? []).length > 1) return node;
  for (const child of node.children ?? []) {
    const found = fannedOut(child);
    if (found !== undefined) return found;
  }
  return undefined;
}

export function treeCases(world) {
  test('the tree of parts is shown, closed, opened and hidden', async () => {
    await visitPanel(world, { expr: sum, tab: '1' }, async page => {
      await act(page, 'Show the tree of parts');
      await until('address', () => param(page, 'g0.show_tree') === '1');
      const tree = page.getByTestId('query-tree');
      const part = tree.getByRole('button', { name: 'demo_load', exact: true });
      await part.waitFor();
      await tree.getByRole('button', { name: /^Close sum/ }).click();
      await part.waitFor({ state: 'detached' });
      await tree.getByRole('button', { name: /^Open sum/ }).click();
      await part.waitFor();
      await page.reload();
      await part.waitFor();
      await act(page, 'Hide the tree of parts');
      await until('address', () => param(page, 'g0.show_tree') === null);
      assert.equal(await tree.count(), 0);
    });
  });

  test('after a part the whole expression is shown again', async () => {
    await visitPanel(world, { expr: sum, tab: '1', show_tree: '1' }, async page => {
      const tree = page.getByTestId('query-tree');
      const part = tree.getByRole('button', { name: 'demo_load', exact: true });
      await part.click();
      await page.getByTestId('figures').getByText('4,000 series').waitFor();
      assert.equal(await part.getAttribute('aria-pressed'), 'true');
      await tree.getByRole('button', { name: 'Show the whole expression' }).click();
      await page.getByTestId('figures').getByText('3 series').waitFor();
      assert.equal(await part.getAttribute('aria-pressed'), 'false');
      assert.equal(param(page, 'g0.expr'), sum);
    });
  });

  test('the nodes of an explanation are closed and opened', async () => {
    await visitPanel(world, { expr: sum, tab: 'explain', engine: 'thanos' }, async page => {
      const nodes = page.getByRole('list', { name: 'Explanation' }).getByRole('listitem');
      await nodes.first().waitFor();
      const before = await nodes.count();
      assert.ok(before > 1);
      await page
        .getByRole('button', { name: /^Close / })
        .first()
        .click();
      await until('closed', async () => (await nodes.count()) === 1);
      await page
        .getByRole('button', { name: /^Open / })
        .first()
        .click();
      await until('open', async () => (await nodes.count()) === before);
    });
  });

  test('where only one engine explains, it is offered', async () => {
    const { http } = await world.stack.startDistributed();
    await visit(
      world,
      http,
      link({ expr: 'vector(1)', tab: 'explain', engine: 'prometheus' }),
      async page => {
        await page.getByText('Only the engine “Thanos” explains.').waitFor();
        await page.getByRole('button', { name: 'Use it' }).click();
        await page.getByRole('list', { name: 'Explanation' }).waitFor();
        assert.equal(param(page, 'g0.engine'), 'thanos');
        // Each querier below picks the resolution.
        await page.getByRole('tab', { name: 'Graph' }).click();
        assert.equal(
          await page.getByRole('combobox', { name: 'Maximum source resolution' }).isDisabled(),
          true,
        );
      },
    );
  });

  test('what took longest comes first in an analysis when asked for', async () => {
    const params = {
      expr: 'sum(avg_over_time(demo_past[1h]))',
      tab: '1',
      range_input: '2d',
      engine: 'thanos',
    };
    params.end_input = new Date(Date.now() - 86_400_000).toISOString().slice(0, 19).replace('T', ' ');
    let names;
    await visitPanel(
      world,
      { ...params, analyze: '1' },
      async page => {
        const addresses = page
          .getByRole('table', { name: 'Fan-out' })
          .first()
          .locator('tbody td:first-child');
        await until('two', async () => (await addresses.count()) === 2);
        assert.deepEqual(await addresses.allTextContents(), names);
        const sorted = page.getByRole('switch', { name: 'Slowest first' });
        await sorted.click();
        await until('turned', async () => (await addresses.first().textContent()) === names[1]);
        await sorted.click();
        await until('as it came', async () => (await addresses.first().textContent()) === names[0]);
        // The arrow of the first node closes all below it.
        const analysis = page.getByTestId('analysis');
        await analysis
          .getByRole('button', { name: /^Close / })
          .first()
          .click();
        await until('closed', async () => (await analysis.getByRole('listitem').count()) === 1);
        await analysis
          .getByRole('button', { name: /^Open / })
          .first()
          .click();
        await until('open', async () => (await analysis.getByRole('listitem').count()) > 1);
      },
      {
        prepare: page =>
          changeAnswers(page, data => {
            const { fanout } = fannedOut(data.analysis);
            for (const [at, entry] of fanout.entries()) entry.duration = `${at + 1}s`;
            names = fanout.map(entry => entry.endpointAddr);
          }),
      },
    );
  });

  test('the blocks behind an answer are copied, and shown together and all', async () => {
    const ids = Array.from({ length: 30 }, (_, at) => `01M7${String(at).padStart(22, '0')}`);
    const blocksPage = 'http://blocks.example/loaded';
    await visitPanel(
      world,
      { expr: 'demo_past', tab: '1', blocks: '1' },
      async page => {
        const read = page.getByRole('region', { name: 'Blocks read by store.example:10901' });
        const shown = read.getByRole('listitem');
        await until('some', async () => (await shown.count()) === 24);
        const copied = () => page.evaluate(() => navigator.clipboard.readText());
        await read.getByRole('button', { name: `Copy ${ids[3]}` }).click();
        await page.getByText('Block copied').waitFor();
        assert.equal(await copied(), ids[3]);
        await read.getByRole('button', { name: 'Copy all' }).click();
        await page.getByText('Blocks copied').waitFor();
        assert.equal(await copied(), ids.join('\n'));
        const together = new URL(await read.getByRole('link', { name: /^Show them/ }).getAttribute('href'));
        assert.equal(together.origin + together.pathname, blocksPage);
        assert.equal(together.searchParams.get('ulid'), ids.join(','));
        await read.getByRole('button', { name: 'Show all 30' }).click();
        await until('all', async () => (await shown.count()) === 30);
        await read.getByRole('button', { name: 'Show fewer' }).click();
        await until('fewer', async () => (await shown.count()) === 24);
      },
      {
        prepare: async page => {
          await page
            .context()
            .grantPermissions(['clipboard-read', 'clipboard-write'], { origin: world.stack.query.http });
          await page.addInitScript(
            url => localStorage.setItem('blocks-url', JSON.stringify(url)),
            blocksPage,
          );
          await changeAnswers(page, data => {
            data.blocks = [{ endpointAddr: 'store.example:10901', blocks: ids }];
          });
        },
      },
    );
  });

  test('the blocks read are asked for at a switch, and not again without', async () => {
    await visitPanel(world, { expr: 'vector(1)', tab: '1' }, async (page, asked) => {
      await until('row', async () => (await rows(page).count()) === 1);
      const box = page.getByRole('switch', { name: 'Blocks read' });
      assert.equal(asked.at(-1).get('blocks'), null);
      await box.click();
      await until('asked', () => asked.at(-1).get('blocks') === 'true');
      await page.getByTestId('blocks-read').waitFor();
      await box.click();
      await until('address', () => param(page, 'g0.blocks') === null);
      await until('gone', async () => (await page.getByTestId('blocks-read').count()) === 0);
    });
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axe } from '../browser.mjs';
import { link, param, until, visit } from './visit.mjs';

/** Holds back all of the program but the editor. */
function holdProgram(page, held) {
  return page.route('**/assets/start-*.js', async route => {
    await held;
    await route.continue();
  });
}

/** A time of which blocks are in the bucket, as the page writes it. */
function yesterday() {
  return new Date(Date.now() - 86_400_000).toISOString().slice(0, 19).replace('T', ' ');
}

export function queryCases(world) {
  const base = () => world.stack.query.http;
  const editor = (page, at = 0) => page.locator('[data-expression]').nth(at);
  const rows = page => page.getByRole('region', { name: 'Result' }).locator('tbody tr[data-index]');

  test('an expression is completed, run and kept in the address', async () => {
    await visit(world, base(), '/graph', async page => {
      await editor(page).click();
      await page.keyboard.type('zone:demo_l', { delay: 20 });
      await page.locator('.cm-tooltip-autocomplete').getByText('zone:demo_load:avg').waitFor();
      // The list takes no keys in its first 75 ms, lest it takes what was meant for the text.
      const shown = await page.evaluate(() => performance.now());
      await page.waitForFunction(at => performance.now() - at > 100, shown);
      await page.keyboard.press('Enter');
      await until('completed', async () => (await editor(page).textContent()) === 'zone:demo_load:avg');
      await page.keyboard.press('Enter');
      await until('rows', async () => (await rows(page).count()) === 3);
      assert.equal(param(page, 'g0.expr'), 'zone:demo_load:avg');
      assert.equal(param(page, 'g0.tab'), '1');
    });
  });

  test('typing begins before the rest of the program is there, and nothing of it is lost', async () => {
    let release;
    const held = new Promise(done => {
      release = done;
    });
    await visit(
      world,
      base(),
      '/graph',
      async page => {
        await editor(page).waitFor();
        const early = await editor(page).boundingBox();
        await page.keyboard.type('vector(4)');
        await page.keyboard.press('ArrowLeft');
        assert.equal(await page.getByRole('button', { name: 'Execute' }).count(), 0);
        release();
        await page.getByRole('button', { name: 'Execute' }).waitFor();
        assert.equal(await page.locator('[data-cover]').count(), 0);
        await page.keyboard.type('1');
        assert.equal(await editor(page).textContent(), 'vector(41)');
        await page.keyboard.press('Enter');
        await until('ran', async () => (await rows(page).count()) === 1);
        assert.equal(param(page, 'g0.expr'), 'vector(41)');
        const { x, width } = await editor(page).boundingBox();
        assert.ok(
          Math.abs(x - early.x) < 2 && Math.abs(width - early.width) < 20,
          'the editor stays in its place',
        );
        // The same editor: it has the focus, and knows what was typed before.
        await page.keyboard.press('Control+z');
        await until('undone', async () => !(await editor(page).textContent()).includes('41'));
      },
      { prepare: page => holdProgram(page, held) },
    );
  });

  test('Enter runs the expression as soon as that can be', async () => {
    let release;
    const held = new Promise(done => {
      release = done;
    });
    await visit(
      world,
      base(),
      '/graph',
      async page => {
        await editor(page).waitFor();
        await page.keyboard.type('vector(42)');
        await page.keyboard.press('Enter');
        release();
        await until('ran', async () => (await rows(page).count()) === 1);
        assert.equal(param(page, 'g0.expr'), 'vector(42)');
      },
      { prepare: page => holdProgram(page, held) },
    );
  });

  test('an old link starts with its expression in the editor', async () => {
    let release;
    const held = new Promise(done => {
      release = done;
    });
    await visit(
      world,
      base(),
      link({ expr: 'sum(up)', tab: '1' }),
      async page => {
        await until('text', async () => (await editor(page).textContent()) === 'sum(up)');
        assert.equal(await page.evaluate(() => document.activeElement === document.body), true);
        // What is told then takes the place of the editor.
        release();
        await page.getByText('The page could not be loaded').waitFor();
      },
      {
        prepare: page =>
          page.route('**/assets/start-*.js', async route => {
            await held;
            await route.abort();
          }),
      },
    );
  });

  test('completion asks within limits', async () => {
    const asked = [];
    await visit(
      world,
      base(),
      '/graph',
      async page => {
        await editor(page).click();
        await page.keyboard.type('demo_load{de', { delay: 20 });
        await page.locator('.cm-tooltip-autocomplete').getByText('device').waitFor();
        assert.ok(asked.length > 0);
        for (const url of asked) {
          for (const name of ['limit', 'start', 'end'])
            assert.ok(url.searchParams.has(name), `${name} in ${url}`);
        }
      },
      {
        prepare: page =>
          page.on('request', request => {
            const url = new URL(request.url());
            if (/\/(labels|series|values)$/.test(url.pathname)) asked.push(url);
          }),
      },
    );
  });

  test('old links open the same view', async () => {
    const path = link({
      step_input: '30',
      store_matches: JSON.stringify([{ name: world.stack.sidecar.grpc }]),
      engine: 'thanos',
      partial_response: '0',
      deduplicate: '0',
      stacked: '1',
      max_source_resolution: 'auto',
      range_input: '10m',
      expr: 'zone:demo_load:avg',
      tab: '0',
    });
    const bodies = [];
    await visit(
      world,
      base(),
      path,
      async page => {
        await page.getByTestId('legend').waitFor();
        assert.equal(await page.getByLabel('Deduplication').isChecked(), false);
        assert.equal(await page.getByLabel('Partial response').isChecked(), false);
        assert.equal(await page.getByLabel('Range', { exact: true }).inputValue(), '10m');
        assert.equal(await page.getByLabel('Step in seconds').inputValue(), '30');
        assert.equal(await page.getByRole('radio', { name: 'Stacked' }).isChecked(), true);
        const body = new URLSearchParams(bodies[0]);
        assert.equal(body.get('partial_response'), 'false');
        assert.equal(body.get('dedup'), 'false');
        assert.equal(body.get('step'), '30');
        assert.equal(body.get('engine'), 'thanos');
        assert.equal(body.get('max_source_resolution'), 'auto');
        assert.equal(body.get('storeMatch[]'), `{__address__="${world.stack.sidecar.grpc}"}`);
      },
      {
        prepare: async page => {
          await page.addInitScript(() => localStorage.setItem('usePartialResponse', 'true'));
          page.on(
            'request',
            request => request.url().endsWith('/query_range') && bodies.push(request.postData()),
          );
        },
      },
    );
  });

  test('several panels are one address, and Back goes back', async () => {
    await visit(world, base(), '/graph?g0.expr=vector(1)&g0.tab=1&g1.expr=vector(2)&g1.tab=1', async page => {
      await until('both', async () => (await rows(page).count()) === 2);
      await page.getByRole('button', { name: 'Add panel' }).click();
      await until('third', () => param(page, 'g2.expr') === '');
      await page.goBack();
      await until('two again', async () => (await page.locator('[data-expression]').count()) === 2);
    });
  });

  test('errors and empty results are told', async () => {
    await visit(world, base(), link({ expr: 'sum(', tab: '1' }), page =>
      page.getByText(/parse error/).waitFor(),
    );
    await visit(world, base(), link({ expr: 'nothing_of_this_name', tab: '1' }), page =>
      page.getByText('Empty result').waitFor(),
    );
  });

  test('labels are never HTML', async () => {
    await visit(world, base(), link({ expr: 'demo_markup', tab: '1' }), async page => {
      await page.getByText('<img src=x onerror=alert(1)>').waitFor();
      assert.equal(await page.locator('main img').count(), 0);
    });
  });

  test('endpoints that are down are named', async () => {
    await visit(world, base(), '/graph', async page => {
      await page.getByText('1 of 3 endpoints down').waitFor();
      await page.getByText(world.stack.dead).first().waitFor();
    });
  });

  test('operators are explained, under the name of either engine', async () => {
    await visit(
      world,
      base(),
      link({ expr: 'sum by (zone) (rate(demo_load[1m]))', tab: 'explain', engine: 'prometheus' }),
      async page => {
        await page
          .getByRole('list', { name: 'Explanation' })
          .getByText('[aggregate] sum by (zone)')
          .waitFor();
      },
    );
  });

  test('the parts of an expression have their own results', async () => {
    await visit(
      world,
      base(),
      link({ expr: 'sum by (zone) (demo_load) > 1', tab: '1', show_tree: '1' }),
      async page => {
        const tree = page.getByTestId('query-tree');
        await tree.getByText('4,000 results').waitFor();
        await tree.getByRole('button', { name: 'demo_load', exact: true }).click();
        await page.getByText('The result below is of a part of the expression.').waitFor();
        await page.getByTestId('figures').getByText('4,000 series').waitFor();
      },
    );
  });

  test('an expression is formatted', async () => {
    await visit(world, base(), link({ expr: 'sum   by(zone)(demo_load)', tab: '1' }), async page => {
      await page.getByRole('button', { name: 'More actions' }).click();
      await page.getByRole('menuitem', { name: 'Format the expression' }).click();
      await until('formatted', async () =>
        (await editor(page).textContent()).includes('sum by (zone) (demo_load)'),
      );
    });
  });

  test('metrics and labels are explored', async () => {
    await visit(world, base(), '/graph', async page => {
      await page.getByRole('button', { name: 'More actions' }).click();
      await page.getByRole('menuitem', { name: 'Explore metrics and labels' }).click();
      await page.getByLabel('Search metrics').fill('demo_lo');
      await page.getByText('Load of a made-up device.').waitFor();
      await page.getByRole('button', { name: 'Explore' }).first().click();
      await page.getByRole('button', { name: 'zone' }).click();
      await page.getByRole('button', { name: 'Filter' }).first().click();
      await page.getByRole('button', { name: 'Run', exact: true }).click();
      await until('ran', () => /^demo_load\{zone="z\d"\}$/.test(param(page, 'g0.expr') ?? ''));
    });
  });

  test('an analysis shows where the time went', async () => {
    await visit(
      world,
      base(),
      link({ expr: 'sum by (zone) (rate(demo_load[1m]))', tab: '1', engine: 'thanos', analyze: '1' }),
      async page => {
        const analysis = page.getByTestId('analysis');
        await analysis.getByText('100.0%').first().waitFor();
        await until('operators', async () => (await analysis.getByRole('listitem').count()) > 2);
        await page.getByRole('combobox', { name: 'Engine' }).click();
        await page.getByRole('option', { name: 'Engine: Prometheus' }).click();
        await until('off', () => param(page, 'g0.analyze') === '0');
        assert.equal(await page.getByLabel('Analyze').isDisabled(), true);
      },
    );
  });

  test('an answer tells its resolution and whom it asked', async () => {
    await visit(world, base(), link({ expr: 'demo_past', tab: '0', range_input: '2d' }), async page => {
      const figures = page.getByTestId('figures');
      await figures.getByText('resolution: raw').waitFor();
      await figures.getByText('asked 2 of 3 endpoints').waitFor();
    });
  });

  test('an answer of two resolutions tells both', async () => {
    const { http } = await world.stack.startDownsampled();
    const path = link({ expr: 'demo_past', tab: '0', range_input: '3d', max_source_resolution: '5m' });
    await visit(world, http, path, async page => {
      await page.getByTestId('figures').getByText('resolution: raw + 5m').waitFor();
      await page.getByTestId('legend').getByText('4 series').waitFor();
      await page.getByRole('combobox', { name: 'Maximum source resolution' }).click();
      await page.getByRole('option', { name: 'Only raw data' }).click();
      await page.getByText('resolution: raw ·').waitFor();
    });
  });

  test('an analysis shows what each endpoint did', async () => {
    const path = {
      expr: 'sum(avg_over_time(demo_past[1h]))',
      tab: '0',
      range_input: '2d',
      engine: 'thanos',
      analyze: '1',
    };
    await visit(world, base(), link(path), async page => {
      const fanout = page.getByTestId('analysis').getByRole('table', { name: 'Fan-out' });
      for (const { grpc } of [world.stack.sidecar, world.stack.store]) {
        const cells = fanout.getByRole('row').filter({ hasText: grpc }).getByRole('cell');
        await cells.nth(1).getByText(/s$/).waitFor();
        await cells.nth(2).getByText(/ KiB$/).waitFor();
        assert.equal(await cells.nth(4).textContent(), '4', 'series');
        assert.ok(Number((await cells.nth(6).textContent()).replaceAll(',', '')) > 1000, 'samples');
      }
      await page.screenshot({ path: `${world.artifacts}/analysis.png` });
      await page.getByRole('switch', { name: 'Slowest first' }).click();
      assert.deepEqual(await axe(page), []);
      // A click on the figures of a node closes it.
      await page.getByTestId('analysis').getByText('100.0%').first().click();
      await until('closed', async () => (await fanout.count()) === 0);
    });
  });

  test('the blocks behind an answer are told, and lead to their page', async () => {
    let href;
    const params = { expr: 'demo_past', tab: '1', range_input: '2d', end_input: yesterday() };
    await visit(world, base(), link(params), async page => {
      await page.getByRole('switch', { name: 'Blocks read' }).click();
      await until('address', () => param(page, 'g0.blocks') === '1');
      const read = page.getByRole('region', { name: `Blocks read by ${world.stack.store.grpc}` });
      await read.getByText(/series used/).waitFor();
      const block = read.getByRole('link', { name: /^[0-9A-Z]{26}$/ }).first();
      href = await block.getAttribute('href');
      assert.ok(href.startsWith(`${world.stack.store.http}/loaded?`), href);
      await read.getByRole('button', { name: `Copy ${await block.textContent()}` }).waitFor();
      assert.deepEqual(await axe(page), []);
      await page.screenshot({ path: `${world.artifacts}/blocks-read.png` });
    });
    const url = new URL(href);
    await visit(world, url.origin, url.pathname + url.search, async page => {
      const side = page.getByRole('complementary', { name: 'Block' });
      await side.getByRole('heading', { name: url.searchParams.get('block') }).waitFor();
      await page.getByText(/^1 of \d+ blocks/).waitFor();
    });
  });

  test('a trace is forced, and linked where the settings say', async () => {
    const forced = [];
    await visit(
      world,
      base(),
      link({ expr: 'vector(1)', tab: '1' }),
      async page => {
        await until('rows', async () => (await rows(page).count()) === 1);
        await page.getByRole('switch', { name: 'Force tracing' }).click();
        await page.getByRole('button', { name: 'Execute' }).click();
        const trace = page.getByTestId('figures').getByRole('link', { name: 'abc123' });
        await trace.waitFor();
        assert.equal(await trace.getAttribute('href'), 'http://traces.example/t/abc123');
        assert.equal(forced.at(-1), 'true');
      },
      {
        prepare: async page => {
          await page.addInitScript(() =>
            localStorage.setItem('trace-url', JSON.stringify('http://traces.example/t/{trace}')),
          );
          await page.route('**/api/v1/query', async route => {
            if (route.request().method() === 'POST')
              forced.push(route.request().headers()['x-thanos-force-tracing']);
            const response = await route.fetch();
            await route.fulfill({
              response,
              headers: { ...response.headers(), 'X-Thanos-Trace-ID': 'abc123' },
            });
          });
        },
      },
    );
  });

  test('running again gives up the query before', async () => {
    const gone = [];
    let held = 0;
    await visit(
      world,
      base(),
      '/graph',
      async page => {
        await editor(page).click();
        await page.keyboard.type('vector(7)');
        await page.keyboard.press('Enter');
        await until('held', () => held === 1);
        await editor(page).click();
        await page.keyboard.press('Enter');
        await until('rows', async () => (await rows(page).count()) === 1);
        assert.equal(gone.length, 1);
      },
      {
        prepare: async page => {
          page.on('requestfailed', request => request.url().endsWith('/query') && gone.push(request.url()));
          await page.route('**/api/v1/query', route => {
            if (route.request().method() === 'POST' && held++ === 0) return;
            return route.continue();
          });
        },
      },
    );
  });

  test('several expressions are one graph', async () => {
    await visit(world, base(), link({ expr: 'sum(demo_load)', tab: '0', range_input: '5m' }), async page => {
      await page.getByTestId('legend').getByText('1 series').waitFor();
      await page.getByRole('button', { name: 'More actions' }).click();
      await page.getByRole('menuitem', { name: 'Add an expression to the graph' }).click();
      await page.getByLabel('Also in the graph, 1').fill('avg(demo_load)');
      await page.keyboard.press('Enter');
      await page.getByTestId('legend').getByText('2 series').waitFor();
      await page.getByTestId('legend').getByText('avg(demo_load)').first().waitFor();
      assert.equal(param(page, 'g0.also'), '["avg(demo_load)"]');
    });
  });

  test('linked panels show the same times', async () => {
    const path = '/graph?g0.expr=vector(1)&g0.tab=0&g1.expr=vector(2)&g1.tab=0&g1.range_input=2h';
    await visit(world, base(), path, async page => {
      await page.getByRole('switch', { name: 'Same times in all panels' }).click();
      await until('linked', () => param(page, 'linked') === '1');
      await page.getByLabel('Range', { exact: true }).first().fill('25m');
      await page.keyboard.press('Enter');
      await until(
        'both',
        () => param(page, 'g0.range_input') === '25m' && param(page, 'g1.range_input') === '25m',
      );
    });
  });

  test('what cannot be parsed is underlined while typing', async () => {
    await visit(world, base(), '/graph', async page => {
      await editor(page).click();
      await page.keyboard.type('rate(up)');
      await page.locator('.cm-lintRange-error').first().waitFor();
    });
  });

  test('a table of buckets, of scalars and of raw samples', async () => {
    await visit(world, base(), link({ expr: 'rate(demo_native_seconds[20s])', tab: '1' }), async page => {
      await page.getByRole('button', { name: /^count .*buckets/ }).click();
      await page
        .getByText(/^\(0\.0\d+, 0\.0\d+\]$/)
        .first()
        .waitFor();
    });
    await visit(world, base(), link({ expr: '6 * 7', tab: '1' }), page =>
      page.getByText('42', { exact: true }).waitFor(),
    );
    await visit(world, base(), link({ expr: 'up{job="demo"}[10s]', tab: '1' }), page =>
      page
        .getByText(/^1 @\d+/)
        .first()
        .waitFor(),
    );
  });

  test('the tenant is asked for where tenancy is enforced', async () => {
    const tenants = [];
    await visit(
      world,
      world.stack.tenanted.http,
      link({ expr: 'up', tab: '1', tenant: 'team-a' }),
      async page => {
        await until('asked', () => tenants.length > 0);
        assert.equal(tenants.at(-1), 'team-a');
        await page.getByLabel('Tenant').fill('team-b');
        await page.keyboard.press('Enter');
        await until('team-b', () => param(page, 'g0.tenant') === 'team-b' && tenants.at(-1) === 'team-b');
      },
      {
        prepare: page =>
          page.on('request', request => {
            if (request.method() === 'POST') tenants.push(request.headers()['x-team']);
          }),
      },
    );
  });

  test('the link is copied, and opens the same view elsewhere, with and without a clipboard for scripts', async () => {
    // Two expressions: what the first half has left in the clipboard does not do for the second.
    for (const [clipboard, expr] of [
      [true, 'zone:demo_load:avg'],
      [false, 'zone:demo_load:avg * 2'],
    ]) {
      await visit(
        world,
        base(),
        link({ expr, tab: '1' }),
        async page => {
          await until('rows', async () => (await rows(page).count()) === 3);
          assert.equal(await page.evaluate(() => navigator.clipboard !== undefined), clipboard);
          await page.getByRole('button', { name: 'Copy link' }).click();
          await page.getByText('Link copied').waitFor();
          const elsewhere = await page.context().newPage();
          await elsewhere.goto(`${base()}/status`);
          await elsewhere.bringToFront();
          const copied = await elsewhere.evaluate(() => navigator.clipboard.readText());
          assert.equal(copied, page.url());
          await elsewhere.goto(copied);
          await until('rows elsewhere', async () => (await rows(elsewhere).count()) === 3);
          assert.equal(await editor(elsewhere).textContent(), expr);
        },
        {
          prepare: async page => {
            await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: base() });
            // As on plain HTTP, other than on the loopback.
            if (!clipboard)
              await page.addInitScript(() =>
                Object.defineProperty(navigator, 'clipboard', { value: undefined }),
              );
          },
        },
      );
    }
  });

  test('the history is walked and kept', async () => {
    await visit(world, base(), link({ expr: 'vector(41) + 1', tab: '1' }), async page => {
      await page.getByRole('button', { name: 'Execute' }).click();
      await editor(page).click();
      await page.keyboard.press('Control+a');
      await page.keyboard.press('Backspace');
      await page.keyboard.type('x');
      await page.keyboard.press('Escape');
      await editor(page).click();
      await page.keyboard.press('Control+ArrowUp');
      assert.equal(await editor(page).textContent(), 'vector(41) + 1');
    });
  });
}

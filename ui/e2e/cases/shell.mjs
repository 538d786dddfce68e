import assert from 'node:assert/strict';
import { test } from 'node:test';
import { param, until, visit } from './visit.mjs';

export function shellCases(world) {
  const query = () => world.stack.query.http;

  test('the root goes to the first page, for each component', async () => {
    await visit(world, query(), '/', page => page.waitForURL('**/graph'));
    await visit(world, world.stack.store.http, '/', page => page.waitForURL('**/loaded'));
  });

  test('a page the component does not have says so', async () => {
    await visit(world, world.stack.store.http, '/graph', async page => {
      await page.getByText('This component has no page').waitFor();
      await page.getByRole('main').getByRole('link', { name: 'Loaded blocks' }).click();
      await page.waitForURL('**/loaded');
    });
  });

  test('the palette and the shortcuts work by keyboard', async () => {
    await visit(world, query(), '/flags', async page => {
      await page.getByRole('heading', { name: 'Flags' }).waitFor();
      await page.keyboard.press('Control+k');
      await page.getByLabel('Command', { exact: true }).fill('endp');
      await page.keyboard.press('Enter');
      await page.waitForURL('**/stores');
      await page.getByRole('heading', { name: 'Endpoints' }).waitFor();
      await page.keyboard.press('g');
      await page.keyboard.press('a');
      await page.waitForURL('**/alerts');
      await page.getByRole('heading', { name: 'Alerts' }).waitFor();
      await page.keyboard.press('?');
      await page.getByText('Keyboard shortcuts').waitFor();
    });
  });

  test('themes and the time zone are kept', async () => {
    await visit(world, query(), '/stores', async page => {
      await page.getByRole('button', { name: 'Theme: of the browser' }).click();
      await page.getByRole('button', { name: 'Theme: light' }).click();
      assert.equal(await page.locator('html').getAttribute('data-mantine-color-scheme'), 'dark');
      await page.reload();
      await page.getByRole('button', { name: 'Theme: dark' }).click();
      await page.getByRole('button', { name: 'Theme: of the browser' }).waitFor();
      assert.equal(await page.locator('html').getAttribute('data-mantine-color-scheme'), 'light');
      await page.getByRole('button', { name: 'Settings' }).click();
      await page.getByRole('combobox', { name: 'Time zone' }).fill('Asia/Tokyo');
      assert.equal(await page.evaluate(() => localStorage.getItem('timezone')), '"Asia/Tokyo"');
    });
  });

  test("what Thanos's pages have kept is taken over", async () => {
    const prepare = page =>
      page.addInitScript(() => {
        localStorage.setItem('user-prefers-color-scheme', '"dark"');
        localStorage.setItem('use-local-time', 'true');
      });
    await visit(
      world,
      query(),
      '/stores',
      async page => {
        await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
        await page.getByRole('button', { name: 'Settings' }).click();
        await until(
          'zone',
          async () => (await page.getByRole('combobox', { name: 'Time zone' }).inputValue()) === 'local',
        );
      },
      { prepare },
    );
  });

  test('pages work below a prefix', async () => {
    const { http, prefix } = world.stack.prefixed;
    await visit(world, http, `${prefix}/stores`, async page => {
      await page.getByText(world.stack.sidecar.grpc).first().waitFor();
      await page.getByRole('navigation').getByRole('link', { name: 'Flags' }).click();
      await page.waitForURL(`${http}${prefix}/flags`);
      await page.getByText('--web.external-prefix').waitFor();
    });
  });

  test('the state of a page is in its address', async () => {
    await visit(world, query(), '/flags?search=replica', async page => {
      await page.getByText('--query.replica-label').waitFor();
      assert.equal(await page.getByText('--grpc-address').count(), 0);
      await page.getByLabel('Flag or value').fill('grpc-addr');
      await until('address', () => param(page, 'search') === 'grpc-addr');
      await page.getByText('--grpc-address').waitFor();
      await until('marked', async () =>
        (await page.locator('td mark').allTextContents()).includes('grpc-addr'),
      );
    });
  });
}

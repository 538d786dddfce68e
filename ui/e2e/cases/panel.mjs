// The query page as its tests find and fill it.
import { link, until, visit } from './visit.mjs';

export const editor = (page, at = 0) => page.locator('[data-expression]').nth(at);

export const rows = page => page.getByRole('region', { name: 'Result' }).locator('tbody tr[data-index]');

/** Collects the parameters of the queries that leave a page, each with the `path` it went to; the page's own are not among them. */
export function listen(page) {
  const asked = [];
  page.on('request', request => {
    const path = /\/api\/v1\/(query\w*)$/.exec(new URL(request.url()).pathname)?.[1];
    if (path === undefined || request.method() !== 'POST') return;
    const params = new URLSearchParams(request.postData() ?? '');
    params.path = path;
    asked.push(params);
  });
  return asked;
}

/** Opens one panel; `work` gets the page and what it asks. */
export async function visitPanel(world, params, work, options = {}) {
  let asked;
  const prepare = async page => {
    asked = listen(page);
    await options.prepare?.(page);
  };
  await visit(world, world.stack.query.http, link(params), page => work(page, asked), {
    ...options,
    prepare,
  });
}

/** Waits for a query with these parameters, the last that was asked. */
export async function asksFor(asked, wanted) {
  const names = Object.keys(wanted);
  await until(`a query with ${JSON.stringify(wanted)}`, () =>
    names.every(name => asked.at(-1)?.get(name) === wanted[name]),
  );
  return asked.at(-1);
}

/** Picks an entry of a list that opens. */
export async function pick(page, list, option) {
  await page.getByRole('combobox', { name: list, exact: true }).click();
  await page.getByRole('option', { name: option, exact: true }).click();
}

/** Picks an entry of the panel's menu. */
export async function act(page, item) {
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: item, exact: true }).click();
}

/** Fills a field that counts on Enter. */
export async function enter(field, text) {
  await field.fill(text);
  await field.press('Enter');
}

/** Types an expression in place of the one in the editor, without running it; what completion offers is closed. */
export async function rewrite(page, text, at = 0) {
  await editor(page, at).click();
  await page.keyboard.press('ControlOrMeta+a');
  // Chromium would give what is typed over coloured text a style, which the policy forbids.
  await page.keyboard.press('Backspace');
  await page.keyboard.type(text);
  await page.keyboard.press('Escape');
}

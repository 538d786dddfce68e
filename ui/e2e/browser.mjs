import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Debian's, whole or without windows. */
const browsers = ['/usr/bin/chromium', '/usr/bin/chromium-headless-shell'];

/** No browser is downloaded. */
export function launch() {
  const executablePath = process.env.CHROMIUM ?? browsers.find(existsSync);
  if (executablePath === undefined) throw new Error(`no browser: install chromium, or name one in CHROMIUM`);
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
}

/** A page that records what goes wrong in it, and every request that leaves the server it is of. */
export async function openPage(
  browser,
  { scheme = 'light', width = 1400, height = 900, origin = null } = {},
) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(90_000);
  const problems = [];
  page.on('console', message => {
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text()))
      problems.push(message.text());
  });
  page.on('pageerror', error => problems.push(String(error)));
  page.on('request', request => {
    const url = request.url();
    if (origin !== null && !url.startsWith(origin) && !/^(data|blob):/.test(url))
      problems.push(`outside request: ${url}`);
  });
  return { page, context, problems };
}

/** Violations of WCAG A and AA, as lines. */
export async function axe(page) {
  // Evaluated by the debugger, which the page's security policy does not bind.
  await page.evaluate(axeSource);
  const violations = await page.evaluate(async () => {
    const result = await window.axe.run(document, {
      runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] },
    });
    return result.violations.map(({ id, help, nodes }) => ({
      id,
      help,
      nodes: nodes
        .slice(0, 4)
        .map(node => `${node.target.join(' ')} ${node.any[0]?.message ?? ''} ${node.html.slice(0, 160)}`),
    }));
  });
  return violations.map(({ id, help, nodes }) => `${id}: ${help}\n    ${nodes.join('\n    ')}`);
}

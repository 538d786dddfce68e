import assert from 'node:assert/strict';
import { join } from 'node:path';
import { openPage } from '../browser.mjs';

/**
 * Opens an address, runs `work`, and fails on any error in the console, violation of the policy or outside request
 * other than what is `expected`.
 */
export async function visit(world, base, path, work, options = {}) {
  const { page, context, problems } = await openPage(world.browser, {
    origin: new URL(base).origin,
    ...options,
  });
  try {
    await options.prepare?.(page);
    await page.goto(base + path);
    await work(page);
    const unexpected = problems.filter(problem => !options.expected?.test(problem));
    assert.deepEqual(unexpected, []);
  } catch (error) {
    world.failures = (world.failures ?? 0) + 1;
    const picture = join(world.artifacts, `failed-${world.failures}.png`);
    await page.screenshot({ path: picture }).catch(() => {});
    process.stdout.write(`# ${page.url()} looked like ${picture}\n`);
    for (const problem of problems) process.stdout.write(`# the browser said: ${problem}\n`);
    throw error;
  } finally {
    await context.close();
  }
}

/** The link of a query page. */
export function link(params) {
  const query = new URLSearchParams(Object.entries(params).map(([name, value]) => [`g0.${name}`, value]));
  return `/graph?${query}`;
}

/** Waits until `check` says something else than false. */
export async function until(what, check, seconds = 90) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise(done => setTimeout(done, 50));
  }
}

export function param(page, name) {
  return new URL(page.url()).searchParams.get(name);
}

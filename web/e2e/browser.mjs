import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const PATH = process.env.CHROMIUM ?? '/usr/bin/chromium';

export const hasBrowser = () => existsSync(PATH);

/** A real Chromium that can reach this machine and nothing else: a page that needs the internet fails here. */
export function openBrowser() {
  return chromium.launch({
    executablePath: PATH,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--use-angle=swiftshader',
      '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
    ],
  });
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** No fault that axe can find. */
export async function accessible(page, name) {
  // the content policy forbids injected script tags, as it should; evaluate comes in by another door
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    }),
  );
  const said = violations.map(
    (v) =>
      `${v.id}: ${v.help}\n${v.nodes.map((n) => `    ${n.target} ${n.failureSummary ?? ''}`).join('\n')}`,
  );
  assert.deepEqual(said, [], name);
}

/** Runs tests one after the other and remembers what failed. */
export class Suite {
  passed = 0;
  failures = [];

  test = async (name, body) => {
    const begun = Date.now();
    try {
      await body();
      this.passed++;
      console.log(`ok    ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
    } catch (error) {
      this.failures.push(name);
      console.log(`FAIL  ${name}\n${error.stack ?? error}`);
    }
  };

  /** Says how it went; the exit code. */
  end() {
    console.log(`${this.passed} passed, ${this.failures.length} failed`);
    return this.failures.length === 0 ? 0 : 1;
  }
}

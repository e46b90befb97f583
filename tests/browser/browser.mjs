// The system's Chromium, without a network, watched: every request and every line on its console is kept.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export async function launch() {
  const executablePath = process.env.CHROMIUM ?? PATHS.find(existsSync);
  // Tests often run as root in a container, where Chromium's own sandbox cannot start.
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

// Opens a page from the disk and waits until its script has drawn everything.
export async function open(browser, file, { width, height = 900, scheme, touch = false }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, offline: true, hasTouch: touch, deviceScaleFactor: 1 });
  const page = await context.newPage();
  const seen = { console: [], requests: [] };
  page.on("console", (message) => seen.console.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => seen.console.push(`pageerror: ${error}`));
  page.on("request", (request) => seen.requests.push(request.url().slice(0, 200)));
  const url = new URL(`file://${file}`).href;
  await page.goto(url);
  await page.waitForFunction(() => document.documentElement.dataset.drawn !== undefined, undefined, { timeout: 30_000 });
  // The page itself is the one file that is read.
  seen.requests = seen.requests.filter((request) => request !== url);
  return { page, context, seen };
}

// Drives a report in the system's Chromium: node check.mjs REPORT.html EXPECTED.json FOLDER-FOR-SCREENSHOTS
//
// EXPECTED.json is what the results folder says, read by somebody else than the page:
// { name, hostile: [names], plots: [{ title, lines: [{ name, seed, points: [[seconds, value], ...] }] }],
//   floor: null | { first: [degC], last: [degC] }, reduced: true where batches have to be left out, says: [words of the notes] }
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { launch, open } from "./browser.mjs";
import { columnOf, hover, number, plot, tiles } from "./look.mjs";

const [report, expectedFile, folder] = process.argv.slice(2);
const expected = JSON.parse(readFileSync(expectedFile, "utf8"));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const problems = [];
let where = "";
const check = (holds, words) => { if (!holds) problems.push(`${where}: ${words}`); };

async function sorts(page) {
  const heading = page.locator("#comparison th button", { hasText: "energy saved" });
  if (!(await heading.count())) return;
  const planned = await columnOf(page, "energy saved");
  const down = [...planned].sort((a, b) => b - a);
  for (const [order, values] of [["descending", down], ["ascending", [...down].reverse()], [null, planned]]) {
    await heading.click();
    check((await page.locator("#comparison th", { hasText: "energy saved" }).getAttribute("aria-sort")) === order, `aria-sort is not ${order}`);
    const found = await columnOf(page, "energy saved");
    check(JSON.stringify(found) === JSON.stringify(values), `sorted ${order}: ${found}, expected ${values}`);
  }
}

// The value that the table of the results has at the time nearest to `at`; of reduced lines both ends of the column there.
function known(points, stride, at) {
  const nearest = points.reduce((best, [time], index) => (Math.abs(time - at) < Math.abs(points[best][0] - at) ? index : best), 0);
  const column = points.slice(Math.floor(nearest / stride) * stride, (Math.floor(nearest / stride) + 1) * stride).map(([, value]) => value);
  return [Math.min(...column), Math.max(...column)];
}

async function hovers(page, seed) {
  const strides = await page.locator("#data").evaluate((block) => {
    const data = JSON.parse(block.textContent);
    return data.runs.map((run) => ({ name: data.routers[run.router].name, seed: data.seeds[run.seed], stride: run.stride }));
  });
  check(strides.some(({ stride }) => stride > 1) === (expected.reduced ?? false), "lines are reduced where there is room, or not where there is none");
  for (const { title, lines } of expected.plots) {
    const shown = await plot(page, title);
    for (const share of [0.13, 0.5, 0.87]) {
      const at = await hover(page, shown, share);
      const read = await shown.read();
      for (const line of lines.filter((line) => line.seed === seed)) {
        // Between the two, a step of the stored times may go either way.
        const [last] = line.points.at(-1);
        if (at > last * (1 + 1e-4)) {
          check(read[line.name] === "ended", `${title} of ${line.name} ended at ${last} s: at ${at} s the page says ${read[line.name]}`);
          continue;
        }
        if (at > last * (1 - 1e-4)) continue;
        const stride = strides.find(({ name, seed }) => name === line.name && seed === line.seed)?.stride;
        const values = line.points.map(([, value]) => value);
        // Five digits are shown, and stored are steps of the line's range.
        const tolerance = (value) => Math.abs(value) * 6e-5 + (Math.max(...values) - Math.min(...values)) / (stride > 1 ? 4094 : 65534);
        const told = (read[line.name] ?? "").split("\u2026");
        const [low, high] = known(line.points, stride, at);
        const unit = told.at(-1).trim().split(/\s+/)[1] ?? "";
        const found = told.map((text) => number(/[^\d.\s-]/.test(text) ? text : `${text} ${unit}`));
        const fits = Math.abs(found[0] - low) <= tolerance(low) && Math.abs(found.at(-1) - high) <= tolerance(high);
        check(fits, `${title} of ${line.name} at ${at} s: page says ${read[line.name]}, the table ${low} to ${high}`);
      }
    }
  }
}

async function togglesRouter(page) {
  const chip = page.locator("#routers button").last();
  const name = await chip.locator(".name").textContent();
  const lines = async () => (await page.locator("#compared .readout .name").allTextContents()).filter((text) => text === name).length;
  const before = await lines();
  await chip.click();
  await page.waitForTimeout(100);
  check((await chip.getAttribute("aria-pressed")) === "false" && (await lines()) === 0, `hidden router ${name.slice(0, 40)} has lines`);
  await chip.press("Enter");
  await page.waitForTimeout(100);
  check((await chip.getAttribute("aria-pressed")) === "true" && (await lines()) === before, `router ${name.slice(0, 40)} did not come back`);
}

async function slides(page) {
  if (!expected.floor) return;
  const slider = page.locator("#when-floor");
  for (const [key, temperatures] of [["Home", expected.floor.first], ["End", expected.floor.last]]) {
    await slider.press(key);
    await page.waitForTimeout(50);
    for (const [gpu, text, ground] of await tiles(page)) {
      const value = temperatures[Number(gpu.slice(4))];
      check(Math.abs(Number(text) - value) <= 0.051 && ground !== "", `${gpu} at ${key}: page says ${text}, the table ${value}`);
    }
  }
}

async function picks(page) {
  const seeds = [...new Set(expected.plots.flatMap(({ lines }) => lines.map(({ seed }) => seed)))];
  for (const seed of seeds.slice(1)) {
    await page.selectOption("#seed", { label: seed });
    await page.waitForTimeout(150);
    await hovers(page, seed);
  }
  await page.selectOption("#seed", { index: 0 });
  for (const select of await page.locator("#choice select[data-axis]").all()) {
    const readout = async () => {
      await page.locator("#when").press("End");
      return (await page.locator("#compared .readout").allTextContents()).join();
    };
    const before = await readout();
    const other = (await select.inputValue()) === "0" ? 1 : 0;
    const chosen = await select.inputValue();
    await select.selectOption({ index: other });
    await page.waitForTimeout(150);
    check((await readout()) !== before, "another sweep point has the same values");
    await select.selectOption({ index: Number(chosen) });
    await page.waitForTimeout(150);
    check((await readout()) === before, "the first point did not come back");
  }
}

async function zooms(page) {
  if (!(await page.locator(".plot .u-over").count())) return;
  const axis = () => page.locator(".plot canvas").first().evaluate((canvas) => canvas.toDataURL());
  const before = await axis();
  await page.locator(".plot").first().focus();
  await page.keyboard.press("+");
  await page.waitForTimeout(100);
  check((await axis()) !== before, "plus does not zoom");
  await page.keyboard.press("Escape");
  await page.waitForTimeout(100);
  check((await axis()) === before, "Escape does not show all again");
}

// Every control that is seen gets the focus by Tab, from the top of the page.
async function tabs(page) {
  await page.evaluate(() => { document.activeElement?.blur(); scrollTo(0, 0); });
  const wanted = await page.evaluate(() => {
    const all = [...document.querySelectorAll("a[href], button, select, input, summary, [tabindex='0']")].filter((one) => one.checkVisibility());
    all.forEach((one, index) => { one.dataset.control = index; });
    return all.length;
  });
  const reached = new Set();
  for (let presses = 0; presses < wanted + 20; presses++) {
    await page.keyboard.press("Tab");
    const control = await page.evaluate(() => document.activeElement?.dataset.control);
    if (control !== undefined) reached.add(control);
  }
  check(reached.size === wanted, `Tab reaches ${reached.size} of ${wanted} controls`);
}

async function themes(page, scheme) {
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const before = await ground();
  const other = scheme === "light" ? 2 : 1;
  for (let click = 0; click < other; click++) await page.click("#theme");
  check((await ground()) !== before, "the switch does not change the theme");
  for (let click = other; click < 3; click++) await page.click("#theme");
  check((await ground()) === before, "the theme of the system does not come back");
}

async function accessible(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  for (const { id, impact, nodes } of violations) {
    if (["serious", "critical"].includes(impact)) check(false, `axe: ${impact} ${id}: ${nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary}`).join("; ")}`);
  }
}

async function harmless(page) {
  check(await page.evaluate(() => globalThis.hacked === undefined), "a name was run as a script");
  check((await page.locator("script").count()) === 3, "there are other scripts than those of the page");
  const words = `${await page.locator("body").innerText()} ${await page.locator("#data").textContent()}`;
  check(!/\bNaN\b|undefined|Infinity/.test(words), "there is a NaN on the page");
  const told = await page.locator("#comparison tbody th .name").evaluateAll((names) => names.map((name) => name.title || name.textContent));
  for (const name of expected.hostile) check(told.includes(name), `the table does not have ${JSON.stringify(name.slice(0, 60))} as it is`);
}

const browser = await launch();
for (const width of [1400, 390]) {
  for (const scheme of ["light", "dark"]) {
    where = `${expected.name}, ${width} px, ${scheme}`;
    const { page, context, seen } = await open(browser, report, { width, scheme });
    await page.screenshot({ path: `${folder}/${expected.name}-${width}-${scheme}.png`, fullPage: true });
    const live = await page.locator("#time-live").isVisible();
    await harmless(page);
    await sorts(page);
    if (live) {
      await hovers(page, expected.plots[0]?.lines[0]?.seed);
      await togglesRouter(page);
      await slides(page);
      await picks(page);
      await zooms(page);
    }
    await themes(page, scheme);
    await accessible(page);
    await tabs(page);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    check(wide <= 0, `the page is ${wide} px wider than the window`);
    check(live === expected.plots.length > 0, "plots where nothing is to be drawn, or none where something is");
    for (const text of expected.says ?? []) check((await page.locator("#notes").textContent()).includes(text), `the notes do not say ${text}`);
    check(seen.console.length === 0, `console: ${seen.console.join(" | ")}`);
    check(seen.requests.length === 0, `requests: ${seen.requests.join(" | ")}`);
    console.log(`${where}: drawn in ${await page.evaluate(() => document.documentElement.dataset.drawn)} ms`);
    await context.close();
  }
}
const { page, context } = await open(browser, report, { width: 794, scheme: "dark" });
await page.emulateMedia({ media: "print" });
await page.screenshot({ path: `${folder}/${expected.name}-print.png`, fullPage: true });
await page.pdf({ path: `${folder}/${expected.name}.pdf`, format: "A4" });
await context.close();
await browser.close();
if (problems.length) {
  console.error(problems.join("\n"));
  process.exit(1);
}

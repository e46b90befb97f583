// What a reader sees on the page, as numbers and words.

const PREFIXES = { G: 1e9, M: 1e6, k: 1e3, m: 1e-3, "\u00b5": 1e-6, n: 1e-9 };

// "3.5750 kJ" as 3575; "12.3 %" as 0.123; degrees as they are.
export function number(text) {
  const [, digits, unit] = text.trim().match(/^(-?[\d.]+)\s*(\S*)$/) ?? [];
  if (digits === undefined) throw new Error(`no number: ${JSON.stringify(text)}`);
  if (unit === "%") return Number(digits) / 100;
  const isPrefixed = unit.length > 1 && /[JsW]$/.test(unit);
  return Number(digits) * (isPrefixed ? PREFIXES[unit[0]] : 1);
}

// The plot with this title: its box and what is read under the cursor, by name.
export async function plot(page, title) {
  const box = page.locator(".plot").filter({ has: page.locator("h3", { hasText: title }) }).first();
  const read = () => box.evaluate((plot) => Object.fromEntries([...plot.querySelectorAll(".readout li")].map((item) => [item.querySelector(".name")?.textContent ?? "", item.querySelector("b")?.textContent ?? ""])));
  return { box, read };
}

// Moves the pointer over a plot to a share of its width, and says which time that is.
export async function hover(page, { box }, share) {
  const over = box.locator(".u-over");
  await over.scrollIntoViewIfNeeded();
  const area = await over.boundingBox();
  await page.mouse.move(area.x + share * area.width, area.y + area.height / 2);
  await page.waitForTimeout(30);
  return number((await page.locator("output.now").first().textContent()).replace("batch ", ""));
}

// The numbers of a column of the table, from top to bottom.
export const columnOf = (page, heading) =>
  page.locator("#comparison table").evaluate((table, heading) => {
    const column = [...table.tHead.rows[0].cells].findIndex((cell) => cell.textContent.trim().startsWith(heading));
    return [...table.tBodies[0].rows].map((row) => row.cells[column].dataset.value).filter((value) => value !== undefined).map(Number);
  }, heading);

// What the tiles of the first map say: which GPU, its value, its colour.
export const tiles = (page) => page.locator(".floor").first().evaluate((floor) => [...floor.querySelectorAll(".tile")].map((tile) => [tile.firstChild.textContent.trim(), tile.querySelector("b").textContent, tile.style.background]));

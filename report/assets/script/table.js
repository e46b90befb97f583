// Sorting by a heading, and the filter above a table that is not seen at a glance.
const FEW_ROWS = 8;

function startTable() {
  const table = document.querySelector("#comparison table");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = element("button", { type: "button" }, ...heading.childNodes);
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      // The plan's own order comes back at the third click.
      const next = { none: "descending", descending: "ascending", ascending: "none" };
      const order = next[heading.getAttribute("aria-sort") ?? "none"];
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      if (order !== "none") heading.setAttribute("aria-sort", order);
      body.replaceChildren(...(order === "none" ? rows : sorted(rows, column, order === "ascending" ? 1 : -1)));
    });
  });
  const filter = document.getElementById("filter");
  if (rows.length < FEW_ROWS) return;
  filter.closest("label").hidden = false;
  filter.addEventListener("input", () => {
    const wanted = filter.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
}

// Cells without a number come last in both directions.
function sorted(rows, column, direction) {
  const key = (row) => row.cells[column].dataset.value;
  const compare = (a, b) => {
    const [left, right] = [key(a), key(b)];
    if (left === undefined || right === undefined) return (left === undefined) - (right === undefined);
    const [x, y] = [Number(left), Number(right)];
    if (left !== "" && right !== "" && !Number.isNaN(x) && !Number.isNaN(y)) return direction * (x - y);
    return direction * left.localeCompare(right);
  };
  return [...rows].sort(compare);
}

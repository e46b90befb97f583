// Numbers for people: five significant digits, and a prefix where the unit takes one.
function prefixed(size, unit) {
  if (unit === "%") return { factor: 100, unit: "%" };
  if (unit === "degC") return { factor: 1, unit: "\u00b0C" };
  if (!["J", "s", "W"].includes(unit) || size === 0) return { factor: 1, unit };
  const larger = unit === "s" ? [] : [[1e9, "G"], [1e6, "M"], [1e3, "k"]];
  for (const [least, prefix] of [...larger, [1, ""], [1e-3, "m"], [1e-6, "\u00b5"]]) {
    if (size >= least) return { factor: 1 / least, unit: prefix + unit };
  }
  return { factor: 1e9, unit: `n${unit}` };
}

function digits(value) {
  if (value === 0 || !Number.isFinite(value)) return "0";
  const decimals = Math.min(6, Math.max(0, 4 - Math.floor(Math.log10(Math.abs(value)))));
  return value.toFixed(decimals);
}

const worded = (value, scale) => (value == null ? "\u2013" : `${digits(value)}${scale.unit ? ` ${scale.unit}` : ""}`);

// An element with text in it: names of others reach the page only in this way.
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// As many letters of a text as there is room for; no letter is cut in two.
function brief(text, most) {
  const letters = text.length > most ? Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment) : [];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}\u2026` : text;
}

function named(name) {
  const shown = brief(name, 120);
  return element("span", { class: "name", dir: "auto", ...(shown === name ? {} : { title: name }) }, shown);
}

function swatch(colour) {
  const made = element("span", { class: "swatch", "aria-hidden": "true" });
  made.style.background = colour;
  return made;
}

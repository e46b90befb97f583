// Light, dark, or as the system has it. Not remembered: a file opened from disk has no storage of its own.
const THEMES = ["system", "light", "dark"];
const themeListeners = [];
const systemDark = matchMedia("(prefers-color-scheme: dark)");
const themeChanged = () => themeListeners.forEach((listener) => listener());

function startTheme() {
  const button = document.getElementById("theme");
  button.hidden = false;
  let now = 0;
  button.addEventListener("click", () => {
    now = (now + 1) % THEMES.length;
    if (now === 0) delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = THEMES[now];
    button.textContent = `Theme: ${THEMES[now]}`;
    themeChanged();
  });
  systemDark.addEventListener("change", themeChanged);
}

// Paper is white: what is drawn on a canvas is drawn again for it.
function startPrint() {
  let before = null;
  addEventListener("beforeprint", () => {
    before = document.documentElement.dataset.theme ?? null;
    document.documentElement.dataset.theme = "light";
    themeChanged();
  });
  addEventListener("afterprint", () => {
    if (before === null) delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = before;
    themeChanged();
  });
}

// A colour of the style sheet, in the theme of now, as canvases need it.
function inked(colour) {
  const probe = document.getElementById("probe");
  probe.style.color = colour;
  return getComputedStyle(probe).color;
}

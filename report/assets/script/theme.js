// Light, dark, or as the system has it. Not remembered: a file opened from disk has no storage of its own.
const THEMES = ["system", "light", "dark"];
const themeListeners = [];
const systemDark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (document.documentElement.dataset.theme ?? (systemDark.matches ? "dark" : "light")) === "dark";
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

// A colour of the style sheet as canvases need it.
function inked(name) {
  const probe = document.getElementById("probe");
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

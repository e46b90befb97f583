startTheme();
startPrint();
startTable();
const started = performance.now();
Promise.resolve(startTime()).then(() => {
  document.documentElement.dataset.drawn = Math.round(performance.now() - started);
});

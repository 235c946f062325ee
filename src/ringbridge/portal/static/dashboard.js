// The plot of the dashboard, drawn from the table beside it; and the reader's time zone, which the server makes days of.
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const said = () => document.cookie.split("; ").includes(`zone=${encodeURIComponent(zone)}`);
  if (!said()) {
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `zone=${encodeURIComponent(zone)}; path=/dashboard; max-age=31536000; samesite=lax${secure}`;
    // Not where cookies are not kept: the page would load for ever.
    if (said()) return location.reload();
  }

  const table = document.getElementById("points");
  const place = document.getElementById("plot");
  if (!table) return;
  place.hidden = false;
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent));
  const names = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
  const labels = rows.map((row) => row[0]);
  // Numbers are written as the language has it: only their digits count.
  const column = (index) => rows.map((row) => Number(row[index].replace(/\D/g, "")));
  const data = [rows.map((_, index) => index), column(1), column(3)];

  const number = new Intl.NumberFormat(document.documentElement.lang);
  const last = labels.length - 1;

  let plot;
  const draw = () => {
    plot?.destroy();
    const style = getComputedStyle(place);
    const colour = (name) => style.getPropertyValue(name).trim();
    const axis = { stroke: style.color, grid: { stroke: colour("--plot-grid"), width: 1 }, ticks: { show: false } };
    const bars = (name, index, size) => ({
      label: names[index],
      value: (_, value) => (value == null ? "–" : number.format(value)),
      fill: colour(name),
      stroke: colour(name),
      width: 0,
      points: { show: false },
      paths: uPlot.paths.bars({ size: [size, 48] }),
    });
    plot = new uPlot(
      {
        width: place.clientWidth,
        height: 260,
        scales: { x: { time: false, range: [-0.6, labels.length - 0.4] }, y: { range: (_, __, most) => [0, Math.max(4, most * 1.1)] } },
        series: [
          { label: names[0], value: (_, index) => labels[index] ?? "–" },
          bars("--plot-all", 1, 0.8),
          bars("--plot-part", 3, 0.8),
        ],
        axes: [
          { ...axis, grid: { show: false }, space: 90, incrs: [1, 2, 3, 4, 6, 12, 24, 48], values: (_, splits) => splits.map((at) => labels[at] ?? "") },
          { ...axis, size: 60, values: (_, splits) => splits.map((at) => number.format(at)), incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 50000, 100000, 500000, 1000000] },
        ],
        cursor: { drag: { x: false, y: false }, points: { show: false } },
        // Away from the plot, the legend is that of the last point.
        hooks: { setLegend: [(self) => { if (self.legend.idx == null) self.setLegend({ idx: last }); }] },
      },
      data,
      place,
    );
    plot.setLegend({ idx: last });
  };
  draw();
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: 260 })).observe(place);
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
})();

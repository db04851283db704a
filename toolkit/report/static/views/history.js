// What became of an asset from run to run: how long it took, how many rows, its metrics.
(function (R) {
  const { h } = R.dom;
  const { count, duration, time, metric } = R.format;
  const { section, table, took } = R.ui;
  const MOST = 40; // points of a line
  const LINES = 12;
  const RUNS = 20;

  /** Steps that made an asset, newest first: its own, or the sync that its stream is a part of. */
  const stepsOf = (model, asset) => model.history.get(asset.key) || (asset.kind === "stream" && model.history.get(`sync.${asset.source}`)) || [];

  /** Lines over time of those numbers of which at least two are known: `{name, say, points}`. */
  function series(model, asset) {
    const here = (x) => x.run.target === model.meta.target;
    const past = model.past(asset).filter(here).reverse();
    const ran = stepsOf(model, asset).filter((s) => here(s) && took(s) != null && s.status !== "skipped").slice(0, MOST).reverse();
    const point = (x, value, say, bad) => ({ value, bad, title: `${say(value)}, ${time(x.run.started_at)}${bad ? ", failed" : ""}` });
    const names = [...new Set(past.flatMap((p) => [...p.metrics.keys()]))];
    const found = [
      { name: "Duration", say: duration, points: ran.map((s) => point(s, took(s), duration, R.icons.outcome(s.status) === "error")) },
      { name: "Rows", say: count, points: past.map((p) => point(p, p.rows, count)) },
      ...names.map((name) => ({ name, say: metric, points: past.map((p) => point(p, p.metrics.get(name) ?? null, metric)) })),
    ];
    return found.filter((s) => s.points.filter((p) => p.value != null).length > 1).slice(0, LINES);
  }

  function lines(list) {
    if (!list.length) return null;
    return h("div.series", null, list.map(({ name, say, points }) => {
      const values = points.map((p) => p.value);
      const known = values.filter((v) => v != null);
      const range = `${say(Math.min(...known))} to ${say(Math.max(...known))}`;
      return [h("span.muted.label", { title: name }, name), R.spark.line(points, `${name} of the last ${points.length} runs: ${range}`),
        h("span.now", { title: `${range} in ${R.format.plural(known.length, "run")}` }, say(known[known.length - 1]), h("span.muted", null, R.spark.change(values, say)))];
    }));
  }

  function runs(app, steps) {
    if (!steps.length) return null;
    return section(`Runs (${count(steps.length)})`, table([
      { label: "Status", cell: (s) => R.icons.badge(s.status) },
      { label: "When", class: "when", cell: (s) => h("a", { href: app.href({ view: "run", run: s.run.id }), title: s.run.id }, time(s.started_at ?? s.run.started_at)) },
      { label: "Rows", class: "num", cell: (s) => count(s.rows) },
      { label: "Time", class: "num", cell: (s) => duration(took(s)) },
    ], steps.slice(0, RUNS)), steps.length > RUNS ? h("p.note", null, `The newest ${RUNS}; the Runs view has them all.`) : null);
  }

  /** Both sections of an asset's page. */
  function history(app, asset) {
    const list = series(app.model, asset);
    return [list.length ? section("Over time", lines(list)) : null, runs(app, stepsOf(app.model, asset))];
  }

  R.views.history = { history, series, lines, runs, stepsOf };
})(globalThis.Report);

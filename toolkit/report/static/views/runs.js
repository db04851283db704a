// Runs, and one run's steps on a line of time.
(function (R) {
  const { h, svg } = R.dom;
  const { plural, duration, time, ago } = R.format;
  const { link, took, table } = R.ui;

  function mount(host, app) {
    const { model, state } = app;
    const run = model.runs.find((r) => r.id === state.run) || model.runs[0];
    R.dom.fill(host, h("div.page", null, h("h1", null, "Runs"),
      model.runs.length ? [runTable(app, run), oneRun(app, run)] : h("p.empty", null, "No run is recorded. `toolkit build` makes one.")));
    return {};
  }

  function runTable(app, chosen) {
    const { model } = app;
    return h("div.short", null, table([
      { label: "Run", cell: (r) => link(app.href({ run: r.id }), h("span.mono", null, r.id)) },
      { label: "Status", cell: (r) => R.icons.badge(r.status) },
      { label: "Started", class: "num", cell: (r) => h("span", { title: `${ago(model.meta.made_at - r.started_at)}` }, time(r.started_at)) },
      { label: "Time", class: "num", cell: (r) => duration(took(r)) },
      { label: "Steps", class: "num", cell: (r) => r.steps.length + (r.steps.some(R.gantt.upToDate) ? 0 : r.up_to_date) },
      { label: "Command", cell: (r) => h("span.mono", null, [r.command, r.selection].filter(Boolean).join(" ")) },
    ], model.runs, { onrow: (tr, r) => tr.classList.toggle("selected", r === chosen) }));
  }

  function oneRun(app, run) {
    const steps = [...run.steps].sort((a, b) => (a.started_at ?? Infinity) - (b.started_at ?? Infinity) || a.i - b.i);
    const tally = new Map();
    for (const s of steps) tally.set(s.status, (tally.get(s.status) || 0) + 1);
    const from = Math.min(...steps.map((s) => s.started_at ?? Infinity), run.started_at);
    const until = Math.max(...steps.map((s) => s.finished_at ?? 0), run.finished_at ?? 0);
    const gone = steps.some(R.gantt.upToDate) ? 0 : run.up_to_date;  // counted, not listed
    const heads = [
      { label: "Step", cell: (s) => R.ui.stepLink(app, s), text: (s) => s.key },
      { label: "Status", cell: (s) => R.icons.badge(s.status) },
      { label: "Time", class: "num", cell: (s) => duration(took(s)), text: took },
      { label: `0 to ${duration(until - from)}`, class: "wide", cell: (s) => gantt(s, from, until), text: null },
      { label: "Why, and what came of it", cell: (s) => [s.message ? h("div.message", null, s.message) : null, s.reason ? h("div.muted", null, s.reason) : null],
        text: (s) => [s.message, s.reason].filter(Boolean).join("; ") },
    ];
    return h("section", null,
      h("div.headline", null, h("h2", null, `Steps of ${run.id}`), h("span.grow"), R.ui.csvButton(app, `run-${run.id}`, heads, steps)),
      h("p.note", null, plural(steps.length + gone, "step"), ": ", [...tally].map(([s, n], i) => [i ? ", " : "", `${n} ${s}`]),
        gone ? [tally.size ? ", " : "", `${gone} up to date`] : null, ". ", link(app.href({ view: "run", run: run.id }), "On a line of time")),
      table(heads, steps, { empty: "No steps." }));
  }

  function gantt(step, from, until) {
    if (step.started_at == null || step.finished_at == null || until <= from) return null;
    const scale = 300 / (until - from);
    const x = (step.started_at - from) * scale;
    const width = Math.max(2, (step.finished_at - step.started_at) * scale);
    const label = `${duration(step.started_at - from)} to ${duration(step.finished_at - from)}`;
    return svg("svg", { viewBox: "0 0 300 12", class: "gantt", preserveAspectRatio: "none", role: "img", "aria-label": label },
      svg("rect", { x: 0, y: 5.5, width: 300, height: 1, class: "rule" }),
      svg("rect", { x: Math.min(x, 298), y: 1, width, height: 10, rx: 2, class: "fill-" + R.icons.outcome(step.status) }));
  }

  R.views.runs = { mount };
})(globalThis.Report);

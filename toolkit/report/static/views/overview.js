// The answer first, in sentences; each number leads to its reason.
(function (R) {
  const { h } = R.dom;
  const { count, plural, percent, duration, ago, time } = R.format;
  const { section, assetLink, table, link, bar, took } = R.ui;

  function mount(host, app) {
    R.dom.fill(host, h("div.page.overview", null,
      h("div.answer", null, sentences(app).map((s) => h("p", null, s))),
      lastRuns(app), slowest(app), coverage(app), problems(app)));
    return {};
  }

  function sentences(app) {
    const { model } = app;
    const by = (state) => model.assets.filter((a) => a.state === state);
    const states = (state) => app.href({ view: "assets", filters: { state: [state] }, select: "" });
    const known = model.assets.filter((a) => a.state);
    const to = (view) => app.href({ view, code: null });
    const made = [];
    const [fresh, failed, stale, never] = ["fresh", "failed", "stale", "never"].map(by);
    if (!model.runs.length && never.length === known.length) {
      made.push([link(app.href({ view: "assets", select: "", filters: {} }), plural(model.n, "asset")), ", ",
        link(app.href({ view: "graph", select: "", filters: {} }), plural(model.edges.count, "dependency", "dependencies")),
        ". No run is recorded here: this report was made from the project's files alone."]);
    } else {
      made.push([link(states("fresh"), `${count(fresh.length)} of ${count(known.length)}`), " assets up to date."]);
      if (failed.length) made.push(listed(app, failed, "failed", states("failed")));
      if (stale.length) made.push(listed(app, stale, "stale", states("stale")));
      if (never.length) made.push([link(states("never"), plural(never.length, "asset")), " never built."]);
    }
    const checks = model.checks.filter((c) => c.result);
    const bad = checks.filter((c) => R.icons.outcome(c.result.status) !== "ok");
    if (checks.length) made.push([link(app.href({ view: "checks" }), `${count(checks.length - bad.length)} of ${plural(checks.length, "check")}`), " passed."]);
    else if (model.checks.length) made.push([link(app.href({ view: "checks" }), plural(model.checks.length, "check")), " defined, none run yet."]);
    made.push(lineageSentence(app));
    if (model.problems.length) made.push([link(to("problems"), plural(model.problems.length, "problem")), " to look at", errors(app, model.problems), "."]);
    if (model.findings.length) made.push(...found(app));
    return made;
  }

  /** ", 2 of them errors": the worst are listed first where the link leads. */
  function errors(app, list) {
    const n = list.filter((p) => p.severity === "error").length;
    return n ? [", ", link(app.href({ view: "problems", code: null }), count(n)), n === 1 ? " of them an error" : " of them errors"] : null;
  }

  /** "3 findings of rules, 1 of them an error.", and those of other tools. */
  function found(app) {
    const tools = new Map();
    for (const f of app.model.findings) tools.set(f.tool, [...(tools.get(f.tool) || []), f]);
    const href = app.href({ view: "problems", code: null });
    return [...tools].sort((a, b) => Number(b[0] === "toolkit") - Number(a[0] === "toolkit") || b[1].length - a[1].length).map(([tool, list]) =>
      [link(href, plural(list.length, "finding")), tool === "toolkit" ? " of rules" : ` of ${tool}`, errors(app, list), "."]);
  }

  function listed(app, assets, word, href) {
    const first = assets.slice(0, 3).map((a, i) => [i ? "; " : "", assetLink(app, a), a.reason ? ` (${a.reason})` : ""]);
    const rest = assets.length - 3;
    return [link(href, count(assets.length)), ` ${word}: `, first, rest > 0 ? ["; and ", link(href, `${count(rest)} more`)] : null, "."];
  }

  function lineageSentence(app) {
    const c = tally(app.model.assets);
    if (!c.traced) return ["No column lineage: nothing here is made by SQL that was read."];
    const to = (value) => app.href({ view: "assets", select: "", filters: { lineage: [value] } });
    return ["Column lineage: ", link(to("full"), `${percent(c.full, c.traced)} full`),
      c.partial ? [", ", link(to("partial"), `${count(c.partial)} partial`)] : null,
      c.opaque ? [", ", link(to("opaque"), `${count(c.opaque)} opaque`)] : ", none opaque", "."];
  }

  function tally(assets) {
    const c = { full: 0, partial: 0, opaque: 0, none: 0 };
    for (const a of assets) c[a.lineage]++;
    return { ...c, traced: c.full + c.partial + c.opaque };
  }

  function lastRuns(app) {
    const { runs, meta } = app.model;
    if (!runs.length) return null;
    const ticks = runs.slice(0, 60).reverse().map((run) => {
      const kind = R.icons.outcome(run.status);
      const said = `${run.status}: ${run.command || "run"}, ${time(run.started_at)}, ${duration(took(run))}`;
      return h("a.tick", { class: kind, href: app.href({ view: "runs", run: run.id }), title: said, "aria-label": said });
    });
    const last = runs[0];
    return section("Last runs", h("div.ticks", null, ticks),
      h("p.note", null, R.icons.badge(last.status), ` ${ago(meta.made_at - last.started_at)}, `,
        `${plural(last.steps.length, "step")} in ${duration(took(last))}. `, link(app.href({ view: "runs", run: last.id }), last.id)));
  }

  function slowest(app) {
    const run = app.model.runs[0];
    if (!run) return null;
    const steps = run.steps.filter((s) => took(s) != null && s.status !== "skipped").sort((a, b) => took(b) - took(a)).slice(0, 6);
    if (!steps.length) return null;
    const longest = took(steps[0]) || 1;
    return section("Slowest steps", table([
      { label: "Step", cell: (s) => R.ui.stepLink(app, s) },
      { label: "", class: "wide", cell: (s) => bar([[took(s), "neutral"]], longest) },
      { label: "Time", class: "num", cell: (s) => duration(took(s)) },
    ], steps));
  }

  function coverage(app) {
    const tools = new Map();
    for (const a of app.model.assets) {
      if (!tools.has(a.tool)) tools.set(a.tool, []);
      tools.get(a.tool).push(a);
    }
    const rows = [...tools].sort((a, b) => b[1].length - a[1].length);
    const cell = (key) => ([, assets]) => count(tally(assets)[key]);
    return section("Coverage", table([
      { label: "Tool", cell: ([tool]) => link(app.href({ view: "assets", select: "", filters: { tool: [tool] } }), R.icons.toolName(tool)) },
      { label: "Assets", class: "num", cell: ([, assets]) => count(assets.length) },
      { label: "Owner", class: "num", cell: ([, assets]) => percent(assets.filter((a) => a.owner).length, assets.length) },
      { label: "Described", class: "num", cell: ([, assets]) => percent(assets.filter((a) => a.description).length, assets.length) },
      { label: "Checked", class: "num", cell: ([, assets]) => percent(assets.filter((a) => a.checks.length).length, assets.length) },
      { label: "Column lineage", class: "wide", cell: ([, assets]) => {
        const c = tally(assets);
        return c.traced ? bar([[c.full, "ok"], [c.partial, "warn"], [c.opaque, "error"]], c.traced) : h("span.muted", null, "nothing to trace");
      } },
      { label: "Full", class: "num", cell: cell("full") },
      { label: "Partial", class: "num", cell: cell("partial") },
      { label: "Opaque", class: "num", cell: cell("opaque") },
    ], rows));
  }

  function problems(app) {
    const list = R.views.allProblems(app.model);
    if (!list.length) return null;
    return section("Problems", R.views.problemList(app, list.slice(0, 5)),
      list.length > 5 ? h("p.note", null, link(app.href({ view: "problems", code: null }), `All ${count(list.length)}`)) : null);
  }

  R.views.overview = { mount };
})(globalThis.Report);

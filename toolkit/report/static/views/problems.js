// What is wrong and tolerated, and what rules say: each with the place and the way to mend it.
(function (R) {
  const { h } = R.dom;
  const { count, plural } = R.format;
  const ORDER = { error: 0, warning: 1, info: 2 };

  /** Problems and findings alike, the worst first. */
  function all(model) {
    const problems = model.problems.map((p) => ({ ...p, column: null, mend: null, tool: "toolkit" }));
    const findings = model.findings.map((f) => ({ ...f, code: f.rule, i: f.i + problems.length }));
    return [...problems, ...findings].sort((a, b) => (ORDER[a.severity] ?? 3) - (ORDER[b.severity] ?? 3) || a.i - b.i);
  }

  /** The asset, the column, the file with its line. */
  function where(app, p) {
    const { model } = app;
    const column = p.column && p.asset >= 0 ? R.graph.findColumn(model, p.asset, p.column) : -1;
    return [p.asset >= 0 ? R.ui.assetLink(app, model.assets[p.asset]) : null,
      p.column ? h("div.mono", null, column >= 0 ? R.ui.columnLink(app, column, false) : p.column) : null,
      p.path ? h("div", null, R.ui.place(p.path, p.line)) : null];
  }

  const heads = (app) => [
    { label: "Severity", cell: (p) => R.icons.badge(p.severity) },
    { label: "Problem", cell: (p) => [h("div.message", null, p.message), p.mend ? h("div.muted.message", null, p.mend) : null], text: (p) => p.message },
    { label: "Where", class: "where", cell: (p) => where(app, p), text: null },
    { label: "Rule", class: "extra rule", cell: (p) => [h("span.mono.muted", null, p.code), p.tool === "toolkit" ? null : h("div.muted", null, p.tool)], text: (p) => `${p.tool}:${p.code}` },
  ];
  const filed = (app) => [...heads(app),
    { label: "Asset", text: (p) => (p.asset >= 0 ? app.model.assets[p.asset].key : "") }, { label: "Column", text: (p) => p.column },
    { label: "Path", text: (p) => p.path }, { label: "Line", text: (p) => p.line || "" }, { label: "Mend", text: (p) => p.mend },
  ];

  const problemList = (app, list) => R.ui.table(heads(app), list, { empty: "No problems." });

  function mount(host, app) {
    const { model, state } = app;
    const fitting = new Set(app.fitting().map((a) => a.i));
    const here = all(model).filter((p) => p.asset < 0 || fitting.has(p.asset));
    const codes = new Map();
    for (const p of here) codes.set(p.code, (codes.get(p.code) || 0) + 1);
    const list = state.code ? here.filter((p) => p.code === state.code) : here;
    R.dom.fill(host, h("div.page", null,
      h("div.headline", null, h("h1", null, "Problems"), h("span.muted", null, list.length === here.length ? count(list.length) : `${count(list.length)} of ${count(here.length)}`),
        h("span.grow"), R.ui.csvButton(app, "problems", filed(app), list)),
      h("p.codes", null, [...codes].sort((a, b) => b[1] - a[1]).map(([code, n]) =>
        h("a.chip", { href: app.href({ code: code === state.code ? null : code }), "aria-current": code === state.code ? "true" : null }, `${count(n)} `, h("span.mono", null, code)))),
      problemList(app, list)));
    return {};
  }

  /** On an asset's or a column's page: what is wrong with it. */
  function beside(problems, findings) {
    if (!problems.length && !findings.length) return null;
    const item = (p, code, mend, tool) => h("li", null, R.icons.badge(p.severity), " ", h("span.message", null, p.message), mend ? h("div.muted.message", null, mend) : null,
      h("div.muted", null, h("span.mono", null, code), tool ? ` of ${tool}` : "", " ", R.ui.place(p.path, p.line)));
    return R.ui.section(`Problems (${count(problems.length + findings.length)})`, h("ul.plain.problems", null,
      problems.map((p) => item(p, p.code, null, "")), findings.map((f) => item(f, f.rule, f.mend, f.tool === "toolkit" ? "" : f.tool))));
  }

  const said = (model) => [plural(model.problems.length, "problem"), model.findings.length ? plural(model.findings.length, "finding") + " of rules" : null].filter(Boolean).join(", ");

  R.views.problemList = problemList;
  R.views.problemsBeside = beside;
  R.views.allProblems = all;
  R.views.problemsSaid = said;
  R.views.problems = { mount };
})(globalThis.Report);

// What was tolerated and is still wrong, each with the place to mend it.
(function (R) {
  const { h } = R.dom;
  const ORDER = { error: 0, warning: 1, info: 2 };

  function problemList(app, problems) {
    return R.ui.table([
      { label: "Severity", cell: (p) => R.icons.badge(p.severity) },
      { label: "Problem", cell: (p) => [h("div.message", null, p.message), h("div.muted.mono", null, p.code)] },
      { label: "Asset", cell: (p) => (p.asset >= 0 ? R.ui.assetLink(app, app.model.assets[p.asset]) : "") },
      { label: "Place", class: "extra", cell: (p) => R.ui.place(p.path, p.line) },
    ], problems, { empty: "No problems." });
  }

  function mount(host, app) {
    const fitting = new Set(app.fitting().map((a) => a.i));
    const list = app.model.problems.filter((p) => p.asset < 0 || fitting.has(p.asset));
    list.sort((a, b) => ORDER[a.severity] - ORDER[b.severity] || a.i - b.i);
    const codes = new Map();
    for (const p of list) codes.set(p.code, (codes.get(p.code) || 0) + 1);
    R.dom.fill(host, h("div.page", null, h("h1", null, "Problems"),
      h("p.note", null, [...codes].sort((a, b) => b[1] - a[1]).map(([code, n], i) => [i ? ", " : "", `${R.format.count(n)} `, h("span.mono", null, code)])),
      problemList(app, list)));
    return {};
  }

  R.views.problemList = problemList;
  R.views.problems = { mount };
})(globalThis.Report);

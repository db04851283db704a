// All checks with how they ended last; failures first.
(function (R) {
  const { h } = R.dom;
  const { count } = R.format;
  const ORDER = { error: 0, warn: 1, skipped: 2, ok: 3 };

  function mount(host, app) {
    const { model } = app;
    const fitting = new Set(app.fitting().map((a) => a.i));
    const all = model.checks.filter((c) => c.assets.some((a) => fitting.has(a)) || fitting.has(c.asset) || (!c.assets.length && c.asset < 0));
    const rank = (c) => (c.result ? ORDER[R.icons.outcome(c.result.status)] : 4);
    all.sort((a, b) => rank(a) - rank(b) || a.i - b.i);
    const said = new Map();
    for (const c of all) said.set(c.result ? c.result.status : "not run", (said.get(c.result ? c.result.status : "not run") || 0) + 1);
    R.dom.fill(host, h("div.page", null,
      h("div.headline", null, h("h1", null, "Checks"), h("span.muted", null, [...said].map(([s, n]) => `${count(n)} ${s}`).join(", ")), h("span.grow"), R.ui.csvButton(app, "checks", heads(app), all)),
      checkTable(app, all)));
    return {};
  }

  /** What a check said beside its message. */
  const noted = (c) => (c.metadata.length ? h("div.message.muted", null, c.metadata.map(([name, value]) => `${name}: ${R.format.metric(value)}`).join(", ")) : null);

  function heads(app) {
    return [
      { label: "Result", cell: (c) => (c.result ? R.icons.badge(c.result.status) : h("span.muted", null, "not run")) },
      { label: "Check", cell: (c) => [h("span", null, c.test || c.name), c.result && c.result.message && R.icons.outcome(c.result.status) !== "ok" ? h("div.message.muted", null, c.result.message) : null, noted(c)], text: (c) => c.key },
      { label: "Asset", cell: (c) => (c.asset >= 0 ? R.ui.assetLink(app, app.model.assets[c.asset]) : ""), text: (c) => (c.asset >= 0 ? app.model.assets[c.asset].key : "") },
      { label: "Column", cell: (c) => h("span.mono", null, c.column) },
      { label: "Failures", class: "num", cell: (c) => (c.result && c.result.failures != null ? count(c.result.failures) : "–"), text: (c) => c.result && c.result.failures },
      { label: "Severity", cell: (c) => c.severity },
      { label: "Place", class: "extra", cell: (c) => R.ui.place(c.path) },
    ];
  }

  const checkTable = (app, checks) => R.ui.table(heads(app), checks, { empty: "No checks." });

  R.views.checkTable = checkTable;
  R.views.checks = { mount, noted };
})(globalThis.Report);

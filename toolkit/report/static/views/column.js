// The drawer's page of one column: what makes it, what it makes, and by which expression.
(function (R) {
  const { h } = R.dom;
  const { plural } = R.format;

  function page(app, asset, column) {
    const { model } = app;
    const near = R.graph.neighbours(model, column);
    const up = R.graph.trace(model, column, "up");
    const down = R.graph.trace(model, column, "down");
    const rows = model.influencedBy(column);
    const name = model.columns.name(column);
    const origin = model.columns.origin(column);
    return [
      h("p.crumb", null, R.ui.assetLink(app, asset)),
      h("h1.mono", null, name),
      R.ui.facts([
        ["Lands from", origin && R.ui.origin(origin)],
        ["Type", model.columns.type(column) && h("span.mono", null, model.columns.type(column))],
        ["Tags", model.columns.tags(column).length ? h("span.tags", null, model.columns.tags(column).map((t) => h("span.chip", null, t))) : null],
        ["Checks", checks(asset, name)],
        ["Upstream", `${plural(up.columns.size - 1, "column")} in ${plural(up.assets.size - 1, "asset")}`],
        ["Downstream", `${plural(down.columns.size - 1, "column")} in ${plural(down.assets.size - 1, "asset")}`],
      ]),
      model.columns.description(column) ? h("p", null, model.columns.description(column)) : null,
      app.state.view === "graph" ? null : h("p", null, h("a.button", { href: app.href({ view: "graph", select: "" }) }, "Trace on the graph")),
      R.views.problemsBeside([], asset.findings.filter((f) => f.column && f.column.toLowerCase() === name.toLowerCase())),
      R.ui.section("Made from", list(app, near.from, origin ? "A property of what the connector reads, see above." : asset.lineage === "opaque" ? "Not known: the lineage of this asset is opaque." : "No column that is known.")),
      R.ui.section("Makes", list(app, near.to, "No column.")),
      rows.length ? R.ui.section("Influences all rows of", h("ul.plain", null, Array.from(model.influencedBy(column), (e) =>
        h("li", null, R.ui.assetLink(app, model.assets[model.assetEdges.to[e]]), h("span.muted", null, " " + model.word(model.assetEdges.subtype[e])))))) : null,
      R.sql.section(app, asset, column),
      opaqueNote(app, [...up.opaque.map(([, b]) => b), ...down.opaque.map(([, b]) => b)]),
    ];
  }

  function checks(asset, name) {
    const found = asset.checks.filter((c) => c.asset === asset.i && c.column && c.column.toLowerCase() === name.toLowerCase());
    return found.length ? found.map((c, i) => [i ? ", " : "", `${c.test || c.name} `, c.result ? R.icons.badge(c.result.status) : h("span.muted", null, "not run")]) : null;
  }

  function list(app, edges, empty) {
    if (!edges.length) return h("p.empty", null, empty);
    return h("ul.edges", null, edges.map((e) => h("li", { class: e.direct ? "direct" : "indirect" },
      h("div", null, R.ui.columnLink(app, e.column), h("span.subtype", null, e.subtype)),
      R.ui.expressions(e))));
  }

  function opaqueNote(app, assets) {
    const distinct = [...new Set(assets)];
    if (!distinct.length) return null;
    return h("p.note", null, "The trace cannot see through ", distinct.slice(0, 8).map((a, i) => [i ? ", " : "", R.ui.assetLink(app, app.model.assets[a])]),
      distinct.length > 8 ? ` and ${distinct.length - 8} more` : null, ": opaque.");
  }

  R.views.columnPage = page;
})(globalThis.Report);

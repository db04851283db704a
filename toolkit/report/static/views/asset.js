// The drawer's page of one asset.
(function (R) {
  const { h, outside } = R.dom;
  const { count, ago, time, metric } = R.format;
  const { section, facts, place, link, assetLink, columnLink, table } = R.ui;

  function page(app, asset) {
    const { model } = app;
    const unmatched = R.views.unmatchedNote(app, asset);
    const problems = asset.problems.filter((p) => !unmatched || !p.code.startsWith("unmatched-"));
    return [
      h("div.title", null, h("span.kind", { class: "hue-" + R.icons.hue(asset) }, R.icons.icon(asset.kind, 18)), h("h1", null, asset.name)),
      h("p.muted.mono.key", null, asset.key),
      asset.state ? h("p", null, R.icons.badge(asset.state), asset.reason ? h("span.muted", null, " " + asset.reason) : null) : null,
      asset.result && R.icons.outcome(asset.result.status) === "error" && asset.result.message ? h("pre.error", null, asset.result.message) : null,
      asset.description ? h("p.description", null, asset.description) : null,
      details(app, asset),
      h("p.actions", null,
        h("a.button", { href: app.href({ view: "graph", focus: asset.key, hops: 2, by: "auto", select: "", column: null }) }, "Show on the graph")),
      R.views.problemsBeside(problems, asset.findings),
      unmatched,
      columns(app, asset),
      landing(asset),
      neighbours(app, "Reads", model.parents(asset.i), (a) => model.tiers.get(a * model.n + asset.i)),
      neighbours(app, "Read by", model.children(asset.i), (a) => model.tiers.get(asset.i * model.n + a)),
      checks(asset),
      R.views.history.history(app, asset),
      R.views.models.section(app, asset),
      R.views.profile.section(app, asset),
      numbers(asset),
      R.sql.section(app, asset),
    ];
  }

  function details(app, asset) {
    return facts([
      ["Kind", [asset.kind.replace("_", " "), asset.materialized && asset.materialized !== asset.kind ? `, ${asset.materialized}` : "", asset.subtype ? `, ${asset.subtype}` : ""]],
      ["Relation", asset.relation && h("span.mono", null, asset.relation)],
      ["Owner", asset.owner ? link(app.href({ view: "assets", filters: { owner: [asset.owner] }, select: "" }), asset.owner) : null],
      ["Group", asset.group && link(app.href({ view: "assets", filters: { group: [asset.group] }, select: "" }), asset.group)],
      ["Access", asset.access],
      ["Tags", asset.tags.length ? h("span.tags", null, asset.tags.map((t) => h("a.chip", { href: app.href({ view: "assets", filters: { tag: [t] }, select: "" }) }, t))) : null],
      ["File", place(asset.path, asset.line)],
      ["Rows", asset.rows != null ? count(asset.rows) : null],
      ["Made", asset.at != null ? h("span", { title: time(asset.at) }, `${ago(app.model.meta.made_at - asset.at)}`) : null],
      ...asset.facts.map(([name, value]) => [name, name === "Connection" ? link(app.href({ view: "connections", connection: value }), value) : value]),
      ["Lineage", asset.lineage === "none" ? null : asset.lineage],
      ["Link", asset.url && outside(asset.url)],
    ]);
  }

  function columns(app, asset) {
    const { model } = app;
    const { start } = model.columns;
    const list = Array.from({ length: start[asset.i + 1] - start[asset.i] }, (_, k) => start[asset.i] + k);
    if (!list.length) return null;
    const checked = new Map();
    for (const c of asset.checks) if (c.column && c.asset === asset.i) checked.set(c.column.toLowerCase(), [...(checked.get(c.column.toLowerCase()) || []), c]);
    const wrong = new Map();
    for (const f of asset.findings) if (f.column) wrong.set(f.column.toLowerCase(), [...(wrong.get(f.column.toLowerCase()) || []), f]);
    return section(`Columns (${count(list.length)})`, h("ul.columns", null, list.slice(0, 400).map((c) => {
      const name = model.columns.name(c);
      const near = R.graph.neighbours(model, c);
      return h("li", null,
        h("div.head", null, columnLink(app, c, false), h("span.mono.muted.type", null, model.columns.type(c)),
          model.columns.tags(c).map((t) => h("span.chip", { title: "tag" }, t)),
          (wrong.get(name.toLowerCase()) || []).map((f) => h("span.chip", { class: R.icons.outcome(f.severity), title: f.message }, f.rule)),
          (checked.get(name.toLowerCase()) || []).map((k) => h("span.chip", { class: k.result ? R.icons.outcome(k.result.status) : "", title: k.name }, k.test || k.name))),
        model.columns.description(c) ? h("div.muted", null, model.columns.description(c)) : null,
        model.columns.origin(c) ? h("div.ends", { "aria-label": "Lands from" }, h("span.arrow", { "aria-hidden": "true" }, "←"), h("span", null, R.ui.origin(model.columns.origin(c)))) : null,
        ends(app, "←", near.from, "Made from"), ends(app, "→", near.to, "Makes"));
    })), list.length > 400 ? h("p.note", null, `and ${count(list.length - 400)} more; the Columns view has them all`) : null);
  }

  function ends(app, arrow, edges, label) {
    if (!edges.length) return null;
    return h("div.ends", { "aria-label": label }, h("span.arrow", { "aria-hidden": "true" }, arrow),
      h("span", null, edges.slice(0, 6).map((e, i) => [i ? ", " : "", h("span", { class: e.direct ? "direct" : "indirect", title: [e.subtype, e.inner.length ? e.inner[0].text : e.expression].filter(Boolean).join(": ") }, columnLink(app, e.column))]),
        edges.length > 6 ? ` and ${edges.length - 6} more` : null));
  }

  /** What of the source does not land: rows that a filter drops, properties that a mapper removes. */
  function landing(asset) {
    const { landing: land } = asset;
    if (!land) return null;
    const words = (list) => list.map((w, i) => [i ? ", " : "", h("span.mono", null, w)]);
    return [
      land.conditions.length ? section("Only some rows land", h("ul.plain", null, land.conditions.map((c) => h("li.mono", null, c))),
        land.properties.length ? h("p.note", null, "They look at ", words(land.properties), ".") : null) : null,
      land.removed.length ? section(`Removed (${count(land.removed.length)})`, h("p", null, words(land.removed), h("span.muted", null, ": of the source, and do not land"))) : null,
    ];
  }

  function neighbours(app, title, list, tierOf) {
    if (!list.length) return null;
    return section(`${title} (${count(list.length)})`, h("ul.plain.neighbours", null, list.slice(0, 60).map((a) => {
      const other = app.model.assets[a];
      return h("li", null, assetLink(app, other), tierOf(a) ? [" ", R.ui.tier(tierOf(a))] : null, other.state && other.state !== "fresh" ? [" ", R.icons.badge(other.state)] : null);
    })), list.length > 60 ? h("p.note", null, `and ${count(list.length - 60)} more`) : null);
  }

  function checks(asset) {
    if (!asset.checks.length) return null;
    return section(`Checks (${count(asset.checks.length)})`, table([
      { label: "Result", cell: (c) => (c.result ? R.icons.badge(c.result.status) : h("span.muted", null, "not run")) },
      { label: "Check", cell: (c) => [h("span", { title: c.key }, c.test || c.name), c.column ? h("span.mono.muted", null, ` ${c.column}`) : null,
        c.result && c.result.message && R.icons.outcome(c.result.status) !== "ok" ? h("div.message.muted", null, c.result.message) : null, R.views.checks.noted(c)] },
      { label: "Failures", class: "num", cell: (c) => (c.result && c.result.failures != null ? count(c.result.failures) : "–") },
    ], asset.checks));
  }

  function numbers(asset) {
    if (!asset.metrics.length && !asset.metadata.length) return null;
    return section("Metrics", facts([...asset.metrics, ...asset.metadata].map(([name, value]) =>
      [name, h("span.metric", { title: String(value) }, metric(value))])));
  }

  R.views.assetPage = page;
})(globalThis.Report);

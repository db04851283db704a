// The left rail: views, then filters with counts.
(function (R) {
  const { h } = R.dom;
  const { count, plural, short } = R.format;
  const FEW = 7;

  function rail(app) {
    const { model, state } = app;
    const assets = plural(model.n, "asset");
    const ran = model.runs.length ? R.gantt.ran(model.runs[0]) : null;
    // For each view how many it shows, and the words for it: [number, what it counts].
    const totals = {
      graph: [model.n, `${assets}, joined by ${plural(model.edges.count, "dependency", "dependencies")}`],
      assets: [model.n, assets],
      columns: [model.columns.count, plural(model.columns.count, "column")],
      connections: [model.matches.length + model.unmatched.length, R.views.connectionsSaid(model)],
      ...(ran == null ? {} : { run: [ran, `${plural(ran, "step")} ran in the last run`] }),
      runs: [model.runs.length, plural(model.runs.length, "run")],
      checks: [model.checks.length, plural(model.checks.length, "check")],
      problems: [model.problems.length + model.findings.length, R.views.problemsSaid(model)],
    };
    const views = R.page.VIEWS.map((name) =>
      h("a.view", { href: app.href({ view: name, asset: state.asset, code: null, connection: null, column: name === "graph" ? state.column : null }), "aria-current": name === state.view ? "page" : null },
        R.icons.icon(name), h("span.label", null, name[0].toUpperCase() + name.slice(1)), totals[name] ? h("span.count", { title: totals[name][1] }, short(totals[name][0])) : null));
    return [h("nav", { "aria-label": "Views" }, views), h("div.filters", { "aria-label": "Filters" }, filters(app))];
  }

  function filters(app) {
    const { model, state } = app;
    const chosen = Object.values(state.filters).some((v) => v.length);
    const facets = R.filters.counted(model.assets, state.filters).filter((f) => f.values.length > 1 || (state.filters[f.id] || []).length);
    return [chosen ? h("p.clear", null, h("a", { href: app.href({ filters: {} }) }, "Clear filters")) : null, facets.map((facet) => {
      const picked = state.filters[facet.id] || [];
      const more = app.unfolded.has(facet.id);
      const values = more || facet.order ? facet.values : facet.values.filter(([v], i) => i < FEW || picked.includes(v));
      return h("fieldset", null, h("legend", null, facet.label), values.map(([value, n]) => option(app, facet, value, n, picked)),
        facet.values.length > values.length || (more && !facet.order) ? h("button.unfold", { onclick: () => app.unfold(facet.id) }, more ? "fewer" : `${count(facet.values.length - values.length)} more`) : null);
    })];
  }

  function option(app, facet, value, n, picked) {
    const on = picked.includes(value);
    const next = on ? picked.filter((v) => v !== value) : [...picked, value];
    const box = h("input", { type: "checkbox", checked: on, onchange: () => app.go({ filters: { ...app.state.filters, [facet.id]: next }, open: [] }) });
    const label = facet.id === "tool" ? R.icons.toolName(value) : facet.id === "folder" ? R.format.middle(value, 25) : facet.id === "kind" ? value.replace("_", " ") : value;
    return h("label", { title: value }, box,
      facet.id === "tool" ? h("span.swatch", { class: "hue-" + R.icons.hue({ tool: value, kind: "" }) }) : null,
      facet.id === "state" && value !== "no state" ? h("span", { class: "state-" + R.icons.outcome(value) }, R.icons.icon(R.icons.GLYPH[R.icons.outcome(value)], 11)) : null,
      h("span.label", null, label), h("span.count", { title: count(n) }, short(n)));
  }

  R.rail = { rail };
})(globalThis.Report);

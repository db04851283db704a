// All assets as a table that can be sorted and, from the rail, filtered.
(function (R) {
  const { h } = R.dom;
  const { count, age, time } = R.format;
  const STATE_ORDER = { failed: 0, stale: 1, never: 2, fresh: 3 };

  const SORTS = {
    name: (a) => a.name.toLowerCase(),
    kind: (a) => a.kind,
    state: (a) => (a.state ? STATE_ORDER[a.state] : 9),
    rows: (a) => a.rows ?? -1,
    at: (a) => a.at ?? -1,
    owner: (a) => (a.owner || "\uffff").toLowerCase(),
    checks: (a) => a.checks.length,
    folder: (a) => a.folder,
    lineage: (a) => a.lineage,
  };

  function mount(host, app) {
    const { model, state } = app;
    const [key, way] = (state.sort || "state").split("-");
    const get = SORTS[key] || SORTS.state;
    const down = way === "down";
    const list = app.selected().slice().sort((a, b) => {
      const x = get(a);
      const y = get(b);
      return (x < y ? -1 : x > y ? 1 : a.i - b.i) * (down ? -1 : 1);
    });
    const sorted = { key, down, href: (k) => app.href({ sort: k === key && !down ? `${k}-down` : k }) };
    const selection = R.views.selectionBox(app);
    const heads = [
      { label: "Asset", sort: "name", cell: (a) => R.ui.assetLink(app, a), text: (a) => a.key },
      { label: "State", sort: "state", cell: (a) => (a.state ? h("span", { title: a.reason }, R.icons.badge(a.state)) : h("span.muted", null, "–")), text: (a) => a.state },
      { label: "Rows", sort: "rows", class: "num", cell: (a) => h("span", null, count(a.rows)), text: (a) => a.rows },
      { label: "Age", sort: "at", class: "num", cell: (a) => h("span", { title: time(a.at) }, a.at == null ? "–" : age(model.meta.made_at - a.at)), text: (a) => (a.at == null ? null : time(a.at)) },
      { label: "Checks", sort: "checks", class: "num", cell: (a) => checkCount(a), text: (a) => a.checks.length },
      { label: "Kind", sort: "kind", class: "extra", cell: (a) => a.kind.replace("_", " "), text: (a) => a.kind },
      { label: "Owner", sort: "owner", class: "any", cell: (a) => a.owner },
      { label: "Folder", sort: "folder", class: "extra", cell: (a) => h("span.mono.place", null, a.folder) },
      { label: "Lineage", sort: "lineage", class: "extra", cell: (a) => (a.lineage === "none" ? h("span.muted", null, "–") : a.lineage), text: (a) => a.lineage },
    ];
    R.dom.fill(host, h("div.page", null,
      h("div.headline", null, h("h1", null, "Assets"), h("span.muted", null, `${count(list.length)} of ${count(model.n)}`), h("span.grow"), R.ui.csvButton(app, "assets", heads, list)),
      selection.element,
      R.ui.table(heads, list, { sorted, empty: "No asset fits these filters.", onrow: (tr, a) => tr.classList.toggle("selected", a.key === state.asset) })));
    return { follow: selection.follow };
  }

  function checkCount(asset) {
    const bad = asset.checks.filter((c) => c.result && R.icons.outcome(c.result.status) === "error").length;
    return bad ? h("span.state-error", null, `${bad} / ${asset.checks.length}`) : count(asset.checks.length);
  }

  R.views.assets = { mount };
})(globalThis.Report);

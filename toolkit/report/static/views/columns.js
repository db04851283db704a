// A search over all columns of all assets.
(function (R) {
  const { h } = R.dom;
  const { count } = R.format;
  const LIMIT = 5000;

  function mount(host, app) {
    const { model } = app;
    const { columns } = model;
    const { names, of } = app.columnNames();
    const list = h("div");
    const button = h("span");
    const said = h("span.muted", { role: "status" });
    const box = h("input.box.mono", { type: "search", placeholder: "column name, or asset.column", "aria-label": "Search columns",
      value: app.state.columns || "", oninput: () => { app.replace({ columns: box.value }); show(); } });

    function show() {
      const [first, second] = box.value.trim().toLowerCase().split(".");
      const wanted = second ?? first;
      const fitting = new Set(app.fitting().map((a) => a.i));
      const named = names.map((name) => name.includes(wanted));
      const within = model.assets.map((a) => fitting.has(a.i) && (second === undefined || a.name.toLowerCase().includes(first)));
      const fit = (most) => {
        const list = [];
        for (let c = 0; c < columns.count && list.length < most; c++) if (named[of[c]] && within[columns.owner[c]]) list.push(c);
        return list;
      };
      const found = fit(LIMIT);
      said.textContent = found.length >= LIMIT ? `the first ${count(LIMIT)} of more` : `${count(found.length)} of ${count(columns.count)}`;
      const heads = [
        { label: "Column", cell: (c) => R.ui.columnLink(app, c, false) },
        { label: "Asset", cell: (c) => R.ui.assetLink(app, model.assets[columns.owner[c]]), text: (c) => model.assets[columns.owner[c]].key },
        { label: "Type", cell: (c) => h("span.mono.muted", null, columns.type(c)) },
        { label: "From", class: "num", cell: (c) => count(model.edgesIn(c).length), text: (c) => model.edgesIn(c).length },
        { label: "To", class: "num", cell: (c) => count(model.edgesOut(c).length), text: (c) => model.edgesOut(c).length },
        ...(columns.tagged ? [{ label: "Tags", class: "extra", cell: (c) => columns.tags(c).map((t) => h("span.chip", null, t)), text: (c) => columns.tags(c).join(" ") }] : []),
        { label: "Description", class: "clip", cell: (c) => columns.description(c) },
      ];
      R.dom.fill(button, R.ui.csvButton(app, "columns", heads, found, () => fit(Infinity)));
      R.dom.fill(list, R.ui.table(heads, found, { empty: "No column has that in its name." }));
    }
    R.dom.fill(host, h("div.page", null, h("div.headline", null, h("h1", null, "Columns"), said, h("span.grow"), button), box, list));
    show();
    return {};
  }

  R.views.columns = { mount };
})(globalThis.Report);

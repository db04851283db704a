// A search over all columns of all assets.
(function (R) {
  const { h } = R.dom;
  const { count } = R.format;
  const LIMIT = 5000;

  function mount(host, app) {
    const { model } = app;
    const { columns } = model;
    const lowered = app.columnNames();
    const list = h("div");
    const said = h("span.muted", { role: "status" });
    const box = h("input.box.mono", { type: "search", placeholder: "column name, or asset.column", "aria-label": "Search columns",
      value: app.state.columns || "", oninput: () => { app.replace({ columns: box.value }); show(); } });

    function show() {
      const [first, second] = box.value.trim().toLowerCase().split(".");
      const wanted = second ?? first;
      const fitting = new Set(app.fitting().map((a) => a.i));
      const found = [];
      for (let c = 0; c < columns.count; c++) {
        if (!fitting.has(columns.owner[c]) || !lowered[c].includes(wanted)) continue;
        if (second !== undefined && !model.assets[columns.owner[c]].name.toLowerCase().includes(first)) continue;
        found.push(c);
        if (found.length >= LIMIT) break;
      }
      said.textContent = found.length >= LIMIT ? `the first ${count(LIMIT)} of more` : `${count(found.length)} of ${count(columns.count)}`;
      R.dom.fill(list, R.ui.table([
        { label: "Column", cell: (c) => R.ui.columnLink(app, c, false) },
        { label: "Asset", cell: (c) => R.ui.assetLink(app, model.assets[columns.owner[c]]) },
        { label: "Type", cell: (c) => h("span.mono.muted", null, columns.type(c)) },
        { label: "From", class: "num", cell: (c) => count(model.edgesIn(c).length) },
        { label: "To", class: "num", cell: (c) => count(model.edgesOut(c).length) },
        { label: "Description", class: "clip", cell: (c) => columns.description(c) },
      ], found, { empty: "No column has that in its name." }));
    }
    R.dom.fill(host, h("div.page", null, h("div.headline", null, h("h1", null, "Columns"), said), box, list));
    show();
    return {};
  }

  R.views.columns = { mount };
})(globalThis.Report);

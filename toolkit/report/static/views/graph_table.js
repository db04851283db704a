// The graph as a table: for those who cannot see it, and for those who would rather read.
(function (R) {
  const { h } = R.dom;

  function cards(app, scene) {
    const name = (i) => (scene.cards[i].asset ? R.ui.assetLink(app, scene.cards[i].asset) : h("span", null, scene.cards[i].group));
    const list = (edges, end) => [...new Set(edges.map((e) => scene.edges[e][end]))].map((i, k) => [k ? ", " : "", name(i)]);
    return R.ui.table([
      { label: "Asset", cell: (i) => name(i) },
      { label: "State", cell: (i) => (scene.cards[i].state ? R.icons.badge(scene.cards[i].state) : "–") },
      { label: "Reads", cell: (i) => list(scene.into[i], "from") },
      { label: "Read by", cell: (i) => list(scene.outOf[i], "to") },
    ], scene.cards.map((_, i) => i));
  }

  /** A trace as sentences of columns: what, into what, how and by which expression. */
  function trace(app, scene) {
    const { columnEdges: values, assetEdges: decides, word } = app.model;
    const asset = (i) => R.ui.assetLink(app, scene.cards[i].asset);
    const from = (e) => {
      if (e.columnEdge !== undefined) return R.ui.columnLink(app, values.from[e.columnEdge]);
      return e.assetEdge !== undefined ? R.ui.columnLink(app, decides.from[e.assetEdge]) : asset(e.from);
    };
    const to = (e) => {
      if (e.columnEdge !== undefined) return R.ui.columnLink(app, values.to[e.columnEdge]);
      return e.assetEdge !== undefined ? ["all rows of ", asset(e.to)] : asset(e.to);
    };
    const how = (e) => {
      if (e.columnEdge === undefined) return e.assetEdge !== undefined ? `INDIRECT ${word(decides.subtype[e.assetEdge])}` : "opaque: not known";
      const n = e.columnEdge;
      return [`${values.direct[n] ? "DIRECT" : "INDIRECT"} ${word(values.subtype[n])}`,
        R.ui.expressions({ expression: word(values.expression[n]), inner: values.inner.get(n) || [] })];
    };
    return R.ui.table([{ label: "From", cell: from }, { label: "To", cell: to }, { label: "How", class: "how", cell: how }], scene.edges);
  }

  R.graphTable = { cards, trace };
})(globalThis.Report);

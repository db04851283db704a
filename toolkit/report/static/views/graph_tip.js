// What is said of the thing under the pointer on the graph.
(function (R) {
  const { h } = R.dom;
  const { plural } = R.format;

  /** Of an edge: between which columns or assets, how, and by which expression. */
  function edge(model, scene, e) {
    const name = (c) => `${model.assets[model.columns.owner[c]].name}.${model.columns.name(c)}`;
    if (e.columnEdge !== undefined) {
      const { from, to, direct, subtype, expression, inner } = model.columnEdges;
      const n = e.columnEdge;
      return [h("div.mono", null, `${name(from[n])} → ${name(to[n])}`),
        h("div.muted", null, `${direct[n] ? "DIRECT" : "INDIRECT"} ${model.word(subtype[n])}`),
        R.ui.expressions({ expression: model.word(expression[n]), inner: inner.get(n) || [] })];
    }
    if (e.assetEdge !== undefined) {
      const { from, to, subtype } = model.assetEdges;
      return [h("div.mono", null, `${name(from[e.assetEdge])} → ${model.assets[to[e.assetEdge]].name}`),
        h("div.muted", null, `INDIRECT ${model.word(subtype[e.assetEdge])}: influences all rows`)];
    }
    const [a, b] = [scene.cards[e.from], scene.cards[e.to]];
    const tier = a.asset && b.asset && model.tiers.get(a.asset.i * model.n + b.asset.i);
    return [h("div", null, `${a.title} → ${b.title}`),
      tier ? h("div.muted", null, `matched by ${tier}: ${R.ui.tierSaid(tier)}`) : null,
      e.style === "opaque" ? h("div.muted", null, "opaque: column lineage is not known here") : null,
      e.weight > 1 ? h("div.muted", null, plural(e.weight, "dependency", "dependencies")) : null];
  }

  /** Of a card, or of the column at one of its ports. */
  function card(model, c, port) {
    if (port >= 0) {
      const column = c.ports[port];
      const origin = model.columns.origin(column);
      const uses = `${plural(model.edgesIn(column).length, "source")}, ${plural(model.edgesOut(column).length, "use")}`;
      return [h("div.mono", null, `${c.asset.name}.${model.columns.name(column)}`),
        origin ? h("div", null, "← ", R.ui.origin(origin)) : null,
        h("div.muted", null, [model.columns.type(column), uses].filter(Boolean).join(" · "))];
    }
    if (c.members) return [h("div", null, c.group), h("div.muted", null, c.line, "; click to open")];
    const found = c.asset.problems.length + c.asset.findings.length;
    return [h("div.mono", null, c.asset.key), h("div.muted", null, c.asset.reason || c.line),
      c.asset.owner ? h("div.muted", null, `owner: ${c.asset.owner}`) : null,
      found ? h("div.muted", null, plural(found, "problem")) : null];
  }

  R.graphTip = { edge, card };
})(globalThis.Report);

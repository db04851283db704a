// Walking the model: neighbours, reach, and the trace of one column both ways.
(function (R) {
  /** Numbers of the assets at most `depth` edges from `start` (which are included). */
  function reach(model, start, next, depth = Infinity) {
    const seen = new Set(start);
    let frontier = [...seen];
    for (let d = 0; d < depth && frontier.length; d++) {
      const found = [];
      for (const a of frontier) for (const b of next(a)) if (!seen.has(b)) { seen.add(b); found.push(b); }
      frontier = found;
    }
    return seen;
  }
  const upstream = (model, start, depth) => reach(model, start, model.parents, depth);
  const downstream = (model, start, depth) => reach(model, start, model.children, depth);

  /** Assets within `hops` of one asset, both ways. */
  function around(model, asset, hops) {
    return new Set([...upstream(model, [asset], hops), ...downstream(model, [asset], hops)]);
  }

  /** The number of an asset's column by its name (case is kept first, then not). */
  function findColumn(model, asset, name) {
    const { start } = model.columns;
    const folded = name.toLowerCase();
    let near = -1;
    for (let c = start[asset]; c < start[asset + 1]; c++) {
      if (model.columns.name(c) === name) return c;
      if (near < 0 && model.columns.name(c).toLowerCase() === folded) near = c;
    }
    return near;
  }

  /**
   * Everything that makes a column and everything that it makes.
   * Value flow and CONDITIONAL/WINDOW influence are followed from column to column; what
   * influences all rows of an asset (a filter, a join) is shown where it meets the trace and
   * not followed: it would reach nearly everything and say nearly nothing. An opaque asset
   * ends the trace, and is listed.
   * @param {"up"|"down"|"both"} direction
   */
  function trace(model, column, direction = "both") {
    const columns = new Set([column]);
    const edges = new Set();
    const influences = new Set();
    const opaque = [];
    const { columnEdges, assetEdges } = model;
    const owner = model.columns.owner;
    if (direction !== "down") {
      const seen = new Set([column]);
      for (const c of seen) for (const e of model.edgesIn(c)) { edges.add(e); seen.add(columnEdges.from[e]); }
      for (const c of seen) columns.add(c);
      for (const e of model.influences(owner[column])) influences.add(e);
      endsInOpaque(model, new Set(Array.from(seen, (c) => owner[c])), model.parents, opaque, true);
    }
    if (direction !== "up") {
      const seen = new Set([column]);
      for (const c of seen) {
        for (const e of model.edgesOut(c)) { edges.add(e); seen.add(columnEdges.to[e]); }
        for (const e of model.influencedBy(c)) influences.add(e);
      }
      for (const c of seen) columns.add(c);
      endsInOpaque(model, new Set(Array.from(seen, (c) => owner[c])), model.children, opaque, false);
    }
    for (const e of influences) columns.add(assetEdges.from[e]);
    const assets = new Set(Array.from(columns, (c) => owner[c]));
    for (const e of influences) assets.add(assetEdges.to[e]);
    for (const [a, b] of opaque) assets.add(a).add(b);
    return { column, columns, edges, influences, opaque, assets };
  }

  function endsInOpaque(model, assets, next, found, upwards) {
    for (const a of assets) {
      // Upwards an opaque asset hides what it reads; downwards it may use the column or not.
      if (upwards && model.assets[a].lineage !== "opaque") continue;
      for (const b of next(a)) {
        if (upwards) found.push([b, a]);
        else if (model.assets[b].lineage === "opaque") found.push([a, b]);
      }
    }
  }

  /** Columns that a column is made from / that are made from it: one step. */
  function neighbours(model, column) {
    const { columnEdges: edges } = model;
    const tell = (e, other) => ({
      edge: e, column: other, direct: edges.direct[e] === 1, subtype: model.word(edges.subtype[e]),
      expression: model.word(edges.expression[e]), inner: edges.inner.get(e) || [], line: edges.line[e],
    });
    return {
      from: Array.from(model.edgesIn(column), (e) => tell(e, edges.from[e])),
      to: Array.from(model.edgesOut(column), (e) => tell(e, edges.to[e])),
    };
  }

  R.graph = { reach, upstream, downstream, around, findColumn, trace, neighbours };
})(globalThis.Report);

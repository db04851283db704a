// From "what shall be visible" to a scene: cards and edges with places, ready to be drawn.
(function (R) {
  const W = 180;
  const H = 44;
  const PORT = 18;
  const MAX_PORTS = 14;
  const COLLAPSE_ABOVE = 150;
  const ROW = H + 12;
  const SUB_GAP = 16;
  const STATES = ["failed", "stale", "never", "fresh"];

  const GROUPINGS = { folder: (a) => a.folder, layer: R.filters.layerOf, group: (a) => a.group || "(no group)", tool: (a) => a.tool };

  /** How the visible assets are collapsed when nobody has said: large graphs by folder. */
  const grouping = (chosen, count) => (chosen && chosen !== "auto" ? chosen : count > COLLAPSE_ABOVE ? "folder" : "none");

  /**
   * @param {Object} model
   * @param {{assets: number[], by: string, open: string[], ports: Map<number, number[]>|null}} wanted
   */
  function scene(model, wanted) {
    const { cards, cardOf } = makeCards(model, wanted);
    const links = new Map();
    const { from, to, count } = model.edges;
    for (let e = 0; e < count; e++) {
      const a = cardOf.get(from[e]);
      const b = cardOf.get(to[e]);
      if (a === undefined || b === undefined || a === b) continue;
      const id = a * cards.length + b;
      const link = links.get(id);
      if (link) link.weight++;
      else links.set(id, { from: a, to: b, weight: 1, style: "quiet" });
    }
    const edges = [...links.values()];
    if (cards.length === model.n && wanted.by === "none" && !wanted.ports) useWholeLayout(model, cards);
    else R.layout.place(cards, edges.map((e) => [e.from, e.to]));
    return finish(cards, cardOf, edges);
  }

  /** The scene of one column's trace: its assets with the columns on the way as ports. */
  function traceScene(model, trace) {
    const ports = new Map();
    for (const c of trace.columns) {
      const a = model.columns.owner[c];
      if (!ports.has(a)) ports.set(a, []);
      ports.get(a).push(c);
    }
    for (const list of ports.values()) list.sort((x, y) => x - y);
    const built = makeCards(model, { assets: [...trace.assets].sort((x, y) => x - y), by: "none", open: [], ports });
    const { cards, cardOf } = built;
    const edges = traceEdges(model, trace, cardOf, cards);
    const pairs = new Map(edges.map((e) => [e.from * cards.length + e.to, [e.from, e.to]]));
    R.layout.place(cards, [...pairs.values()]);
    return finish(cards, cardOf, edges);
  }

  function traceEdges(model, trace, cardOf, cards) {
    const { owner } = model.columns;
    const port = (c) => cards[cardOf.get(owner[c])].ports.indexOf(c);
    const edges = [];
    for (const e of trace.edges) {
      const s = model.columnEdges.from[e];
      const t = model.columnEdges.to[e];
      const direct = model.columnEdges.direct[e] === 1;
      edges.push({ from: cardOf.get(owner[s]), to: cardOf.get(owner[t]), fromPort: port(s), toPort: port(t),
        style: direct ? "direct" : "indirect", columnEdge: e });
    }
    for (const e of trace.influences) {
      const s = model.assetEdges.from[e];
      edges.push({ from: cardOf.get(owner[s]), to: cardOf.get(model.assetEdges.to[e]), fromPort: port(s), toPort: -1,
        style: "indirect", assetEdge: e });
    }
    for (const [a, b] of trace.opaque) edges.push({ from: cardOf.get(a), to: cardOf.get(b), fromPort: -1, toPort: -1, style: "opaque" });
    return edges;
  }

  function makeCards(model, wanted) {
    const cards = [];
    const cardOf = new Map();
    const group = GROUPINGS[wanted.by];
    const open = new Set(wanted.open);
    const groups = new Map();
    for (const a of wanted.assets) {
      const asset = model.assets[a];
      const name = group && group(asset);
      if (!group || open.has(name)) {
        cardOf.set(a, cards.length);
        cards.push(assetCard(model, asset, wanted.ports && wanted.ports.get(a)));
        continue;
      }
      if (!groups.has(name)) {
        groups.set(name, cards.length);
        cards.push({ id: -1 - cards.length, asset: null, group: name, members: [], hint: 0, row: 0, w: W, h: H, ports: [] });
      }
      cardOf.set(a, groups.get(name));
      cards[groups.get(name)].members.push(asset);
    }
    for (const place of groups.values()) groupCard(cards[place], wanted.by);
    return { cards, cardOf };
  }

  function assetCard(model, asset, columns) {
    const all = columns || [];
    const ports = all.slice(0, MAX_PORTS);
    const more = all.length - ports.length;
    return {
      id: asset.i, asset, group: null, members: null, hint: asset.layer, row: asset.row, w: W, ports, more,
      h: H + (ports.length ? (ports.length + (more ? 1 : 0)) * PORT + 6 : 0),
      title: R.format.plain(asset.name), hue: R.icons.hue(asset), icon: asset.kind, state: asset.state, line: secondLine(model, asset),
    };
  }

  function secondLine(model, asset) {
    const { count, short, age } = R.format;
    if (asset.state === "failed") return asset.reason || "failed";
    const parts = [];
    if (asset.rows != null) parts.push(asset.rows >= 1e6 ? `${short(asset.rows)} rows` : `${count(asset.rows)} rows`);
    if (asset.at != null) parts.push(age(model.meta.made_at - asset.at));
    if (asset.state === "stale") parts.splice(0, parts.length - (asset.at != null ? 1 : 0), "stale");
    if (!parts.length && asset.state === "never") parts.push("never built");
    if (!parts.length) parts.push(asset.materialized || asset.subtype || asset.kind.replace("_", " "));
    return parts.join(" · ");
  }

  function groupCard(card, by) {
    const n = card.members.length;
    const mean = (get) => card.members.reduce((sum, a) => sum + get(a), 0) / n;
    const hues = new Map();
    for (const a of card.members) hues.set(R.icons.hue(a), (hues.get(R.icons.hue(a)) || 0) + 1);
    const states = STATES.map((s) => [s, card.members.filter((a) => a.state === s).length]).filter(([, k]) => k);
    Object.assign(card, {
      hint: by === "layer" ? R.filters.LAYERS.indexOf(card.group) : mean((a) => a.layer), row: mean((a) => a.row), icon: "folder",
      hue: [...hues].sort((x, y) => y[1] - x[1])[0][0],
      title: R.format.plain(groupTitle(card.group)), state: states.length ? states[0][0] : null,
      line: R.format.plural(n, "asset") + (states.length && states[0][0] !== "fresh" && states[0][0] !== "never" ? ` · ${states[0][1]} ${states[0][0]}` : ""),
    });
  }

  /** The last two folders say where one is; the first ones are the same everywhere. */
  const groupTitle = (name) => name.split("/").slice(-2).join("/");

  function useWholeLayout(model, cards) {
    const folds = [];
    for (const { asset } of cards) folds[asset.layer] = Math.max(folds[asset.layer] || 0, asset.sub + 1);
    const starts = [0];
    for (let l = 0; l < folds.length; l++) starts.push(starts[l] + (folds[l] || 1) * (W + SUB_GAP) - SUB_GAP + R.layout.LAYER_GAP);
    for (const card of cards) {
      card.layer = card.asset.layer;
      card.x = starts[card.layer] + card.asset.sub * (W + SUB_GAP);
      card.y = card.row * ROW;
    }
  }

  function finish(cards, cardOf, edges, gap = R.layout.LAYER_GAP) {
    const box = { x0: 0, y0: 0, x1: W, y1: H };
    for (const c of cards) {
      box.x0 = Math.min(box.x0, c.x);
      box.y0 = Math.min(box.y0, c.y);
      box.x1 = Math.max(box.x1, c.x + c.w);
      box.y1 = Math.max(box.y1, c.y + c.h);
    }
    const into = cards.map(() => []);
    const outOf = cards.map(() => []);
    edges.forEach((edge, e) => { into[edge.to].push(e); outOf[edge.from].push(e); });
    return { cards, cardOf, edges, into, outOf, box, gap, lanes: lanes(cards) };
  }

  /** Layers nearer to each other (never too near for an edge to be seen), so that more has room. */
  function squeeze(scene, by) {
    for (const c of scene.cards) c.x -= c.layer * by;
    const { cards, cardOf, edges } = scene;
    return finish(cards, cardOf, edges, R.layout.LAYER_GAP - by);
  }

  /** Neighbouring layers with the same prevailing tool, as one faint band with a name. */
  function lanes(cards) {
    const layers = new Map();
    for (const c of cards) {
      const tool = c.asset ? c.asset.tool : c.members[0].tool;
      if (!layers.has(c.layer)) layers.set(c.layer, { x0: c.x, x1: c.x + c.w, tools: new Map() });
      const l = layers.get(c.layer);
      l.x0 = Math.min(l.x0, c.x);
      l.x1 = Math.max(l.x1, c.x + c.w);
      const weight = c.members ? c.members.length : 1;
      l.tools.set(tool, (l.tools.get(tool) || 0) + weight);
    }
    const most = (m) => [...m].sort((x, y) => y[1] - x[1] || (x[0] < y[0] ? -1 : 1))[0][0];
    const made = [];
    for (const l of [...layers.keys()].sort((x, y) => x - y).map((k) => layers.get(k))) {
      const tool = most(l.tools);
      const last = made[made.length - 1];
      if (last && last.tool === tool) last.x1 = l.x1;
      else made.push({ tool, hue: R.icons.hue({ tool, kind: "" }), x0: l.x0, x1: l.x1 });
    }
    return made;
  }

  R.cards = { scene, traceScene, squeeze, grouping, GROUPINGS, COLLAPSE_ABOVE, W, H, PORT, MAX_PORTS };
})(globalThis.Report);

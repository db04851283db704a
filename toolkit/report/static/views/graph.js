// The graph: what is visible, what is lit, and the controls around the canvas.
(function (R) {
  const { h, fill, copy } = R.dom;
  const { count, plural } = R.format;

  /**
   * The box that takes the command line's selection; says how much it finds as one types.
   * `follow` shows what the address says: after Back, or a link, what was typed is history.
   */
  function selectionBox(app) {
    const said = h("span.muted.said", { role: "status" });
    const tell = (text) => {
      try {
        const found = R.select.select(app.model, text);
        said.className = "muted said";
        said.textContent = found ? plural(found.size, "asset") : "all";
        return true;
      } catch (error) {
        if (!(error instanceof R.select.SelectionError)) throw error;
        said.className = "state-error said";
        said.textContent = error.message;
        return false;
      }
    };
    const box = h("input.box.mono", {
      type: "search", spellcheck: "false", "aria-label": "Select assets",
      placeholder: "+customers+2,tag:nightly  path:models/staging",
      oninput: () => tell(box.value),
      onchange: () => tell(box.value) && app.go({ select: box.value.trim(), focus: null, open: [] }),
      onkeydown: (e) => { if (e.key === "Enter") box.dispatchEvent(new Event("change")); },
    });
    const follow = (state) => {
      box.value = state.select;
      tell(state.select);
    };
    follow(app.state);
    return { element: h("div.selection", null, h("label.muted.mono", null, "--select"), box, said), follow };
  }

  class GraphView {
    constructor(host, app) {
      this.app = app;
      this.stage = h("div.stage");
      this.bar = h("div.toolbar");
      this.tip = h("div.tip", { role: "tooltip", hidden: true });
      this.caption = h("p.caption");
      this.alternative = h("div.alternative");
      this.selection = selectionBox(app);
      fill(host, h("div.graph", null, this.selection.element, this.bar, this.stage, this.alternative));
      this.canvas = new R.canvas.GraphCanvas(this.stage, {
        pick: (hit) => this.pick(hit), hover: (hit, x, y) => this.hover(hit, x, y), moved: () => this.drawMap(),
      });
      this.canvas.model = app.model;
      this.map = h("canvas.minimap", { "aria-hidden": "true", onpointerdown: (e) => this.jump(e) });
      this.stage.append(this.tip, this.map, this.caption, h("div.zoom", { role: "group", "aria-label": "Zoom" },
        h("button", { onclick: () => this.canvas.zoom(1.35), title: "Zoom in (+)", "aria-label": "Zoom in" }, "+"),
        h("button", { onclick: () => this.canvas.zoom(1 / 1.35), title: "Zoom out (-)", "aria-label": "Zoom out" }, "−"),
        h("button", { onclick: () => { this.canvas.fit(); this.drawMap(); }, title: "Show all (0)", "aria-label": "Show all" }, R.icons.icon("fit", 12))));
      this.canvas.top.setAttribute("aria-label", "Graph of assets. Arrow keys go to neighbours, plus and minus zoom, 0 shows all, T shows it as a table.");
      this.canvas.top.addEventListener("keydown", (e) => this.key(e));
      this.update(app.state);
    }

    destroy() { this.canvas.destroy(); }
    print(on) { this.canvas.print(on); }
    theme() { this.canvas.refreshColors(); this.drawMap(); }

    /** Build the scene anew where what is visible has changed; else light the selection only. */
    update(state) {
      const { model } = this.app;
      this.selection.follow(state);
      this.canvas.resize();  // the drawer may have come or gone just now
      const asset = model.byKey.get(state.asset);
      const column = asset && state.column ? R.graph.findColumn(model, asset.i, state.column) : -1;
      const wanted = JSON.stringify([state.select, state.filters, state.by, state.open, state.focus, state.hops, state.ports,
        column, column >= 0 ? state.direction : 0, state.ports ? state.asset : 0]);
      const fresh = wanted !== this.wanted;
      if (fresh) {
        this.wanted = wanted;
        this.build(state, column);
      }
      this.controls(state, column);
      this.canvas.resize();  // they may need another line
      this.selectedCard = asset && this.scene.cardOf.has(asset.i) ? this.scene.cardOf.get(asset.i) : -1;
      if (fresh) this.canvas.open(this.selectedCard, this.leastScale());
      else if (this.selectedCard >= 0 && !this.canvas.visible(this.scene.cards[this.selectedCard])) this.canvas.show(this.selectedCard);
      this.rest();
      this.drawMap();
    }

    /** How small the first picture may be: names can be read, unless there are too many of them. */
    leastScale() {
      if (this.scene.cards.length > R.cards.COLLAPSE_ABOVE) return 0;
      return this.trace ? 0.55 : 0.72;
    }

    build(state, column) {
      const { app, canvas } = this;
      const { model } = app;
      this.trace = null;
      if (column >= 0) {
        this.trace = R.graph.trace(model, column, state.direction);
        this.scene = R.cards.traceScene(model, this.trace);
        this.by = "none";
      } else {
        let assets = app.selected().map((a) => a.i);
        const focus = model.byKey.get(state.focus);
        if (focus) {
          const near = R.graph.around(model, focus.i, state.hops);
          assets = assets.filter((a) => near.has(a));
        }
        this.by = R.cards.grouping(state.by, assets.length);
        this.scene = R.cards.scene(model, { assets, by: this.by, open: state.open, ports: state.ports ? this.allPorts(assets) : null });
      }
      this.scene = this.roomy(this.scene);
      canvas.root = column;
      canvas.setScene(this.scene);
      this.showTable(false);
    }

    /** Layers as far from each other as there is room for at a readable scale. */
    roomy(scene) {
      const { LAYER_GAP, LEAST_GAP } = R.layout;
      const layers = Math.max(1, ...scene.cards.map((c) => c.layer));
      const over = scene.box.x1 - scene.box.x0 - (this.canvas.width || 0);
      if (over <= 0 || !this.canvas.width || scene.cards.length > R.cards.COLLAPSE_ABOVE) return scene;
      return R.cards.squeeze(scene, Math.min(LAYER_GAP - LEAST_GAP, over / layers));
    }

    allPorts(assets) {
      const { start } = this.app.model.columns;
      return new Map(assets.map((a) => [a, Array.from({ length: start[a + 1] - start[a] }, (_, k) => start[a] + k)]));
    }

    controls(state, column) {
      const { app, scene } = this;
      const groups = scene.cards.filter((c) => c.members).length;
      const said = [groups ? `${plural(groups, "group")}` : null, scene.cards.length - groups ? plural(scene.cards.length - groups, "asset") : null].filter(Boolean).join(", ");
      const choice = (label, options, chosen, patch) => h("div.choice", { role: "group", "aria-label": label }, h("span.muted", null, label),
        options.map(([value, name]) => h("a", { href: app.href(patch(value)), "aria-current": value === chosen ? "true" : null }, name)));
      const parts = [h("span.said", { role: "status" }, said), column >= 0 || groups ? null : h("span.muted.joined", null, plural(scene.edges.length, "dependency", "dependencies"))];
      if (column >= 0) {
        parts.push(h("span.mono.traced", null, `${app.model.byKey.get(state.asset).name}.${app.model.columns.name(column)}`),
          choice("Trace", [["up", "upstream"], ["both", "both"], ["down", "downstream"]], state.direction, (v) => ({ direction: v })),
          h("a.button", { href: app.href({ column: null }) }, "Whole graph"));
      } else {
        parts.push(choice("Collapse", [["none", "none"], ["folder", "folder"], ["group", "group"], ["tool", "tool"]], this.by, (v) => ({ by: v, open: [] })));
        const asset = app.model.byKey.get(state.asset);
        if (state.focus) parts.push(this.focusControl(state));
        else if (asset) parts.push(h("a.button", { href: app.href({ focus: asset.key, hops: 2, by: "auto" }) }, "Focus on ", R.format.middle(asset.name, 24)));
        if (scene.cards.length <= 80 && groups < scene.cards.length) parts.push(h("a.button", { href: app.href({ ports: !state.ports }), "aria-pressed": String(!!state.ports) }, "Columns"));
        for (const name of state.open) parts.push(h("a.chip", { href: app.href({ open: state.open.filter((o) => o !== name) }), title: "Collapse" }, name, " ×"));
      }
      parts.push(h("span.grow"),
        h("button", { onclick: () => this.showTable(this.alternative.childElementCount === 0), title: "The graph as a table (T)" }, "Table"),
        h("button", { onclick: (e) => copy(this.mermaid(), e.currentTarget), title: "Copy what is visible as a Mermaid diagram" }, "Mermaid"));
      fill(this.bar, parts);
      fill(this.caption, this.trace ? [h("span.legend.direct", null, "direct"), h("span.legend.indirect", null, "indirect"), h("span.legend.opaque", null, "opaque")] : null);
    }

    focusControl(state) {
      const { app } = this;
      const focus = app.model.byKey.get(state.focus);
      const step = (by) => app.href({ hops: Math.max(1, Math.min(9, state.hops + by)) });
      return h("span.choice", null, h("span.muted", null, "Around ", R.format.middle(focus ? focus.name : "?", 24)),
        h("a", { href: step(-1), "aria-label": "One hop less" }, "−"), h("span.num", null, plural(state.hops, "hop")),
        h("a", { href: step(1), "aria-label": "One hop more" }, "+"), h("a", { href: app.href({ focus: null }), "aria-label": "Leave focus" }, "×"));
    }

    pick(hit) {
      const { app, scene } = this;
      if (!hit) return app.state.asset && app.go({ asset: null, column: null });
      if (hit.edge >= 0) return this.pinEdge(scene.edges[hit.edge]);
      const card = scene.cards[hit.card];
      if (card.members) return app.go({ open: [...app.state.open, card.group], by: this.by });
      if (hit.port >= 0) return app.go({ asset: card.asset.key, column: app.model.columns.name(card.ports[hit.port]), focus: null });
      return app.go({ asset: card.asset.key, column: this.trace ? app.state.column && app.state.asset === card.asset.key ? app.state.column : null : null });
    }

    /** An edge between columns leads to the column that it makes: its page says how. */
    pinEdge(edge) {
      if (edge.columnEdge === undefined) return;
      const { model } = this.app;
      this.tip.hidden = false;
      this.pinned = true;
      fill(this.tip, this.edgeText(edge), h("button", { onclick: () => { this.pinned = false; this.tip.hidden = true; } }, "Close"));
      this.canvas.light({ cards: new Set([edge.from, edge.to]), edges: new Set([this.scene.edges.indexOf(edge)]),
        columns: new Set([model.columnEdges.from[edge.columnEdge], model.columnEdges.to[edge.columnEdge]]) }, true);
    }

    edgeText(edge) {
      const { model } = this.app;
      const name = (c) => `${model.assets[model.columns.owner[c]].name}.${model.columns.name(c)}`;
      if (edge.columnEdge !== undefined) {
        const e = edge.columnEdge;
        const expression = model.word(model.columnEdges.expression[e]);
        return [h("div.mono", null, `${name(model.columnEdges.from[e])} → ${name(model.columnEdges.to[e])}`),
          h("div.muted", null, `${model.columnEdges.direct[e] ? "DIRECT" : "INDIRECT"} ${model.word(model.columnEdges.subtype[e])}`),
          R.ui.expressions({ expression, inner: model.columnEdges.inner.get(e) || [] })];
      }
      if (edge.assetEdge !== undefined) {
        const e = edge.assetEdge;
        return [h("div.mono", null, `${name(model.assetEdges.from[e])} → ${model.assets[model.assetEdges.to[e]].name}`),
          h("div.muted", null, `INDIRECT ${model.word(model.assetEdges.subtype[e])}: influences all rows`)];
      }
      const title = (i) => this.scene.cards[i].title;
      const [a, b] = [edge.from, edge.to].map((i) => this.scene.cards[i].asset);
      const tier = a && b && model.tiers.get(a.i * model.n + b.i);
      return [h("div", null, `${title(edge.from)} → ${title(edge.to)}`),
        tier ? h("div.muted", null, `matched by ${tier}: ${R.ui.tierSaid(tier)}`) : null,
        edge.style === "opaque" ? h("div.muted", null, "opaque: column lineage is not known here") : null,
        edge.weight > 1 ? h("div.muted", null, plural(edge.weight, "dependency", "dependencies")) : null];
    }

    hover(hit, x, y) {
      if (this.pinned) return;
      this.hovered = hit;
      this.tip.hidden = !hit;
      if (!hit) return this.rest();
      const { scene } = this;
      if (hit.edge >= 0) {
        const edge = scene.edges[hit.edge];
        fill(this.tip, this.edgeText(edge));
        this.canvas.light(this.withSelection({ cards: new Set([edge.from, edge.to]), edges: new Set([hit.edge]), columns: edgeColumns(this.app.model, edge) }));
      } else {
        const card = scene.cards[hit.card];
        fill(this.tip, this.cardText(card, hit.port));
        if (hit.port >= 0) this.lightColumn(card.ports[hit.port]);
        else this.canvas.light(this.withSelection(this.neighbourhood(hit.card)));
      }
      const box = this.stage.getBoundingClientRect();
      this.tip.style.left = `${Math.max(4, Math.min(x + 14, box.width - 340))}px`;
      this.tip.style.top = `${Math.max(4, Math.min(y + 14, box.height - 110))}px`;
    }

    cardText(card, port) {
      const { model } = this.app;
      if (port >= 0) {
        const c = card.ports[port];
        return [h("div.mono", null, `${card.asset.name}.${model.columns.name(c)}`),
          model.columns.origin(c) ? h("div", null, "← ", R.ui.origin(model.columns.origin(c))) : null,
          h("div.muted", null, [model.columns.type(c), `${plural(model.edgesIn(c).length, "source")}, ${plural(model.edgesOut(c).length, "use")}`].filter(Boolean).join(" · "))];
      }
      if (card.members) return [h("div", null, card.group), h("div.muted", null, card.line, "; click to open")];
      return [h("div.mono", null, card.asset.key), h("div.muted", null, card.asset.reason || card.line)];
    }

    neighbourhood(i) {
      const { into, outOf, edges } = this.scene;
      const near = new Set([...into[i], ...outOf[i]]);
      const cards = new Set([i]);
      for (const e of near) cards.add(edges[e].from).add(edges[e].to);
      return { cards, edges: near, ring: [i] };
    }

    withSelection(lit) {
      const ring = new Set(lit.ring || []);
      if (this.selectedCard >= 0) ring.add(this.selectedCard);
      const cards = new Set(lit.cards);
      for (const i of ring) cards.add(i);
      return { ...lit, cards, ring: [...ring] };
    }

    /** One column's trace within what is visible; everything else steps back. */
    lightColumn(column) {
      const { model } = this.app;
      const { scene } = this;
      const trace = R.graph.trace(model, column);
      const cards = new Set();
      for (const c of trace.columns) if (scene.cardOf.has(model.columns.owner[c])) cards.add(scene.cardOf.get(model.columns.owner[c]));
      const edges = new Set();
      scene.edges.forEach((edge, e) => {
        if (edge.columnEdge !== undefined ? trace.edges.has(edge.columnEdge)
          : edge.assetEdge !== undefined ? trace.influences.has(edge.assetEdge) : cards.has(edge.from) && cards.has(edge.to) && edge.style !== "opaque") edges.add(e);
      });
      this.canvas.light(this.withSelection({ cards, edges, columns: trace.columns }), true);
    }

    /** Nothing under the pointer: the selected asset's whole path is lit, quietly. */
    rest() {
      if (this.selectedCard < 0 || this.trace) {
        return this.canvas.light(this.selectedCard < 0 ? null : { cards: new Set([this.selectedCard]), edges: new Set(), ring: [this.selectedCard] });
      }
      return this.canvas.light(this.neighbourhood(this.selectedCard));
    }

    key(e) {
      const { canvas } = this;
      const steps = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };
      if (e.key in steps && !e.ctrlKey && !e.metaKey) {
        if (e.shiftKey) canvas.pan({ ArrowLeft: 60, ArrowRight: -60 }[e.key] || 0, { ArrowUp: 60, ArrowDown: -60 }[e.key] || 0);
        else this.step(steps[e.key]);
      } else if (e.key === "+" || e.key === "=") canvas.zoom(1.35);
      else if (e.key === "-") canvas.zoom(1 / 1.35);
      else if (e.key === "0") canvas.fit();
      else if (e.key === "t" || e.key === "T") this.showTable(this.alternative.childElementCount === 0);
      else return;
      e.preventDefault();
    }

    /** Arrow keys: to a parent, to a child, or up and down among cards of the same layer. */
    step(way) {
      const { scene } = this;
      if (!scene.cards.length) return;
      const here = this.selectedCard;
      let next = -1;
      const nearest = (list) => list.sort((a, b) => Math.abs(scene.cards[a].y - scene.cards[here].y) - Math.abs(scene.cards[b].y - scene.cards[here].y))[0] ?? -1;
      if (here < 0) next = 0;
      else if (way === "left") next = nearest(scene.into[here].map((e) => scene.edges[e].from));
      else if (way === "right") next = nearest(scene.outOf[here].map((e) => scene.edges[e].to));
      else {
        const layer = scene.cards.map((_, i) => i).filter((i) => scene.cards[i].layer === scene.cards[here].layer).sort((a, b) => scene.cards[a].y - scene.cards[b].y);
        next = layer[layer.indexOf(here) + (way === "down" ? 1 : -1)] ?? -1;
      }
      if (next < 0) return;
      const card = scene.cards[next];
      if (card.asset) this.app.go({ asset: card.asset.key, column: null });
      this.selectedCard = next;
      this.canvas.show(next);
      this.rest();
    }

    /** The same graph for those who cannot see it, and for copying. */
    showTable(on) {
      const { scene, app } = this;
      if (!on) return fill(this.alternative);
      if (this.trace) return fill(this.alternative, this.traceTable());
      const name = (i) => (scene.cards[i].asset ? R.ui.assetLink(app, scene.cards[i].asset) : h("span", null, scene.cards[i].group));
      const list = (edges, end) => [...new Set(edges.map((e) => scene.edges[e][end]))].map((i, k) => [k ? ", " : "", name(i)]);
      return fill(this.alternative, R.ui.table([
        { label: "Asset", cell: (i) => name(i) },
        { label: "Reads", cell: (i) => list(scene.into[i], "from") },
        { label: "Read by", cell: (i) => list(scene.outOf[i], "to") },
      ], scene.cards.map((_, i) => i)));
    }

    /** A trace as sentences of columns: what, into what, how and by which expression. */
    traceTable() {
      const { app, scene } = this;
      const { columnEdges, assetEdges, word } = app.model;
      const of = (e) => (e.columnEdge !== undefined ? columnEdges.from[e.columnEdge] : assetEdges.from[e.assetEdge]);
      const asset = (i) => R.ui.assetLink(app, scene.cards[i].asset);
      return R.ui.table([
        { label: "From", cell: (e) => (e.style === "opaque" ? asset(e.from) : R.ui.columnLink(app, of(e))) },
        { label: "To", cell: (e) => (e.columnEdge !== undefined ? R.ui.columnLink(app, columnEdges.to[e.columnEdge]) : e.assetEdge !== undefined ? ["all rows of ", asset(e.to)] : asset(e.to)) },
        { label: "How", class: "how", cell: (e) => (e.columnEdge !== undefined ? [`${columnEdges.direct[e.columnEdge] ? "DIRECT" : "INDIRECT"} ${word(columnEdges.subtype[e.columnEdge])}`,
          R.ui.expressions({ expression: word(columnEdges.expression[e.columnEdge]), inner: columnEdges.inner.get(e.columnEdge) || [] })]
          : e.assetEdge !== undefined ? `INDIRECT ${word(assetEdges.subtype[e.assetEdge])}` : "opaque: not known") },
      ], scene.edges);
    }

    mermaid() {
      const { cards, edges } = this.scene;
      const safe = (text) => text.replace(/["<>#&;]/g, (c) => `#${c.codePointAt(0)};`);
      return ["graph LR", ...cards.map((c, i) => `  n${i}["${safe(c.title)}"]`),
        ...[...new Set(edges.map((e) => `  n${e.from} ${e.style === "indirect" ? "-.->" : "-->"} n${e.to}`))]].join("\n");
    }

    drawMap() {
      const { map, canvas, scene } = this;
      const show = scene && canvas.width && scene.cards.length > 1 && canvas.height > 320 && !canvas.whole();
      map.hidden = !show;
      if (!show) return;
      const ratio = canvas.ratio || 1;
      const W = 160;
      const H = 110;
      map.width = W * ratio;
      map.height = H * ratio;
      const { box } = scene;
      const s = Math.min((W - 12) / (box.x1 - box.x0), (H - 12) / (box.y1 - box.y0));
      this.mapScale = { s, x: box.x0 - (W / s - (box.x1 - box.x0)) / 2, y: box.y0 - (H / s - (box.y1 - box.y0)) / 2 };
      const g = map.getContext("2d");
      g.setTransform(s * ratio, 0, 0, s * ratio, -this.mapScale.x * s * ratio, -this.mapScale.y * s * ratio);
      const least = 1.2 / s;
      g.fillStyle = canvas.colors["state-skipped"];
      for (const c of scene.cards) g.fillRect(c.x, c.y, Math.max(c.w, least), Math.max(c.h * 0.8, least));
      const { x, y, k } = canvas.camera;
      g.strokeStyle = canvas.colors.accent;
      g.lineWidth = 1.5 / s;
      g.strokeRect(x, y, canvas.width / k, canvas.height / k);
    }

    jump(e) {
      const { canvas, mapScale } = this;
      const r = this.map.getBoundingClientRect();
      canvas.camera.x = mapScale.x + (e.clientX - r.left) / mapScale.s - canvas.width / 2 / canvas.camera.k;
      canvas.camera.y = mapScale.y + (e.clientY - r.top) / mapScale.s - canvas.height / 2 / canvas.camera.k;
      canvas.moved();
    }
  }

  function edgeColumns(model, edge) {
    if (edge.columnEdge === undefined) return null;
    return new Set([model.columnEdges.from[edge.columnEdge], model.columnEdges.to[edge.columnEdge]]);
  }

  R.views.selectionBox = selectionBox;
  R.views.graph = { mount: (host, app) => new GraphView(host, app), fills: true };
})(globalThis.Report);

// The graph: what is visible, what is lit, and the controls around the canvas.
(function (R) {
  const { h, fill, copy, save } = R.dom;
  const { plural } = R.format;

  class GraphView {
    constructor(host, app) {
      this.app = app;
      this.stage = h("div.stage");
      this.bar = h("div.toolbar");
      this.tip = h("div.tip", { role: "tooltip", hidden: true });
      this.caption = h("p.caption");
      this.alternative = h("div.alternative");
      this.selection = R.views.selectionBox(app);
      fill(host, h("div.graph", null, this.selection.element, this.bar, this.stage, this.alternative));
      this.canvas = new R.canvas.GraphCanvas(this.stage, {
        pick: (hit) => this.pick(hit), hover: (hit, x, y) => this.hover(hit, x, y), moved: () => this.map.draw(),
      });
      this.canvas.model = app.model;
      this.map = new R.views.Minimap(this.canvas);
      this.stage.append(this.tip, this.map.element, this.caption, h("div.zoom", { role: "group", "aria-label": "Zoom" },
        h("button", { onclick: () => this.canvas.zoom(1.35), title: "Zoom in (+)", "aria-label": "Zoom in" }, "+"),
        h("button", { onclick: () => this.canvas.zoom(1 / 1.35), title: "Zoom out (-)", "aria-label": "Zoom out" }, "−"),
        h("button", { onclick: () => { this.canvas.fit(); this.map.draw(); }, title: "Show all (0)", "aria-label": "Show all" }, R.icons.icon("fit", 12))));
      this.canvas.top.setAttribute("aria-label", "Graph of assets. Arrow keys go to neighbours, plus and minus zoom, 0 shows all, T shows it as a table.");
      this.canvas.top.addEventListener("keydown", (e) => this.key(e));
      this.update(app.state);
    }

    destroy() { this.canvas.destroy(); }
    print(on) { this.canvas.print(on); }
    theme() { this.canvas.refreshColors(); this.map.draw(); }

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
      this.map.draw();
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
      this.pinned = false;
      this.tip.hidden = true;
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
      const parts = [h("span.said", { role: "status" }, said || "no asset fits"), column >= 0 || groups || !said ? null : h("span.muted.joined", null, plural(scene.edges.length, "dependency", "dependencies"))];
      if (column >= 0) {
        parts.push(h("span.mono.traced", null, `${app.model.byKey.get(state.asset).name}.${app.model.columns.name(column)}`),
          choice("Trace", [["up", "upstream"], ["both", "both"], ["down", "downstream"]], state.direction, (v) => ({ direction: v })),
          h("a.button", { href: app.href({ column: null }) }, "Whole graph"));
      } else {
        parts.push(choice("Collapse", [["none", "none"], ["folder", "folder"], ["layer", "layer"], ["group", "group"], ["tool", "tool"]], this.by, (v) => ({ by: v, open: [] })));
        const asset = app.model.byKey.get(state.asset);
        if (state.focus) parts.push(this.focusControl(state));
        else if (asset) parts.push(h("a.button", { href: app.href({ focus: asset.key, hops: 2, by: "auto" }) }, "Focus on ", R.format.middle(asset.name, 24)));
        if (scene.cards.length <= 80 && groups < scene.cards.length) parts.push(h("a.button", { href: app.href({ ports: !state.ports }), "aria-pressed": String(!!state.ports) }, "Columns"));
        for (const name of state.open) parts.push(h("a.chip", { href: app.href({ open: state.open.filter((o) => o !== name) }), title: "Collapse" }, name, " ×"));
      }
      parts.push(h("span.tools", null,
        h("button", { onclick: () => this.showTable(this.alternative.childElementCount === 0), title: "The graph as a table (T)" }, "Table"),
        R.ui.menu("Export", [
          ["SVG picture", () => this.export("svg")],
          [this.trace ? "CSV of the edges" : "CSV of the assets", () => this.export("csv")],
          ["Mermaid diagram", () => this.export("mmd")],
          ["Copy as Mermaid", (e) => copy(R.export.mermaid(this.scene), e.currentTarget)],
        ])));
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
      if (this.pinned) this.unpin();
      if (!hit) return app.state.asset && app.go({ asset: null, column: null });
      if (hit.edge >= 0) return this.pinEdge(scene.edges[hit.edge]);
      const card = scene.cards[hit.card];
      if (card.members) return app.go({ open: [...app.state.open, card.group], by: this.by });
      if (hit.port >= 0) return app.go({ asset: card.asset.key, column: app.model.columns.name(card.ports[hit.port]), focus: null });
      return app.go({ asset: card.asset.key, column: this.trace ? app.state.column && app.state.asset === card.asset.key ? app.state.column : null : null });
    }

    /** What is visible, as a file. */
    export(ending) {
      const { app, scene, trace } = this;
      const { model, state } = app;
      const what = trace ? [state.asset, state.column] : [state.focus || state.select || "graph"];
      const name = R.export.fileName([model.meta.project, ...what], ending);
      if (ending === "svg") save(name, "image/svg+xml", this.canvas.svg(`${model.meta.project} · ${what.join(".")}`));
      else if (ending === "csv") save(name, "text/csv", R.export.csv(trace ? R.export.traceRows(model, scene) : R.export.cardRows(scene)));
      else save(name, "text/plain", R.export.mermaid(scene));
    }

    /** Keep what is said of an edge, and the edge lit, until it is closed. */
    pinEdge(edge) {
      if (edge.columnEdge === undefined && edge.assetEdge === undefined) return;
      const { model } = this.app;
      this.pinned = true;
      this.tip.hidden = false;
      fill(this.tip, R.graphTip.edge(model, this.scene, edge), h("button", { onclick: () => this.unpin() }, "Close"));
      this.canvas.light({ cards: new Set([edge.from, edge.to]), edges: new Set([this.scene.edges.indexOf(edge)]), columns: edgeColumns(model, edge) }, true);
    }

    unpin() {
      this.pinned = false;
      this.tip.hidden = true;
      this.rest();
    }

    hover(hit, x, y) {
      if (this.pinned) return;
      this.hovered = hit;
      this.tip.hidden = !hit;
      if (!hit) return this.rest();
      const { scene } = this;
      if (hit.edge >= 0) {
        const edge = scene.edges[hit.edge];
        fill(this.tip, R.graphTip.edge(this.app.model, scene, edge));
        this.canvas.light(this.withSelection({ cards: new Set([edge.from, edge.to]), edges: new Set([hit.edge]), columns: edgeColumns(this.app.model, edge) }));
      } else {
        const card = scene.cards[hit.card];
        fill(this.tip, R.graphTip.card(this.app.model, card, hit.port));
        if (hit.port >= 0) this.lightColumn(card.ports[hit.port]);
        else this.canvas.light(this.withSelection(this.neighbourhood(hit.card)));
      }
      const box = this.stage.getBoundingClientRect();
      this.tip.style.left = `${Math.max(4, Math.min(x + 14, box.width - 340))}px`;
      this.tip.style.top = `${Math.max(4, Math.min(y + 14, box.height - 110))}px`;
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
      if (e.key === "Escape" && this.pinned) {
        this.unpin();
        return e.stopPropagation();
      }
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

    showTable(on) {
      const { app, scene } = this;
      if (!on) fill(this.alternative);
      else fill(this.alternative, this.trace ? R.graphTable.trace(app, scene) : R.graphTable.cards(app, scene));
    }
  }

  /** The columns at an edge's ends, as far as it has them. */
  function edgeColumns(model, edge) {
    if (edge.columnEdge !== undefined) return new Set([model.columnEdges.from[edge.columnEdge], model.columnEdges.to[edge.columnEdge]]);
    return edge.assetEdge !== undefined ? new Set([model.assetEdges.from[edge.assetEdge]]) : null;
  }

  R.views.graph = { mount: (host, app) => new GraphView(host, app), fills: true };
})(globalThis.Report);

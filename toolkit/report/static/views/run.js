// One run on a line of time: bars by tool, the critical path, what waited for what.
(function (R) {
  const { h, fill } = R.dom;
  const { count, plural, duration, time, percent, plain } = R.format;
  const { link, table } = R.ui;
  const { took, details } = R.gantt;

  class RunView {
    constructor(host, app) {
      this.app = app;
      const { model, state } = app;
      this.run = model.runs.find((r) => r.id === state.run) || model.runs[0];
      if (!this.run) {
        fill(host, h("div.page", null, h("h1", null, "Run"), h("p.empty", null, "No run is recorded. `toolkit build` makes one.")));
        return;
      }
      this.only = false;
      this.tip = h("div.tip", { role: "tooltip", hidden: true });
      this.said = h("p.unseen", { role: "status" });
      this.alternative = h("div.alternative");
      this.stage = h("div.run-stage", { tabindex: "0", role: "application", "aria-label":
        "Steps of the run on a line of time. Up and down go from step to step, left and right move in time, plus and minus zoom, 0 shows all, Enter opens the asset, T shows a table." });
      this.bar = h("div.toolbar");
      fill(host, h("div.graph", null, this.headline(), this.bar, h("div.stage", null, this.stage, this.tip, this.zoomButtons()), this.said, this.alternative));
      this.canvas = new R.ganttCanvas.GanttCanvas(this.stage, { pick: (row) => this.open(row), point: (row, x, y) => this.point(row, x, y) });
      this.stage.addEventListener("keydown", (e) => this.key(e));
      this.build();
    }

    destroy() { if (this.canvas) this.canvas.destroy(); }
    theme() { if (this.canvas) this.canvas.refreshColors(); }

    /** On paper the table says what the window has no room for. */
    print(on) {
      if (!this.canvas) return;
      this.canvas.refreshColors();
      this.canvas.draw();
      if (on) {
        this.shown = this.alternative.childElementCount > 0;
        this.showTable(true);
      } else if (!this.shown) this.showTable(false);
    }

    build() {
      const { model } = this.app;
      const only = this.only ? (step) => step.critical : undefined;
      this.scene = R.gantt.rows(this.run, model.meta.made_at, only);
      const place = new Map(this.scene.rows.map((row, i) => [row.step, i]));
      this.scene.path = R.gantt.critical(this.run).steps.map((step) => place.get(step));
      this.controls();
      this.canvas.show(this.scene);
      if (this.alternative.childElementCount) this.showTable(true);
    }

    headline() {
      const { app, run } = this;
      const scene = R.gantt.rows(run, app.model.meta.made_at);
      const path = R.gantt.critical(run);
      const wall = took(run) ?? scene.until - scene.from;
      const parts = [
        [plural(scene.ran, "step"), " ran"],
        run.up_to_date ? [`${count(run.up_to_date)} up to date`] : null,
        scene.left ? [`${count(scene.left)} skipped`] : null,
        path.steps.length ? ["critical path ", duration(path.seconds), " of ", duration(wall), ` (${percent(Math.min(path.seconds, wall), wall)}), `, plural(path.steps.length, "step")] : null,
      ];
      return h("div.run-head", null, h("h1", null, "Run"), link(app.href({ view: "runs", run: run.id }), h("span.mono", null, run.id)), R.icons.badge(run.status),
        h("span", { title: time(run.started_at) }, duration(wall)),
        h("span.muted.counts", null, parts.filter(Boolean).map((part, i) => [i ? ", " : "", part])));
    }

    controls() {
      const { app, run } = this;
      const { runs } = app.model;
      const pick = h("select", { "aria-label": "Which run", onchange: (e) => app.go({ run: e.target.value }) },
        runs.map((r) => h("option", { value: r.id, selected: r === run }, `${time(r.started_at)}  ${r.status}`)));
      fill(this.bar, pick,
        h("button", { "aria-pressed": String(this.only), onclick: () => { this.only = !this.only; this.build(); } }, "Critical path only"),
        h("span.tools", null, h("span.muted.keys", null, "outlined: critical path; dashed: waited; striped: failed"),
          h("button", { onclick: () => this.showTable(!this.alternative.childElementCount), title: "The steps as a table (T)" }, "Table"),
          R.ui.menu("Export", [["SVG picture", () => this.export("svg")], ["CSV of the steps", () => this.export("csv")]])));
    }

    zoomButtons() {
      return h("div.zoom", { role: "group", "aria-label": "Zoom" },
        h("button", { onclick: () => this.canvas.zoom(1.6), title: "Zoom in (+)", "aria-label": "Zoom in" }, "+"),
        h("button", { onclick: () => this.canvas.zoom(1 / 1.6), title: "Zoom out (-)", "aria-label": "Zoom out" }, "−"),
        h("button", { onclick: () => this.canvas.fit(), title: "Show all (0)", "aria-label": "Show all" }, R.icons.icon("fit", 12)));
    }

    asset(step) {
      const { model } = this.app;
      const check = model.byCheck.get(step.key);
      return model.byKey.get(step.key) || (check && check.asset >= 0 ? model.assets[check.asset] : null);
    }

    open(row) {
      const { step } = this.scene.rows[row];
      this.choose(row);
      const asset = this.asset(step);
      if (asset) this.app.go({ asset: asset.key, column: null });
    }

    choose(row) {
      this.canvas.select(row);
      const { step } = this.scene.rows[row];
      this.said.textContent = plain([step.name, ...details(this.app.model, step).map(([name, text]) => `${name}: ${text}`)].join(". "));
      const y = Math.max(0, Math.min(this.canvas.y(row) + 22, this.canvas.height - 150));
      this.tell(row, Math.max(this.canvas.gutter, Math.min(this.canvas.x(step.started_at ?? this.scene.from), this.canvas.width - 340)), y);
    }

    point(row, x, y) {
      if (row < 0) this.tip.hidden = true;
      else this.tell(row, Math.min(x + 14, this.canvas.width - 340), Math.min(y + 14, this.canvas.height - 150));
    }

    tell(row, x, y) {
      const { step } = this.scene.rows[row];
      const short = ([name, text]) => [name, String(text).length > 400 ? String(text).slice(0, 399) + "…" : text];
      fill(this.tip, h("div.mono", null, step.key), R.ui.facts(details(this.app.model, step).map(short)));
      this.tip.hidden = false;
      this.tip.style.setProperty("left", `${Math.max(4, x)}px`);
      this.tip.style.setProperty("top", `${Math.max(4, y)}px`);
    }

    key(e) {
      const { canvas, stage } = this;
      if (e.ctrlKey || e.metaKey || e.altKey) return;
      const far = canvas.width / 4;
      if (e.key === "ArrowDown") this.step(1);
      else if (e.key === "ArrowUp") this.step(-1);
      else if (e.key === "PageDown") this.step(10);
      else if (e.key === "PageUp") this.step(-10);
      else if (e.key === "Home") this.step(-Infinity);
      else if (e.key === "End") this.step(Infinity);
      else if (e.key === "ArrowRight") stage.scrollLeft += far;
      else if (e.key === "ArrowLeft") stage.scrollLeft -= far;
      else if (e.key === "+" || e.key === "=") canvas.zoom(1.6, this.anchor());
      else if (e.key === "-") canvas.zoom(1 / 1.6, this.anchor());
      else if (e.key === "0") canvas.fit();
      else if (e.key === "Enter" && canvas.selected >= 0) this.open(canvas.selected);
      else if (e.key === "t" || e.key === "T") this.showTable(!this.alternative.childElementCount);
      else if (e.key === "Escape" && !this.tip.hidden) { this.tip.hidden = true; e.stopPropagation(); }
      else return;
      e.preventDefault();
    }

    /** Where the selected bar begins, if it is seen: it stays there when one zooms. */
    anchor() {
      const row = this.scene.rows[this.canvas.selected];
      const x = row && row.step.started_at != null ? this.canvas.x(row.step.started_at) : -1;
      return x >= this.canvas.gutter && x <= this.canvas.width ? x : undefined;
    }

    step(by) {
      const numbers = this.scene.rows.map((row, i) => (row.step ? i : -1)).filter((i) => i >= 0);
      if (!numbers.length) return;
      const here = numbers.indexOf(this.canvas.selected);
      const next = here < 0 ? (by === Infinity ? numbers.length - 1 : 0) : Math.max(0, Math.min(numbers.length - 1, here + by));
      this.choose(numbers[next]);
    }

    heads() {
      const { app, run } = this;
      const usual = (s) => R.gantt.expected(app.model, s);
      return [
        { label: "Step", cell: (s) => R.ui.stepLink(app, s), text: (s) => s.key },
        { label: "Tool", cell: (s) => R.icons.toolName(s.tool) },
        { label: "Status", cell: (s) => R.icons.badge(s.status) },
        { label: "Began after", class: "num", cell: (s) => (s.started_at == null ? "–" : duration(s.started_at - run.started_at)), text: (s) => (s.started_at == null ? null : s.started_at - run.started_at) },
        { label: "Took", class: "num", cell: (s) => duration(took(s)), text: took },
        { label: "Expected", class: "num", cell: (s) => duration(usual(s)), text: usual },
        { label: "Waited", class: "num", cell: (s) => (s.started_at == null ? "–" : duration(s.waited || 0)), text: (s) => (s.started_at == null ? null : s.waited || 0) },
        { label: "Rows", class: "num", cell: (s) => count(s.rows), text: (s) => s.rows },
        { label: "Critical path", cell: (s) => (s.critical ? "yes" : "") },
        { label: "Message", cell: (s) => h("div.message", null, s.message) },
      ];
    }

    steps() { return this.scene.rows.filter((row) => row.step).map((row) => row.step); }

    showTable(on) {
      if (!on) fill(this.alternative);
      else fill(this.alternative, table(this.heads(), this.steps(), { empty: "No step ran." }));
    }

    /** The run as a file: all of it, as it is drawn, or its steps with times in seconds. */
    export(ending) {
      const { project } = this.app.model.meta;
      const name = R.export.fileName([project, "run", this.run.id], ending);
      if (ending === "svg") return R.dom.save(name, "image/svg+xml", this.canvas.svg(`${project} · run ${this.run.id}`));
      const heads = this.heads();
      return R.dom.save(name, "text/csv", R.ui.csv(heads, this.steps()));
    }
  }

  R.views.run = { mount: (host, app) => new RunView(host, app), fills: true };
})(globalThis.Report);

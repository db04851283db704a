// The page: its state lives in the address, so that every view can be linked to.
(function (R) {
  const { h, fill } = R.dom;
  const VIEWS = ["overview", "graph", "assets", "columns", "connections", "run", "runs", "checks", "problems"];
  const NUMBERS = { hops: 2 };
  const WORDS = { view: "overview", asset: null, column: null, select: "", sort: null, run: null, by: "auto", focus: null, direction: "both", columns: "", code: null, connection: null };

  /** "#view=graph&asset=..." -> state; anything unknown is left out. */
  function parse(hash) {
    const params = new URLSearchParams(hash.replace(/^#/, ""));
    const state = { filters: {}, open: params.getAll("open"), ports: params.get("ports") === "1" };
    for (const [name, usual] of Object.entries(WORDS)) state[name] = params.get(name) ?? usual;
    for (const [name, usual] of Object.entries(NUMBERS)) state[name] = Math.min(9, Math.max(1, parseInt(params.get(name), 10) || usual));
    for (const facet of R.filters.FACETS) {
      const values = params.getAll("f." + facet.id);
      if (values.length) state.filters[facet.id] = values;
    }
    if (!VIEWS.includes(state.view)) state.view = "overview";
    return state;
  }

  function encode(state) {
    const params = new URLSearchParams();
    for (const [name, usual] of Object.entries({ ...WORDS, ...NUMBERS })) if (state[name] != null && state[name] !== usual) params.set(name, state[name]);
    if (state.ports) params.set("ports", "1");
    for (const name of state.open) params.append("open", name);
    for (const [id, values] of Object.entries(state.filters)) for (const v of values) params.append("f." + id, v);
    return "#" + params.toString();
  }

  class App {
    names = null; // of columns, made when they are first searched
    view = null;

    constructor(host, model, texts) {
      this.model = model;
      this.texts = texts;
      this.unfolded = new Set();
      this.state = parse(location.hash);
      this.rail = h("aside.rail");
      this.main = h("main", { tabindex: "-1" });
      this.drawer = h("aside.drawer", { "aria-label": "Details", hidden: true });
      this.search = R.search.box(this);
      fill(host, this.header(), h("div.body", null, this.rail, this.main, this.drawer));
      this.keepTheme();
      addEventListener("hashchange", () => this.show(parse(location.hash)));
      addEventListener("keydown", (e) => this.key(e));
      addEventListener("beforeprint", () => this.print(true));
      addEventListener("afterprint", () => this.print(false));
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.themed());
      this.show(this.state, true);
    }

    header() {
      const { meta, runs } = this.model;
      const version = meta.commit ? meta.commit.slice(0, 10) : runs[0] && runs[0].id;
      return h("header", null,
        h("button.bare", { onclick: () => document.body.classList.toggle("no-rail"), title: "Hide or show the left rail", "aria-label": "Hide or show the left rail" }, R.icons.icon("rail", 16)),
        h("a.project", { href: "#" }, meta.project), meta.target ? [h("span.sep", null, "/"), h("span", null, meta.target)] : null,
        version ? [h("span.sep", null, "/"), h("span.mono.version", { title: meta.commit || version }, version)] : null,
        h("span.muted.made", { title: `toolkit ${meta.version}` }, R.format.time(meta.made_at)),
        h("span.grow"), this.search.element,
        h("button.bare", { onclick: () => this.switchTheme(), title: "Light or dark", "aria-label": "Light or dark" }, R.icons.icon("theme", 16)));
    }

    /** Assets that fit the rail's filters. */
    fitting() {
      return R.filters.apply(this.model.assets, this.state.filters);
    }

    /** Assets that fit the filters and the selection; all of them where it cannot be read. */
    selected() {
      let wanted = null;
      try {
        wanted = R.select.select(this.model, this.state.select);
      } catch (error) {
        if (!(error instanceof R.select.SelectionError)) throw error;
      }
      const fitting = this.fitting();
      return wanted ? fitting.filter((a) => wanted.has(a.i)) : fitting;
    }

    columnNames() {
      return (this.names ??= R.search.columnNames(this.model));
    }

    href(patch) { return encode({ ...this.state, ...patch }); }
    go(patch) { location.hash = this.href(patch); }

    /** Change the address without a new page of history (while typing). */
    replace(patch) {
      Object.assign(this.state, patch);
      history.replaceState(null, "", encode(this.state));
    }

    unfold(facet) {
      if (!this.unfolded.delete(facet)) this.unfolded.add(facet);
      fill(this.rail, R.rail.rail(this));
    }

    show(state, first) {
      const before = this.state;
      this.state = state;
      const same = !first && before.view === state.view;
      fill(this.rail, R.rail.rail(this));
      this.showDrawer(before);  // before the view: it takes its room
      if (same && this.view.update) this.view.update(state);
      else if (first || !same || viewKey(before) !== viewKey(state)) this.mount();
      else if (this.view.follow) this.view.follow(state);
      document.title = `${state.asset ? state.asset.split(".").pop() + " · " : ""}${this.model.meta.project} · ${this.model.meta.target}`;
    }

    mount() {
      if (this.view && this.view.destroy) this.view.destroy();
      const view = R.views[this.state.view];
      this.main.className = view.fills ? "fills" : "";
      this.main.scrollTop = 0;
      this.view = view.mount(this.main, this);
    }

    showDrawer(before) {
      const { model, state } = this;
      const asset = model.byKey.get(state.asset);
      const gone = state.asset && !asset;
      this.drawer.hidden = !asset && !gone;
      if (this.drawer.hidden) return fill(this.drawer);
      const column = asset && state.column ? R.graph.findColumn(model, asset.i, state.column) : -1;
      const close = h("a.close", { href: this.href({ asset: null, column: null }), title: "Close (Esc)", "aria-label": "Close" }, R.icons.icon("close", 16));
      const content = gone ? h("p.empty", null, `${state.asset} is not in this report.`)
        : column >= 0 ? R.views.columnPage(this, asset, column) : R.views.assetPage(this, asset);
      const kept = before.asset === state.asset && before.column === state.column ? this.drawer.scrollTop : 0;
      fill(this.drawer, this.grip(), close, h("div.page", null, content));
      this.drawer.scrollTop = kept;
      return null;
    }

    grip() {
      const grip = h("div.grip", { "aria-hidden": "true" });
      grip.addEventListener("pointerdown", (e) => {
        grip.setPointerCapture(e.pointerId);
        grip.onpointermove = (m) => this.drawer.style.setProperty("width", `${Math.max(320, Math.min(innerWidth * 0.7, innerWidth - m.clientX))}px`);
        grip.onpointerup = () => (grip.onpointermove = null);
      });
      return grip;
    }

    key(e) {
      const typing = /^(input|textarea|select)$/i.test(e.target.tagName);
      if (e.key === "/" && !typing) {
        this.search.input.focus();
        e.preventDefault();
      } else if (e.key === "Escape") {
        if (typing) e.target.blur();
        else if (this.state.column) this.go({ column: null });
        else if (this.state.asset) this.go({ asset: null });
        else if (this.state.focus) this.go({ focus: null });
      }
    }

    keepTheme() {
      try {
        const kept = localStorage.getItem("toolkit-theme");
        if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
      } catch {
        // Storage is closed to local files in some browsers: the system's theme then.
      }
    }

    switchTheme() {
      const root = document.documentElement;
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      try {
        localStorage.setItem("toolkit-theme", root.dataset.theme);
      } catch {
        // See keepTheme.
      }
      this.themed();
    }

    /** On paper everything is light, and the graph is there as a whole. */
    print(on) {
      const root = document.documentElement;
      if (on) {
        this.screenTheme = root.dataset.theme;
        root.dataset.theme = "light";
      } else if (this.screenTheme) root.dataset.theme = this.screenTheme;
      else delete root.dataset.theme;
      this.themed();
      if (this.view && this.view.print) this.view.print(on);
    }

    themed() { if (this.view && this.view.theme) this.view.theme(); }
  }

  /** What a table view depends on; the drawer's asset is not part of it. */
  function viewKey(state) {
    const { asset, column, focus, hops, by, open, ports, direction, columns, ...rest } = state;
    return JSON.stringify(rest);
  }

  async function start() {
    const read = (id) => document.getElementById(id).textContent;
    const host = document.getElementById("app");
    try {
      const model = R.data.build(await R.data.unpack(read("core")));
      R.app = new App(host, model, R.data.lazyTexts(() => read("texts")));
      document.documentElement.dataset.ready = "1";
    } catch (error) {
      fill(host, h("p.fatal", { role: "alert" }, `This report could not be shown: ${error.message}. A browser from 2023 or later is needed.`));
      throw error;
    }
  }

  R.page = { VIEWS, parse, encode, start };
  if (globalThis.document) start();
})(globalThis.Report);

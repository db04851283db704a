// Pieces that several views share: theme, tables that grow, sections, bars, sparklines.
(function (R) {
  const { h, fill, save } = R.dom;
  const CHUNK = 80; // rows; more than any window shows

  const COLOR_NAMES = ["bg", "surface", "card", "line", "edge", "text", "muted", "accent",
    "tool-airbyte", "tool-dbt", "tool-python", "tool-ml", "tool-exposure",
    "state-ok", "state-warn", "state-error", "state-stale", "state-skipped"];

  /** The theme's colours as the browser computes them, for the canvas. */
  function colors() {
    const probe = h("span", { hidden: true });
    document.body.append(probe);
    const found = {};
    for (const name of COLOR_NAMES) {
      probe.style.setProperty("color", `var(--${name})`);
      found[name] = getComputedStyle(probe).color;
    }
    probe.remove();
    return found;
  }

  const monoFont = (element) => getComputedStyle(element).getPropertyValue("--mono").trim() || "monospace";

  /** What was done to a property before it landed: how, and whether nothing of its value is left. */
  function origin(from) {
    return [h("span.mono", null, from.property), from.how ? [" ", h("span.subtype-inline", null, from.how)] : null,
      from.masked ? [" ", h("span.chip.masked", { title: "Nothing of the value lands" }, "masked")] : null];
  }

  /** The expressions of an edge, the one nearest to what is read first, then what is made of it. */
  function expressions(edge) {
    const outer = edge.expression ? [{ name: null, text: edge.expression }] : [];
    return [...edge.inner, ...outer].map((step, i) => [
      edge.inner.length ? h("div.step.muted", null, i ? "then" : "", step.name ? [i ? " in " : "in ", h("span.mono", null, step.name)] : i ? "" : "in a subquery") : null,
      h("pre", null, flush(step.text))]);
  }

  /** A part of a query without the indent that it had there. */
  function flush(text) {
    const [first, ...rest] = text.split("\n");
    const indents = rest.filter((line) => line.trim()).map((line) => line.length - line.trimStart().length);
    return [first, ...rest.map((line) => line.slice(Math.min(...indents)))].join("\n");
  }

  // How sure it is that one writes what the other reads; the words of docs/matching.md.
  const TIERS = {
    explicit: "the source's meta names it", relation: "database, schema and table are equal",
    schema: "schema and table are equal, a database is not known", assumed: "the table's name is equal and unique, a schema is not known",
  };
  const SPELLED = { older: "at a name that earlier versions of the destination give", raw: "at the raw table" };

  /** A tier as a small label that explains itself. */
  function tier(word) {
    const [first, how] = word.split("-");
    const said = [TIERS[first] || first, SPELLED[how]].filter(Boolean).join("; ");
    return h("span.chip", { class: first === "assumed" ? "warn" : "", title: `Matched: ${said}` }, word);
  }
  const tierSaid = (word) => TIERS[word.split("-")[0]] || word;

  /** A heading with what belongs to it. */
  const section = (title, ...content) => h("section", null, h("h2", null, title), ...content);

  /** Name and value in two aligned columns; empty values are left out. */
  function facts(pairs) {
    const rows = pairs.filter(([, value]) => value != null && value !== "");
    return h("dl.facts", null, rows.map(([name, value]) => [h("dt", null, name), h("dd", null, value)]));
  }

  /** "path:line", or nothing. */
  const place = (path, line) => (path ? h("span.mono.place", null, line ? `${path}:${line}` : path) : null);

  const link = (href, ...content) => h("a", { href }, ...content);

  /** An asset's name with its icon, linked to its page. */
  function assetLink(app, asset, patch = {}) {
    return h("a.asset-link", { href: app.href({ asset: asset.key, column: null, ...patch }), title: asset.key },
      h("span.kind", { class: "hue-" + R.icons.hue(asset) }, R.icons.icon(asset.kind)), h("span.name", null, asset.name));
  }

  /** A step's name, linked to what it makes, is about (a check) or syncs. */
  function stepLink(app, step) {
    const asset = app.model.byKey.get(step.key);
    if (asset) return assetLink(app, asset);
    const check = app.model.byCheck.get(step.key);
    if (check && check.asset >= 0) return h("a.step-name", { href: app.href({ asset: app.model.assets[check.asset].key, column: null }), title: step.key }, step.name);
    if (step.kind !== "sync") return h("span.step-name", { title: step.key }, step.name);
    return h("a.asset-link", { href: app.href({ view: "connections", connection: step.name, asset: null, column: null }), title: step.key },
      h("span.kind.hue-airbyte", null, R.icons.icon("connections")), h("span.name", null, step.name));
  }

  /** asset.column, linked to its trace on the graph. */
  function columnLink(app, column, withAsset = true) {
    const { columns, assets } = app.model;
    const asset = assets[columns.owner[column]];
    const name = columns.name(column);
    const href = app.href({ asset: asset.key, column: name, view: "graph", select: "", focus: null });
    return h("a.mono.column-link", { href, title: `Trace ${asset.key}.${name}` },
      withAsset && h("span.of", null, asset.name + "."), name);
  }

  /**
   * A table that draws its first rows at once and the others as one scrolls to them.
   * @param {{label: string, class?: string, sort?: string, text?: Function|null, cell: Function}[]} heads
   * @param {any[]} rows
   * @param {{sorted?: {key: string, down: boolean, href: Function}, onrow?: Function, empty?: string}} [options]
   */
  function table(heads, rows, { sorted, onrow, empty = "Nothing here." } = {}) {
    if (!rows.length) return h("p.empty", null, empty);
    const body = h("tbody");
    const head = (c) => {
      const way = sorted && sorted.key === c.sort && c.sort ? (sorted.down ? "descending" : "ascending") : null;
      const label = c.sort && sorted ? h("a", { href: sorted.href(c.sort) }, c.label, way && h("span.way", null, sorted.down ? " ↓" : " ↑")) : c.label;
      return h("th", { class: c.class || "", scope: "col", "aria-sort": way }, label);
    };
    const end = h("div.more", { role: "status" });
    let shown = 0;
    const grow = () => {
      const part = document.createDocumentFragment();
      for (const row of rows.slice(shown, shown + CHUNK)) {
        const tr = h("tr", null, heads.map((c) => h("td", { class: c.class || "" }, c.cell(row))));
        if (onrow) onrow(tr, row);
        part.append(tr);
      }
      body.append(part);
      shown = Math.min(rows.length, shown + CHUNK);
      if (shown >= rows.length) { watcher.disconnect(); fill(end); }
      else fill(end, `${R.format.count(shown)} of ${R.format.count(rows.length)} shown; scroll for more.`);
    };
    const watcher = new IntersectionObserver((seen) => seen.some((s) => s.isIntersecting) && grow(), { rootMargin: "600px" });
    grow();
    if (shown < rows.length) watcher.observe(end);
    return h("div.table", null, h("table", null, h("thead", null, h("tr", null, heads.map(head))), body), end);
  }

  /** Rows of a table as CSV; by a column's `text` where its cell says it for people, not with `text: null`. */
  function csv(heads, rows) {
    const told = heads.filter((c) => c.label && c.text !== null);
    const value = (c, row) => (c.text ? c.text(row) : h("td", null, c.cell(row)).textContent);
    return R.export.csv([told.map((c) => c.label), ...rows.map((row) => told.map((c) => value(c, row)))]);
  }

  /** A button that gives all rows of a table, also those that are not drawn yet, as a file. */
  function csvButton(app, name, heads, rows, all = () => rows) {
    const give = () => save(R.export.fileName([app.model.meta.project, name], "csv"), "text/csv", csv(heads, all()));
    return h("button.export", { onclick: give, title: "All rows as CSV", disabled: !rows.length }, "CSV");
  }

  /** A button that opens a short list of others. */
  function menu(label, items) {
    const list = h("div.items", { role: "menu" }, items.map(([name, act]) => h("button", { role: "menuitem", onclick: act }, name)));
    const box = h("details.menu", { onkeydown: (e) => { if (e.key === "Escape" && box.open) { box.open = false; e.stopPropagation(); } },
      onfocusout: (e) => { if (!box.contains(e.relatedTarget)) box.open = false; } }, h("summary", null, label), list);
    return box;
  }

  /** Parts of a whole as one thin bar. */
  function bar(parts, whole) {
    return h("div.bar", { "aria-hidden": "true" }, parts.filter(([n]) => n).map(([n, kind]) =>
      h("span", { class: "fill-" + kind, style: { width: `${(n / whole) * 100}%` } })));
  }

  const took = (step) => (step.finished_at == null || step.started_at == null ? null : step.finished_at - step.started_at);

  R.ui = { origin, expressions, tier, tierSaid, colors, monoFont, section, facts, place, link, assetLink, stepLink, columnLink, table, csv, csvButton, menu, bar, took };
})(globalThis.Report);

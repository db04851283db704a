// The one search: assets, columns, tags, owners. Plain substrings over lower-cased names.
(function (R) {
  const { h, fill } = R.dom;
  const MOST = { assets: 12, columns: 10, tags: 4, owners: 4 };

  function index(model) {
    const tags = new Map();
    const owners = new Map();
    for (const a of model.assets) {
      for (const t of a.tags) tags.set(t, (tags.get(t) || 0) + 1);
      if (a.owner) owners.set(a.owner, (owners.get(a.owner) || 0) + 1);
    }
    return { assets: model.assets.map((a) => a.name.toLowerCase()), tags: [...tags], owners: [...owners] };
  }

  /** 0 for the whole name, 1 for its start, 2 for the start of a word in it, 3 for anywhere, -1 for not. */
  function rank(name, wanted) {
    const at = name.indexOf(wanted);
    if (at < 0) return -1;
    if (at === 0) return name.length === wanted.length ? 0 : 1;
    return /[_.\-\s/]/.test(name[at - 1]) ? 2 : 3;
  }

  function best(count, nameOf, wanted, most) {
    const ranks = [[], [], [], []];
    for (let i = 0; i < count; i++) {
      const r = rank(nameOf(i), wanted);
      if (r >= 0 && ranks[r].length < most) ranks[r].push(i);
    }
    return ranks.flat().slice(0, most);
  }

  /**
   * Names of columns in lower case, each one once: a project has far fewer of them than columns.
   * @returns {{names: string[], of: Int32Array, columns: (name: number) => Int32Array}}
   *   `of`: the number of a column's name; `columns`: those with a name, in order
   */
  function columnNames(model) {
    const { count, name, word } = model.columns;
    const numbers = new Map();
    const names = [];
    const of = new Int32Array(count);
    for (let c = 0; c < count; c++) {
      let number = numbers.get(word[c]);
      if (number === undefined) {
        numbers.set(word[c], (number = names.length));
        names.push(name(c).toLowerCase());
      }
      of[c] = number;
    }
    return { names, of, columns: R.data.bucketed(names.length, of) };
  }

  /** Columns by their name, or by `asset.name`. */
  function findColumns(model, index, assets, wanted) {
    const { start } = model.columns;
    const dot = wanted.lastIndexOf(".");
    if (dot >= 0) {
      const [table, part] = [wanted.slice(0, dot), wanted.slice(dot + 1)];
      const within = [];
      for (let a = 0; a < model.n; a++) if (assets[a].endsWith(table)) for (let c = start[a]; c < start[a + 1]; c++) within.push(c);
      return best(within.length, (i) => index.names[index.of[within[i]]], part, MOST.columns).map((i) => within[i]);
    }
    const ranks = [[], [], [], []];
    index.names.forEach((name, n) => {
      const r = rank(name, wanted);
      if (r >= 0) ranks[r].push(...index.columns(n).subarray(0, MOST.columns));
    });
    return ranks.flatMap((list) => list.sort((a, b) => a - b)).slice(0, MOST.columns);
  }

  /** What fits a text, at most a page of it: `[{title, items}]`. */
  function find(app, names, text) {
    const wanted = text.trim().toLowerCase();
    if (!wanted) return [];
    const { model } = app;
    const found = [
      { title: "Assets", items: best(model.n, (i) => names.assets[i], wanted, MOST.assets).map((i) => assetItem(app, model.assets[i])) },
      { title: "Columns", items: findColumns(model, app.columnNames(), names.assets, wanted).map((c) => columnItem(app, c)) },
      { title: "Tags", items: named(app, names.tags, wanted, "tag") },
      { title: "Owners", items: named(app, names.owners, wanted, "owner") },
    ];
    return found.filter((g) => g.items.length);
  }

  const assetItem = (app, a) => ({
    icon: a.kind, hue: R.icons.hue(a), text: a.name, more: a.folder,
    href: app.href({ view: app.state.view === "overview" ? "graph" : app.state.view, asset: a.key, column: null, ...(["graph", "overview"].includes(app.state.view) ? { focus: a.key, hops: 2, select: "", by: "auto" } : {}) }),
  });

  function columnItem(app, c) {
    const { columns, assets } = app.model;
    const a = assets[columns.owner[c]];
    return { icon: "columns", hue: R.icons.hue(a), text: columns.name(c), more: a.name,
      href: app.href({ view: "graph", asset: a.key, column: columns.name(c), select: "", focus: null }) };
  }

  function named(app, list, wanted, facet) {
    return list.filter(([name]) => name.toLowerCase().includes(wanted)).slice(0, MOST.tags).map(([name, n]) => ({
      icon: facet === "tag" ? "saved_query" : "info", hue: "exposure", text: name, more: R.format.plural(n, "asset"),
      href: app.href({ view: "assets", filters: { [facet]: [name] }, select: "" }),
    }));
  }

  /** The box in the header with its list. */
  function box(app) {
    const names = index(app.model);
    let chosen = 0;
    let items = [];
    const list = h("div.results", { id: "results", role: "listbox", hidden: true });
    const input = h("input", {
      type: "search", placeholder: "Search assets, columns, tags, owners", "aria-label": "Search", role: "combobox",
      "aria-controls": "results", "aria-expanded": "false", spellcheck: "false", autocomplete: "off",
      oninput: () => show(), onfocus: () => input.value && show(), onkeydown: key, onblur: () => setTimeout(close, 150),
    });
    function close() {
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
    }
    function show() {
      const groups = find(app, names, input.value);
      items = [];
      chosen = 0;
      fill(list, groups.map((g) => [h("div.heading", null, g.title), g.items.map((item) => {
        const row = h("a.result", { href: item.href, role: "option", tabindex: "-1", onclick: leave },
          h("span.kind", { class: "hue-" + item.hue }, R.icons.icon(item.icon)), h("span.name", null, item.text), h("span.muted.of", null, item.more));
        items.push(row);
        return row;
      })]), groups.length || !input.value.trim() ? null : h("p.empty", null, "Nothing has that in its name."));
      mark();
      list.hidden = !input.value.trim();
      input.setAttribute("aria-expanded", String(!list.hidden));
    }
    function mark() {
      items.forEach((row, i) => row.setAttribute("aria-selected", String(i === chosen)));
      if (items[chosen]) items[chosen].scrollIntoView({ block: "nearest" });
    }
    function leave() {
      input.value = "";
      close();
      input.blur();
    }
    function key(e) {
      if (e.key === "ArrowDown" || e.key === "ArrowUp") {
        chosen = Math.max(0, Math.min(items.length - 1, chosen + (e.key === "ArrowDown" ? 1 : -1)));
        mark();
        e.preventDefault();
      } else if (e.key === "Enter" && items[chosen]) items[chosen].click();
      else if (e.key === "Escape") { leave(); e.stopPropagation(); }
    }
    return { element: h("div.search", { role: "search" }, R.icons.icon("search"), input, h("kbd", null, "/"), list), input };
  }

  R.search = { box, find, findColumns, rank, columnNames };
})(globalThis.Report);

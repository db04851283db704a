// One Airbyte connection: where it loads from and to, its streams, its syncs over time.
(function (R) {
  const { h } = R.dom;
  const { count, plural, duration, age, time } = R.format;
  const { section, facts, link, assetLink, table, took } = R.ui;
  const WHOLE = ["Destination", "Destination type", "Schedule", "State"]; // facts of all its streams alike

  /** Connections by name with their streams and syncs, the newest sync first. */
  function all(model) {
    const found = new Map();
    for (const a of model.assets) {
      if (a.kind !== "stream" || !a.source) continue;
      if (!found.has(a.source)) found.set(a.source, { name: a.source, streams: [], steps: model.history.get(`sync.${a.source}`) || [] });
      found.get(a.source).streams.push(a);
    }
    return [...found.values()].sort((x, y) => (x.name < y.name ? -1 : 1));
  }

  const fact = (asset, name) => (asset.facts.find(([n]) => n === name) || [])[1];
  const destination = (c) => [fact(c.streams[0], "Destination"), fact(c.streams[0], "Destination type")].filter(Boolean).filter((w, i, list) => list.indexOf(w) === i).join(", ");
  const lastSync = (app, c) => (c.steps.length ? [R.icons.badge(c.steps[0].status), " ",
    link(app.href({ view: "run", run: c.steps[0].run.id }), R.format.ago(app.model.meta.made_at - (c.steps[0].started_at ?? c.steps[0].run.started_at)))] : h("span.muted", null, "never here"));

  /** The table above the joins. */
  function list(app, connections) {
    if (!connections.length) return null;
    return section(`Connections (${count(connections.length)})`, table([
      { label: "Connection", cell: (c) => h("a.asset-link", { href: app.href({ connection: c.name, asset: null, column: null }) }, h("span.kind.hue-airbyte", null, R.icons.icon("connections")), h("span.name", null, c.name)) },
      { label: "Source", cell: (c) => h("span.mono.place", null, c.streams[0].subtype) },
      { label: "Destination", cell: destination },
      { label: "Schedule", class: "extra", cell: (c) => fact(c.streams[0], "Schedule") },
      { label: "Streams", class: "num", cell: (c) => count(c.streams.length) },
      { label: "Last sync", cell: (c) => lastSync(app, c) },
      { label: "Time", class: "num", cell: (c) => duration(c.steps.length ? took(c.steps[0]) : null) },
    ], connections));
  }

  function streams(app, c) {
    const { model } = app;
    const readers = (a) => model.children(a.i).map((child) => model.assets[child]);
    const heads = [
      { label: "Stream", cell: (a) => assetLink(app, a), text: (a) => a.key },
      { label: "State", cell: (a) => (a.state ? h("span", { title: a.reason }, R.icons.badge(a.state)) : "–") },
      { label: "Sync mode", cell: (a) => fact(a, "Sync mode") },
      { label: "Rows", class: "num", cell: (a) => count(a.rows), text: (a) => a.rows },
      { label: "Age", class: "num", cell: (a) => h("span", { title: time(a.at) }, a.at == null ? "–" : age(model.meta.made_at - a.at)), text: (a) => a.at },
      { label: "Lands in", class: "extra", cell: (a) => h("span.mono.place", null, a.relation) },
      { label: "Read by", cell: (a) => readers(a).map((child, i) => [i ? ", " : "", assetLink(app, child)]), text: (a) => readers(a).map((child) => child.key).join(" ") },
    ];
    return section(`Streams (${count(c.streams.length)})`, table(heads, c.streams));
  }

  function page(app, c) {
    const first = c.streams[0];
    const times = durations(app, first);
    const wrong = (of) => c.streams.flatMap((a) => a[of]);
    const ends = first.facts.filter(([name]) => WHOLE.includes(name) && c.streams.every((a) => fact(a, name) === fact(first, name)));
    return h("div.page", null,
      h("p.crumb", null, link(app.href({ connection: null }), "Connections")),
      h("div.headline", null, h("span.kind.hue-airbyte", null, R.icons.icon("connections", 18)), h("h1", null, c.name), h("span.muted", null, plural(c.streams.length, "stream"))),
      facts([
        ["Source", first.subtype && h("span.mono", null, first.subtype)], ...ends, ["Owner", first.owner], ["File", R.ui.place(first.path, 0)],
        ["Last sync", lastSync(app, c)], ["Feeds", link(app.href({ view: "graph", ...fed(c), asset: null, column: null }), "what is made of it, on the graph")],
      ]),
      R.views.problemsBeside(wrong("problems").filter((p) => !p.code.startsWith("unmatched-")), wrong("findings")),
      streams(app, c), times.length ? section("Over time", R.views.history.lines(times)) : null, R.views.history.runs(app, c.steps));
  }

  /** All that its streams go into: by a selection, or round one of them where the name is no word of that. */
  const fed = (c) => (/^[\w.-]+$/.test(c.name) ? { select: `stream:${c.name}.*+`, focus: null } : { select: "", focus: c.streams[0].key, hops: 9 });

  /** The first stream's lines are its sync's, but for the rows. */
  const durations = (app, stream) => R.views.history.series(app.model, stream).filter((s) => s.name === "Duration");

  R.views.connection = { all, list, page };
})(globalThis.Report);

// Where the tools meet: which stream loads which source, how sure that is, and what found nobody.
(function (R) {
  const { h } = R.dom;
  const { count, plural } = R.format;
  const { assetLink, table, section } = R.ui;

  const said = (model) => `${count(model.matches.length)} joined, ${count(model.unmatched.length)} not`;

  function mount(host, app) {
    const { model } = app;
    const connections = R.views.connection.all(model);
    const one = connections.find((c) => c.name === app.state.connection);
    if (one) {
      R.dom.fill(host, R.views.connection.page(app, one));
      return {};
    }
    const fitting = new Set(app.fitting().map((a) => a.i));
    const matches = model.matches.filter((m) => fitting.has(m.parent) || fitting.has(m.child));
    const alone = model.unmatched.filter((u) => fitting.has(u.asset.i));
    R.dom.fill(host, h("div.page", null,
      h("div.headline", null, h("h1", null, "Connections"), h("span.muted", null, said(model))),
      R.views.connection.list(app, connections.filter((c) => c.streams.some((a) => fitting.has(a.i)))),
      h("p.note.apart", null, "dbt knows a source by its name and not by who loads it. What writes to the same table is joined to it."),
      alone.length ? section(`Joined to nothing (${count(alone.length)})`, unmatchedList(app, alone)) : null,
      section(`Joined (${count(matches.length)})`, table([
        { label: "Writes", cell: (m) => assetLink(app, model.assets[m.parent]) },
        { label: "Is read as", cell: (m) => assetLink(app, model.assets[m.child]) },
        { label: "Table", class: "extra", cell: (m) => h("span.mono.place", null, model.assets[m.child].relation) },
        { label: "Matched by", cell: (m) => [R.ui.tier(m.tier), h("span.muted", null, " ", R.ui.tierSaid(m.tier))] },
      ], matches, { empty: "No stream, Python asset or seed writes a table that is a source of dbt." }))));
    return {};
  }

  function unmatchedList(app, list) {
    return table([
      { label: "", cell: (u) => R.icons.badge(u.severity) },
      { label: "Asset", cell: (u) => [assetLink(app, u.asset), h("div.mono.place", null, u.asset.relation)] },
      { label: "Why", class: "reason", cell: (u) => [h("div", null, fact(u)), candidates(app, u)] },
    ], list);
  }

  const fact = (u) => (u.what === "stream" ? "No source of dbt reads the table in which it lands" : "Nothing here loads the table that it stands for")
    + (u.candidates.length ? "; the nearest:" : ", and none has a like name.");

  function candidates(app, u) {
    if (!u.candidates.length) return null;
    return h("ul.plain.candidates", null, u.candidates.map((c) => h("li", null,
      c.asset ? assetLink(app, c.asset) : null, " ", h("span.mono.place", null, c.relation), h("div", null, c.reason, "."),
      h("div.muted", null, "To join them, write in ", h("span.mono", null, c.file), ":"), h("pre", null, c.line))));
  }

  /** On an asset's page: that nothing was found for it, and what may have been meant. */
  function note(app, asset) {
    const u = app.model.unmatched.find((one) => one.asset === asset);
    return u ? section("Joined to nothing", h("p", null, fact(u)), candidates(app, u)) : null;
  }

  R.views.connectionsSaid = said;
  R.views.unmatchedNote = note;
  R.views.connections = { mount };
})(globalThis.Report);

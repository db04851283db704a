// What was counted of a table when it was made: its columns, and how that went from build to build.
(function (R) {
  const { h } = R.dom;
  const { count, time } = R.format;

  const share = (n) => (n == null || !isFinite(n) ? "–" : n > 0 && n < 0.001 ? "<0.1%" : `${(n * 100).toFixed(1)}%`);
  const figure = (n) => (n == null ? "–" : R.format.metric(n));

  function line(values, at, say, label) {
    if (values.filter((v) => v != null).length < 2) return null;
    return R.spark.line(values.map((value, i) => ({ value, title: `${say(value)}, ${time(at[i])}` })), label);
  }

  const last = (values) => values[values.length - 1];

  const varied = (values) => new Set(values).size > 1;

  /** The smallest and the largest value, a line each. */
  function range(column) {
    if (column.hidden) return h("span.chip", { title: "Personal, or named like a secret: no value of it is kept" }, "hidden");
    if (column.least == null) return "–";
    return h("span.mono", null, column.least, column.most === column.least ? null : [h("br"), column.most]);
  }

  function table(profile) {
    return R.ui.table([
      { label: "Column", cell: (c) => h("span.mono", null, c.name) },
      { label: "Nulls", class: "num", cell: (c) => [h("span", { title: `${count(last(c.nulls))} rows` }, share(last(c.shares))),
        varied(c.shares) ? h("div", null, line(c.shares, profile.at, share, `Share of nulls of ${c.name}`)) : null] },
      { label: "Distinct", class: "num", cell: (c) => (last(c.distinct) == null ? "–" : `~${count(last(c.distinct))}`) },
      { label: "From, to", cell: range },
      { label: "Mean", class: "num", cell: (c) => h("span", { title: c.quartiles.length ? `Quartiles ${c.quartiles.map(figure).join(", ")}` : "" }, figure(c.mean)) },
    ], profile.columns);
  }

  function said(profile) {
    const words = [
      profile.sampled == null ? null : `Rows and nulls are of all ${count(last(profile.rows))} rows, the rest of a sample of ${count(profile.sampled)}.`,
      profile.left_out ? `${R.format.plural(profile.left_out, "column")} more.` : null,
      profile.note || null,
      profile.unusual.length ? `Unusual: ${profile.unusual.join(", ")}${profile.accepted ? " (accepted)" : ""}.` : null,
    ].filter(Boolean);
    return words.length ? h("p.note", null, words.join(" ")) : null;
  }

  /** The section of an asset's page; empty until the texts are decoded, and where nothing was counted. */
  function section(app, asset) {
    const host = h("div.profile");
    app.texts().then((texts) => {
      const packed = texts.profiles[asset.i];
      if (!packed) return;
      const profile = R.data.profile(packed);
      // What became of the rows stands above, but for a stream: there it is what was loaded.
      const rows = asset.kind !== "stream" ? null : line(profile.rows, profile.at, count, "Rows");
      host.append(R.ui.section(`Profile (${R.format.plural(last(profile.rows), "row")})`,
        rows ? h("div.series", null, h("span.muted.label", null, "Rows"), rows, h("span.now", null, count(last(profile.rows)), h("span.muted", null, R.spark.change(profile.rows, count)))) : "",
        said(profile) || "", profile.columns.length ? table(profile) : ""));
    });
    return host;
  }

  R.views.profile = { section };
})(globalThis.Report);

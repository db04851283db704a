// The stored versions of an ML model: which one counts, what each was like, what a new one must be.
(function (R) {
  const { h } = R.dom;
  const { ago, count, metric, plural, time } = R.format;

  const MOST_METRICS = 6; // columns of the table

  /** Names of metrics, those of the newest versions first. */
  const named = (versions) => [...new Set(versions.flatMap((v) => [...v.metrics.keys()]))].slice(0, MOST_METRICS);

  function table(app, versions) {
    return R.ui.table([
      { label: "Version", cell: (v) => h("span.mono", null, v.version) },
      { label: "State", cell: (v) => [v.state === "current" ? h("strong", null, v.state) : v.state, v.why ? h("div.message.muted", null, v.why) : null] },
      { label: "Trained", cell: (v) => (v.at == null ? "–" : h("span", { title: `${time(v.at)}, for ${v.target}, as ${v.format}` }, ago(app.model.meta.made_at - v.at))) },
      ...named(versions).map((name) => ({ label: name, class: "num", cell: (v) => (v.metrics.has(name) ? h("span", { title: String(v.metrics.get(name)) }, metric(v.metrics.get(name))) : "–") })),
    ], versions);
  }

  /** The section of an asset's page; empty until the texts are decoded, and where no version is stored. */
  function section(app, asset) {
    const host = h("div.models");
    if (asset.kind !== "ml_model") return host;
    app.texts().then((texts) => {
      const packed = texts.models[asset.i];
      if (!packed) return;
      const model = R.data.mlModel(packed);
      host.append(R.ui.section(`Versions (${count(model.versions.length + model.left_out)})`,
        model.gates.length ? h("p.note", null, `Gates: ${model.gates.map((g) => g.replace(/\.$/, "")).join("; ")}.`) : "",
        table(app, model.versions),
        model.left_out ? h("p.note", null, `and ${plural(model.left_out, "older one")}; \`toolkit models show ${asset.name}\` lists all`) : ""));
    });
    return host;
  }

  R.views.models = { section };
})(globalThis.Report);

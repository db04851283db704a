// The rail's filters: within one facet any may fit, all facets must.
(function (R) {
  const LAYERS = ["streams", "sources", "seeds", "staging", "snapshots", "intermediate", "marts", "models", "Python", "ML", "exposures"];
  const BY_KIND = {
    stream: "streams", source: "sources", seed: "seeds", snapshot: "snapshots", python: "Python", ml_model: "ML",
    exposure: "exposures", metric: "exposures", semantic_model: "exposures", saved_query: "exposures",
  };
  // By dbt's usual folders, or where there are none by the usual beginnings of names.
  /** @type {[string, RegExp][]} */
  const FOLDERS = [["staging", /^(staging|stg|base|bronze)$/i], ["intermediate", /^(intermediate|int|silver)$/i], ["marts", /^(marts?|gold|reporting|reports)$/i]];
  /** @type {[string, RegExp][]} */
  const NAMES = [["staging", /^(stg|base)_/i], ["intermediate", /^int_/i], ["marts", /^(fct|fact|dim|mart|rpt)_/i]];

  /** Where on the way from streams to dashboards an asset stands: one of LAYERS. */
  const layerOf = (asset) => (asset.layerName ??= layerBy(asset));

  function layerBy(asset) {
    if (BY_KIND[asset.kind]) return BY_KIND[asset.kind];
    const folders = (asset.path || "").split("/").slice(0, -1).reverse();
    for (const folder of folders) for (const [layer, fits] of FOLDERS) if (fits.test(folder)) return layer;
    for (const [layer, fits] of NAMES) if (fits.test(asset.name)) return layer;
    return "models";
  }

  const FACETS = [
    { id: "state", label: "State", of: (a) => [a.state || "no state"] },
    { id: "tool", label: "Tool", of: (a) => [a.tool] },
    { id: "kind", label: "Kind", of: (a) => [a.kind] },
    { id: "layer", label: "Layer", of: (a) => [layerOf(a)], order: LAYERS },
    { id: "folder", label: "Folder", of: (a) => [a.folder] },
    { id: "group", label: "Group", of: (a) => (a.group ? [a.group] : []) },
    { id: "owner", label: "Owner", of: (a) => (a.owner ? [a.owner] : []) },
    { id: "tag", label: "Tag", of: (a) => a.tags },
    { id: "lineage", label: "Column lineage", of: (a) => [a.lineage] },
  ];

  const fits = (facet, chosen, asset) => !chosen || !chosen.length || facet.of(asset).some((v) => chosen.includes(v));

  /** Assets that fit the filters; `but` leaves one facet out (for that facet's own counts). */
  function apply(assets, filters, but) {
    const active = FACETS.filter((f) => f.id !== but && filters[f.id] && filters[f.id].length);
    return active.length ? assets.filter((a) => active.every((f) => fits(f, filters[f.id], a))) : assets;
  }

  /** For each facet its values with counts, most first; a chosen value is always there. */
  function counted(assets, filters) {
    return FACETS.map((facet) => {
      const counts = new Map();
      for (const v of filters[facet.id] || []) counts.set(v, 0);
      for (const a of apply(assets, filters, facet.id)) for (const v of facet.of(a)) counts.set(v, (counts.get(v) || 0) + 1);
      const rank = ([v, n]) => (facet.order ? facet.order.indexOf(v) : -n);
      const values = [...counts].sort((x, y) => rank(x) - rank(y) || (x[0] < y[0] ? -1 : 1));
      return { ...facet, values };
    });
  }

  R.filters = { FACETS, LAYERS, layerOf, apply, counted };
})(globalThis.Report);

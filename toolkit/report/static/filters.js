// The rail's filters: within one facet any may fit, all facets must.
(function (R) {
  const FACETS = [
    { id: "state", label: "State", of: (a) => [a.state || "no state"] },
    { id: "tool", label: "Tool", of: (a) => [a.tool] },
    { id: "kind", label: "Kind", of: (a) => [a.kind] },
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
      const values = [...counts].sort((x, y) => y[1] - x[1] || (x[0] < y[0] ? -1 : 1));
      return { ...facet, values };
    });
  }

  R.filters = { FACETS, apply, counted };
})(globalThis.Report);

// What is shown as files: CSV of a table or a graph, Mermaid. Text in, text out; ui.js saves it.
(function (R) {
  const FORMULA = /^[=+\-@\t\r]/;
  const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;

  /** One value as a field. A text that a spreadsheet would run as a formula is kept from that. */
  function field(value) {
    if (value == null) return "";
    let text = R.format.plain(value);
    if (FORMULA.test(text) && !NUMBER.test(text)) text = "'" + text;
    return /[",\n\r]|^\s|\s$/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  }

  /** Rows of values, the first one with the names, as CSV (RFC 4180). */
  const csv = (rows) => rows.map((row) => row.map(field).join(",") + "\r\n").join("");

  /** Mermaid's own entities for what would end a label or begin a directive. */
  const label = (text) => Array.from(R.format.plain(text), (c) => (/[\p{L}\p{N} _./-]/u.test(c) ? c : `#${c.codePointAt(0)};`)).join("");

  /** The cards of a scene as a flowchart; dotted where nothing flows, or nobody knows. */
  function mermaid({ cards, edges }) {
    const nodes = cards.map((c, i) => `  n${i}["${label(c.asset ? c.asset.name : c.group)}"]`);
    const arrow = (e) => `  n${e.from} ${e.style === "indirect" || e.style === "opaque" ? "-.->" : "-->"} n${e.to}`;
    return ["graph LR", ...nodes, ...new Set(edges.map(arrow))].join("\n") + "\n";
  }

  /** A graph: one row for each card, with what it reads. */
  function cardRows({ cards, edges, into }) {
    const name = (i) => (cards[i].asset ? cards[i].asset.key : cards[i].group);
    const reads = (i) => [...new Set(into[i].map((e) => name(edges[e].from)))].join(" ");
    const row = (c, i) => (c.asset
      ? [c.asset.key, c.asset.name, c.asset.kind, c.asset.tool, c.asset.state, c.asset.rows, c.asset.owner, c.asset.folder, reads(i)]
      : [name(i), c.group, "group", null, c.state, null, null, null, reads(i)]);
    return [["asset", "name", "kind", "tool", "state", "rows", "owner", "folder", "reads"], ...cards.map(row)];
  }

  /** A trace: one row for each edge, in the words of `toolkit lineage --format csv`. */
  function traceRows(model, { cards, edges }) {
    const { columnEdges: values, assetEdges: decides, columns, word } = model;
    const end = (c) => [model.assets[columns.owner[c]].key, columns.name(c)];
    const row = (e) => {
      if (e.columnEdge !== undefined) {
        const n = e.columnEdge;
        return [...end(values.from[n]), ...end(values.to[n]), values.direct[n] ? "DIRECT" : "INDIRECT", word(values.subtype[n]), word(values.expression[n])];
      }
      if (e.assetEdge !== undefined) return [...end(decides.from[e.assetEdge]), model.assets[decides.to[e.assetEdge]].key, null, "INDIRECT", word(decides.subtype[e.assetEdge]), null];
      return [cards[e.from].asset.key, null, cards[e.to].asset.key, null, "opaque", null, null];
    };
    return [["from_asset", "from_column", "to_asset", "to_column", "type", "subtype", "expression"], ...edges.map(row)];
  }

  /** "shop prod", "trace of x" -> "shop-prod-trace-of-x.csv": letters that every system takes. */
  function fileName(parts, ending) {
    const name = parts.filter(Boolean).join("-").replace(/[^\w.]+/g, "-").replace(/^[-.]+|[-.]+$/g, "").slice(0, 80);
    return `${name || "report"}.${ending}`;
  }

  R.export = { csv, field, mermaid, cardRows, traceRows, fileName };
})(globalThis.Report);

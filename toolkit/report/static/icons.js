// One stroke drawing (16 x 16) for each kind, state and control; for the page and the canvas.
(function (R) {
  const PATHS = {
    stream: "M2 5.5c2-2 4 2 6 0s4 2 6 0 M2 10.5c2-2 4 2 6 0s4 2 6 0",
    source: "M3 4.2c0-1 2.2-1.8 5-1.8s5 .8 5 1.8-2.2 1.8-5 1.8-5-.8-5-1.8z M3 4.2v7.6c0 1 2.2 1.8 5 1.8s5-.8 5-1.8V4.2 M3 8c0 1 2.2 1.8 5 1.8S13 9 13 8",
    seed: "M2.5 3h11v10h-11z M2.5 6.3h11 M2.5 9.6h11 M6.2 3v10",
    model: "M8 1.8l5.6 3.1v6.2L8 14.2l-5.6-3.1V4.9z M2.4 4.9L8 8l5.6-3.1 M8 8v6.2",
    snapshot: "M8 14a6 6 0 1 0 0-12 6 6 0 0 0 0 12z M8 4.6V8l2.4 1.6",
    python: "M5.5 4L2 8l3.5 4 M10.5 4L14 8l-3.5 4",
    ml_model: "M4 11.5L8 4.5l4 7z M4 13.2a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4z M12 13.2a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4z M8 6.2a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4z",
    semantic_model: "M2.5 4.5L8 2l5.5 2.5L8 7z M2.5 8L8 10.5 13.5 8 M2.5 11.5L8 14l5.5-2.5",
    metric: "M2.5 11.5a5.5 5.5 0 0 1 11 0 M8 11.5l2.6-3.4",
    saved_query: "M4 2.5h8v11L8 10.6 4 13.5z",
    exposure: "M2.5 13.5v-4h2.6v4z M6.7 13.5v-7h2.6v7z M10.9 13.5v-11h2.6v11z",
    folder: "M2 4h4l1.5 1.8H14v7.2H2z",
    fresh: "M3 8.5l3.2 3.2L13 4.8",
    stale: "M8 14a6 6 0 1 0 0-12 6 6 0 0 0 0 12z M8 4.6V8l2.4 1.6",
    failed: "M4 4l8 8 M12 4l-8 8",
    never: "M4 8h8",
    warn: "M8 2.2L14.2 13H1.8z M8 6.4v3.2 M8 11.2v.4",
    info: "M8 14a6 6 0 1 0 0-12 6 6 0 0 0 0 12z M8 7.4v3.6 M8 4.9v.4",
    skipped: "M4 4l4 4-4 4 M9 4l4 4-4 4",
    search: "M7 12a5 5 0 1 0 0-10 5 5 0 0 0 0 10z M10.7 10.7L14 14",
    close: "M4 4l8 8 M12 4l-8 8",
    theme: "M8 14a6 6 0 1 0 0-12 6 6 0 0 0 0 12z M8 2v12 M8 4.5h3.6 M8 8h5.8 M8 11.5h3.6",
    rail: "M2.5 3h11v10h-11z M6.5 3v10",
    overview: "M2.5 4h11 M2.5 8h8 M2.5 12h5",
    graph: "M2 6h4v4H2z M10 2.5h4v4h-4z M10 9.5h4v4h-4z M6 8h2V4.5h2 M8 8v3.5h2",
    assets: "M2.5 3h11v10h-11z M2.5 6.3h11 M2.5 9.6h11",
    columns: "M2.5 3h11v10h-11z M6.2 3v10 M9.8 3v10",
    connections: "M6.5 9.5l3-3 M7 5l1.4-1.4a2.6 2.6 0 0 1 3.9 3.9L11 9 M9 11l-1.4 1.4a2.6 2.6 0 0 1-3.9-3.9L5 7",
    run: "M2.5 3.5h5 M5 8h6 M8 12.5h5.5",
    runs: "M4.5 2.8l8 5.2-8 5.2z",
    checks: "M8 14a6 6 0 1 0 0-12 6 6 0 0 0 0 12z M5.4 8.2l1.9 1.9 3.4-3.8",
    problems: "M8 2.2L14.2 13H1.8z M8 6.4v3.2 M8 11.2v.4",
    fit: "M2.5 6V2.5H6 M10 2.5h3.5V6 M13.5 10v3.5H10 M6 13.5H2.5V10",
    right: "M6 4l4 4-4 4",
    down: "M4 6l4 4 4-4",
    link: "M6 3H3v10h10v-3 M9 2.5h4.5V7 M13.5 2.5L7.5 8.5",
  };
  // dbt's words for how a step ended, in the five that a person needs.
  const OUTCOME = {
    success: "ok", pass: "ok", done: "ok", fresh: "ok", ok: "ok", succeeded: "ok", finished: "ok",
    error: "error", fail: "error", failed: "error", "runtime error": "error", crashed: "error",
    warn: "warn", warning: "warn", "partial success": "warn", interrupted: "warn", cancelled: "warn",
    stale: "stale",
    skipped: "skipped", "no-op": "skipped", never: "skipped", running: "skipped", info: "skipped",
  };
  const GLYPH = { ok: "fresh", error: "failed", warn: "warn", stale: "stale", skipped: "never" };

  /** "ok" | "warn" | "error" | "stale" | "skipped" for any status, state or severity. */
  const outcome = (word) => OUTCOME[word] || "skipped";

  /** The drawing as an element; decoration only, the words beside it say the same. */
  function icon(name, size = 14) {
    const { svg } = R.dom;
    const path = svg("path", { d: PATHS[name] || PATHS.model });
    return svg("svg", { viewBox: "0 0 16 16", width: size, height: size, class: "icon", "aria-hidden": "true" }, path);
  }

  /** Icon and word of a status, in its colour. */
  function badge(word, label) {
    const kind = outcome(word);
    const glyph = word === "skipped" ? "skipped" : word === "info" ? "info" : GLYPH[kind];
    return R.dom.h("span.badge." + kind, { title: label ? word : null }, icon(glyph, 12), label || word);
  }

  /** Name of the hue of an asset: by tool, with two kinds that have their own. */
  function hue(asset) {
    if (asset.kind === "ml_model") return "ml";
    if (["exposure", "metric", "semantic_model", "saved_query"].includes(asset.kind)) return "exposure";
    return { airbyte: "airbyte", dbt: "dbt", python: "python" }[asset.tool] || "exposure";
  }

  const TOOL_NAMES = { airbyte: "Airbyte", dbt: "dbt", python: "Python" };
  const toolName = (tool) => TOOL_NAMES[tool] || tool;

  R.icons = { PATHS, GLYPH, icon, badge, outcome, hue, toolName };
})(globalThis.Report);

// dbt's selection grammar with the command line's meaning (toolkit/graph/selection), for assets:
// a blank joins, a comma intersects, + and @ reach. tests/unit/report/test_select.py compares the two.
(function (R) {
  const TERM = /^(@)?(?:(\d*)\+)?(?:([\w.]+):)?(.*?)(?:\+(\d*))?$/s;
  const DBT_KINDS = ["source", "seed", "model", "snapshot", "function", "semantic_model", "metric", "saved_query", "exposure"];
  const KINDS = [...DBT_KINDS, "stream", "python", "ml_model"];
  const WITHOUT_GROUP = new Set(["source", "exposure", "semantic_model", "saved_query", "function"]);

  class SelectionError extends Error {}

  const isPattern = (text) => /[*?[\]]/.test(text);

  /** A function that tells whether a whole text fits `* ? [ ]`. */
  function matcher(pattern) {
    if (!isPattern(pattern)) return (text) => text === pattern;
    let source = "";
    for (let i = 0; i < pattern.length; i++) {
      const c = pattern[i];
      const end = c === "[" ? pattern.indexOf("]", i + (pattern[i + 1] === "!" ? 3 : 2)) : -1;
      if (c === "*") source += ".*";
      else if (c === "?") source += ".";
      else if (end > 0) {
        const inside = pattern.slice(i + 1, end).replace(/[\\[\]^]/g, "\\$&");
        source += inside[0] === "!" ? `[^${inside.slice(1)}]` : `[${inside}]`;
        i = end;
      } else source += c.replace(/[.+^${}()|[\]\\]/g, "\\$&");
    }
    let expression;
    try {
      expression = new RegExp(`^${source}$`, "s");
    } catch {
      throw new SelectionError(`"${pattern}" is not a pattern that can be read.`);
    }
    return (text) => text != null && expression.test(text);
  }

  /** A bare name: the last part of dbt's dotted name, or any leading parts of it. */
  function named(value) {
    const parts = value.split(".");
    const plain = parts.findIndex(isPattern);
    const head = plain < 0 ? parts : parts.slice(0, plain);
    const fits = matcher(plain < 0 ? value : parts.slice(plain).join("."));
    return (a) => {
      if (a.kind === "source" || a.kind === "stream") return false;
      const fqn = a.fqn.length ? a.fqn : [a.package || a.tool, a.name];
      const leaf = a.version != null && a.kind === "model" && fqn.length > 1 ? fqn[fqn.length - 2] : fqn[fqn.length - 1];
      if (parts.length === 1 && fits(leaf)) return true;
      for (const name of [fqn, fqn.slice(1)]) {
        const dotted = name.join(".");
        const flat = dotted.split(".");
        if (flat.length < parts.length || !head.every((p, i) => p === flat[i])) continue;
        if (plain < 0 || fits(head.length ? flat.slice(plain).join(".") : dotted)) return true;
      }
      return a.version != null && plain < 0 && fqn.slice(-2).join("_") === parts.slice(-2).join("_");
    };
  }

  /** A path: `*` stays in one folder, `**` crosses folders; a folder means all that is in it. */
  function located(value) {
    if (value.startsWith("/")) throw new SelectionError(`"${value}" is an absolute path; write it from the project's folder.`);
    const pattern = value.split("/").filter((p) => p && p !== ".");
    const foldersOnly = value.endsWith("/") || pattern[pattern.length - 1] === "**";
    const parts = pattern.map((p) => [p === "**", matcher(p)]);
    const fits = (path, at, part, below) => {
      if (part === parts.length) return at === path.length ? !foldersOnly : below;
      const [anyDepth, one] = parts[part];
      if (anyDepth) return fits(path, at, part + 1, below) || (at < path.length && fits(path, at + 1, part, below));
      return at < path.length && one(path[at]) && fits(path, at + 1, part + 1, below);
    };
    return (a) => (a.path != null && fits(a.path.split("/"), 0, 0, true)) ||
      (!foldersOnly && a.yaml_path != null && fits(a.yaml_path.split("/"), 0, 0, false));
  }

  function inFile(value) {
    const fits = matcher(value);
    return (a) => {
      if (a.path == null) return false;
      const name = a.path.slice(a.path.lastIndexOf("/") + 1);
      const dot = name.lastIndexOf(".");
      return fits(name) || (dot > 0 && dot < name.length - 1 && fits(name.slice(0, dot)));
    };
  }

  function ofSource(value) {
    const parts = value.split(".");
    if (parts.length > 3) throw new SelectionError(`"source:${value}" has too many parts.`);
    const [inPackage, source, table] = { 1: ["*", ...parts, "*"], 2: ["*", ...parts], 3: parts }[parts.length].map(matcher);
    return (a) => a.kind === "source" && inPackage(a.package || "") && source(a.source || "") && table(a.name);
  }

  function ofStream(value) {
    const fits = matcher(value);
    return (a) => a.kind === "stream" && (fits(a.name) || fits(`${a.source}.${a.name}`) || fits(a.key.replace(/^stream\./, "")));
  }

  function nameOf(kind) {
    return (value) => {
      const parts = value.split(".");
      if (parts.length > 2) throw new SelectionError(`"${kind}:${value}" has too many parts.`);
      const name = matcher(parts[parts.length - 1]);
      const inPackage = matcher(parts.length > 1 ? parts[0] : "*");
      return (a) => a.kind === kind && name(a.name) && inPackage(a.package || "");
    };
  }

  function oneOf(kinds, what) {
    return (value) => {
      if (!kinds.includes(value)) throw new SelectionError(`"${value}" is no ${what}; known: ${kinds.join(", ")}.`);
      return (a) => a.kind === value;
    };
  }

  const by = (get) => (value) => {
    const match = matcher(value);
    return (a) => match(get(a));
  };

  const METHODS = {
    fqn: named,
    tag: (value) => { const match = matcher(value); return (a) => a.tags.some(match); },
    owner: (value) => { const match = matcher(value.toLowerCase()); return (a) => a.owner != null && match(a.owner.toLowerCase()); },
    kind: oneOf(KINDS, "kind of asset"),
    resource_type: oneOf(DBT_KINDS, "resource type of dbt"),
    source: ofSource,
    stream: ofStream,
    exposure: nameOf("exposure"),
    metric: nameOf("metric"),
    semantic_model: nameOf("semantic_model"),
    saved_query: nameOf("saved_query"),
    group: (value) => { const match = matcher(value); return (a) => a.group != null && !WITHOUT_GROUP.has(a.kind) && match(a.group); },
    access: (value) => (a) => a.kind === "model" && a.access === value,
    package: by((a) => a.package || ""),
    path: located,
    file: inFile,
    integration: by((a) => a.tool),
    "config.materialized": by((a) => a.materialized),
    // The report's own: what only a page that knows the runs and the lineage can tell.
    status: by((a) => a.state),
    lineage: by((a) => a.lineage),
  };

  const implied = (value) => (value.includes("/") ? "path" : /\.(sql|py|csv)$/i.test(value) ? "file" : "fqn");

  function term(model, text) {
    const [, at, up, written, value, down] = TERM.exec(text);
    if (!value && !written) throw new SelectionError(`"${text}" has an empty part.`);
    if (at && down !== undefined) throw new SelectionError(`"${text}": @ takes all children already, so a + behind it means nothing.`);
    const method = written || implied(value);
    const make = Object.hasOwn(METHODS, method) ? METHODS[method] : null;
    if (!make) throw new SelectionError(`"${method}:" is not known here; known: ${Object.keys(METHODS).join(", ")}.`);
    const base = model.assets.filter(make(value)).map((a) => a.i);
    const found = new Set(base);
    const add = (more) => { for (const a of more) found.add(a); };
    const depth = (digits) => (digits === "" ? Infinity : Number(digits));
    if (up !== undefined) add(R.graph.upstream(model, base, depth(up)));
    if (down !== undefined) add(R.graph.downstream(model, base, depth(down)));
    if (at) add(R.graph.upstream(model, R.graph.downstream(model, base)));
    return found;
  }

  /**
   * Numbers of the assets that a selection names; null for an empty selection (= all).
   * @throws {SelectionError} with a sentence for people
   */
  function select(model, text) {
    const groups = text.trim().split(/\s+/).filter(Boolean);
    if (!groups.length) return null;
    const union = new Set();
    for (const group of groups) {
      let both = null;
      for (const part of group.split(",")) {
        const found = term(model, part);
        both = both ? new Set([...both].filter((a) => found.has(a))) : found;
      }
      for (const a of both) union.add(a);
    }
    return union;
  }

  R.select = { select, SelectionError, METHODS };
})(globalThis.Report);

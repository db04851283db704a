// dbt's selection grammar, as the command line takes it: a space joins, a comma intersects,
// + and @ reach. https://docs.getdbt.com/reference/node-selection/syntax
(function (R) {
  const TERM = /^(@)?(?:(\d*)(\+))?(.*?)(?:(\+)(\d*))?$/s;

  /** Wildcards * ? [..] as in a shell, against the whole text. */
  function matcher(pattern) {
    if (!/[*?[]/.test(pattern)) return (text) => text === pattern;
    const source = pattern.replace(/[.+^${}()|\\]/g, "\\$&").replace(/\*/g, ".*").replace(/\?/g, ".").replace(/\[!/g, "[^");
    let expression;
    try {
      expression = new RegExp(`^${source}$`, "su");
    } catch {
      throw new SelectionError(`"${pattern}" is not a pattern that can be read.`);
    }
    return (text) => text != null && expression.test(text);
  }

  class SelectionError extends Error {}

  const RESOURCE_TYPES = new Set(["source", "seed", "model", "snapshot", "semantic_model", "metric", "saved_query", "exposure"]);

  function named(value) {
    const match = matcher(value);
    return (a) => {
      if (match(a.name) || match(a.key)) return true;
      // dbt: a bare name is also a dotted prefix of the fully qualified name, package or not.
      for (const fqn of [a.fqn, a.fqn.slice(1)]) {
        for (let n = 1; n <= fqn.length; n++) if (match(fqn.slice(0, n).join("."))) return true;
      }
      return false;
    };
  }

  function located(value) {
    const folder = value.replace(/\/+$/, "");
    const match = matcher(folder);
    return (a) => a.path != null && (match(a.path) || a.path.startsWith(folder + "/"));
  }

  function inContainer(kinds) {
    return (value) => {
      const [first, ...rest] = value.split(".");
      const container = matcher(first);
      const whole = matcher(value);
      const name = rest.length ? matcher(rest[rest.length - 1]) : null;
      return (a) => kinds.has(a.kind) && ((container(a.source) && (!name || name(a.name))) || whole(a.name));
    };
  }

  const by = (get) => (value) => {
    const match = matcher(value);
    return (a) => match(get(a));
  };

  const METHODS = {
    name: named,
    fqn: named,
    tag: (value) => { const match = matcher(value); return (a) => a.tags.some(match); },
    owner: by((a) => a.owner),
    kind: by((a) => a.kind),
    resource_type: (value) => {
      const match = matcher(value);
      return (a) => RESOURCE_TYPES.has(a.kind) && match(a.kind);
    },
    source: inContainer(new Set(["source"])),
    stream: inContainer(new Set(["stream"])),
    exposure: (value) => { const match = matcher(value); return (a) => a.kind === "exposure" && match(a.name); },
    metric: (value) => { const match = matcher(value); return (a) => a.kind === "metric" && match(a.name); },
    group: by((a) => a.group),
    package: by((a) => a.package),
    path: located,
    file: (value) => { const match = matcher(value); return (a) => a.path != null && match(a.path.split("/").pop()); },
    integration: by((a) => a.tool),
    "config.materialized": by((a) => a.materialized),
    status: by((a) => a.state),
    lineage: by((a) => a.lineage),
  };

  function term(model, text) {
    const [, at, upDepth, up, body, down, downDepth] = TERM.exec(text);
    if (!body) throw new SelectionError(`"${text}" names no asset.`);
    const colon = body.indexOf(":");
    const method = colon < 0 ? "name" : body.slice(0, colon);
    const value = colon < 0 ? body : body.slice(colon + 1);
    const make = METHODS[method];
    if (!make) throw new SelectionError(`"${method}:" is not known here; known: ${Object.keys(METHODS).join(", ")}.`);
    if (at && up) throw new SelectionError(`"${text}": @ and + cannot stand together.`);
    const fits = colon < 0 && body.includes("/") ? located(body) : make(value);
    const base = model.assets.filter(fits).map((a) => a.i);
    const found = new Set(base);
    const add = (more) => { for (const a of more) found.add(a); };
    if (up) add(R.graph.upstream(model, base, upDepth ? Number(upDepth) : Infinity));
    if (down) add(R.graph.downstream(model, base, downDepth ? Number(downDepth) : Infinity));
    if (at) add(R.graph.upstream(model, R.graph.downstream(model, base)));
    return found;
  }

  /**
   * Numbers of the assets that a selection names; null for an empty selection (= all).
   * @throws {SelectionError} with a sentence for people
   */
  function select(model, text) {
    const parts = text.trim().split(/\s+/).filter(Boolean);
    if (!parts.length) return null;
    const union = new Set();
    for (const part of parts) {
      let both = null;
      for (const piece of part.split(",").filter(Boolean)) {
        const found = term(model, piece);
        both = both ? new Set([...both].filter((a) => found.has(a))) : found;
      }
      for (const a of both || []) union.add(a);
    }
    return union;
  }

  R.select = { select, SelectionError, METHODS };
})(globalThis.Report);

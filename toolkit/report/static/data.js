// The payload (toolkit/report/page/payload.py) back into objects and typed arrays.
(function (R) {
  /** base64 of gzip of JSON -> value. */
  async function unpack(text) {
    const letters = atob(text.trim());
    const bytes = new Uint8Array(letters.length);
    for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  /** Undo delta coding. */
  function running(distances) {
    const numbers = new Int32Array(distances.length);
    let last = 0;
    for (let i = 0; i < distances.length; i++) numbers[i] = last += distances[i];
    return numbers;
  }

  /** For each of `size` buckets the numbers of the items that fall in it, as one array in pieces. */
  function bucketed(size, of) {
    const start = new Int32Array(size + 1);
    for (const b of of) start[b + 1]++;
    for (let i = 0; i < size; i++) start[i + 1] += start[i];
    const at = start.slice(0, size);
    const items = new Int32Array(of.length);
    for (let i = 0; i < of.length; i++) items[at[of[i]]++] = i;
    return (b) => items.subarray(start[b], start[b + 1]);
  }

  /** Columns of a table -> one object a row, names looked up in the pool of strings. */
  function rows(table, pool, words, rest) {
    const first = table[words[0]];
    const made = new Array(first.length);
    for (let i = 0; i < first.length; i++) {
      const row = { i };
      for (const w of words) row[w] = table[w][i] < 0 ? null : pool[table[w][i]];
      for (const r of rest) row[r] = table[r][i];
      made[i] = row;
    }
    return made;
  }

  function result(packed, pool) {
    if (!packed) return null;
    const [status, message, failures, run] = packed;
    return { status: pool[status], message: message < 0 ? null : pool[message], failures, run: pool[run] };
  }

  /** A step's times in seconds (since the epoch, where they are points); null for what never was. */
  function timed(step, { begin, took, waited }) {
    const { i } = step;
    step.started_at = begin[i] == null ? null : step.run.started_at + begin[i] / 1000;
    step.finished_at = took[i] == null ? null : step.started_at + took[i] / 1000;
    step.waited = waited[i] / 1000;
  }

  /**
   * What is beyond the graph: for a column the property that lands in it and what was done to
   * that; for an asset which rows and properties do not land.
   */
  function landing(core, pool, assets) {
    for (const asset of assets) asset.landing = null;
    const names = (numbers) => numbers.map((s) => pool[s]);
    for (const [a, conditions, properties, removed] of core.landing) {
      assets[a].landing = { conditions: names(conditions), properties: names(properties), removed: names(removed) };
    }
    return new Map(core.columns.origin.map(([c, property, how, masked]) => [c, { property: pool[property], how: pool[how], masked: masked === 1 }]));
  }

  /** The runs that made an asset, newest first, with what was counted then; unpacked when somebody asks. */
  function past(core, pool, runs) {
    const packed = new Map(core.past.map((entry) => [entry[0], entry]));
    return (asset) => {
      const [, distances, counts, metrics] = packed.get(asset.i) || [0, [], [], []];
      return Array.from(running(distances), (run, i) => ({
        run: runs[run], rows: counts[i], metrics: new Map(metrics.map(([name, values]) => [pool[name], values[i]])),
      }));
    };
  }

  /**
   * The decoded core as one model: assets, columns and checks by number, edges both ways.
   * @param {Object} core
   */
  function build(core) {
    const pool = core.strings;
    const assets = rows(
      core.assets, pool,
      ["key", "name", "kind", "tool", "owner", "group", "folder", "path", "package", "source", "subtype",
        "materialized", "relation", "description", "url", "lineage", "state", "reason", "yaml_path", "access", "version"],
      ["line", "contract", "at", "rows", "layer", "sub", "row"],
    );
    const n = assets.length;
    const names = (numbers) => numbers.map((s) => pool[s]);
    const pairs = (list) => list.map(([name, value]) => [pool[name], value]);
    for (const asset of assets) {
      asset.tags = names(core.assets.tags[asset.i]);
      asset.fqn = names(core.assets.fqn[asset.i]);
      asset.metrics = pairs(core.assets.metrics[asset.i]);
      asset.metadata = pairs(core.assets.metadata[asset.i]);
      asset.facts = core.assets.facts[asset.i].map(([name, value]) => [pool[name], pool[value]]);
      asset.result = result(core.assets.result[asset.i], pool);
      asset.checks = [];
      asset.problems = [];
      asset.findings = [];
    }

    const from = running(core.edges.from);
    const to = Int32Array.from(core.edges.to);
    const outOf = bucketed(n, from);
    const into = bucketed(n, to);

    const starts = running(core.columns.start);
    const total = core.columns.name.length;
    const owner = new Int32Array(total);
    for (let a = 0; a < n; a++) owner.fill(a, starts[a], starts[a + 1]);
    const ce = core.column_edges;
    const inner = new Map(core.column_edges.inner.map(([e, ...steps]) => [e, steps.map(([name, text]) => ({ name: name < 0 ? null : pool[name], text: pool[text] }))]));
    const columnEdges = {
      from: Int32Array.from(ce.from), to: running(ce.to), direct: Uint8Array.from(ce.direct),
      subtype: ce.subtype, expression: ce.expression, line: ce.line, count: ce.from.length, inner,
    };
    const assetEdges = {
      from: Int32Array.from(core.asset_edges.from), to: running(core.asset_edges.to),
      subtype: core.asset_edges.subtype, count: core.asset_edges.from.length,
    };

    const checks = rows(core.checks, pool, ["key", "name", "kind", "test", "column", "severity", "path"], ["asset", "assets"]);
    for (const check of checks) {
      check.result = result(core.checks.result[check.i], pool);
      check.metadata = pairs(core.checks.metadata[check.i]);
      for (const a of new Set([...check.assets, ...(check.asset < 0 ? [] : [check.asset])])) assets[a].checks.push(check);
    }
    const runs = rows(core.runs, pool, ["id", "command", "target", "status", "selection"], ["started_at", "finished_at", "up_to_date"]);
    const steps = rows(core.steps, pool, ["key", "name", "kind", "tool", "status", "reason", "message", "thread"], ["critical", "attempts", "rows", "failures"]);
    const inRun = running(core.steps.run);
    for (const run of runs) run.steps = [];
    const history = new Map();
    for (const step of steps) {
      step.run = runs[inRun[step.i]];
      timed(step, core.steps);
      step.run.steps.push(step);
      if (!history.has(step.key)) history.set(step.key, []);
      history.get(step.key).push(step);
    }
    const landed = landing(core, pool, assets);
    const tags = new Map(core.columns.tags.map(([c, list]) => [c, names(list)]));
    const unmatched = core.unmatched.map(([asset, what, severity, candidates]) => ({
      asset: assets[asset], what: pool[what], severity: pool[severity],
      candidates: candidates.map(([other, relation, reason, file, line]) => ({
        asset: other < 0 ? null : assets[other], relation: pool[relation], reason: pool[reason], file: pool[file], line: pool[line] })),
    }));
    const matches = core.matched.map(([child, parent, tier]) => ({ child, parent, tier: pool[tier] }));
    const problems = rows(core.problems, pool, ["code", "message", "severity", "path"], ["asset", "line"]);
    for (const problem of problems) if (problem.asset >= 0) assets[problem.asset].problems.push(problem);
    const findings = rows(core.findings, pool, ["rule", "severity", "column", "message", "mend", "path", "tool"], ["asset", "line"]);
    for (const finding of findings) if (finding.asset >= 0) assets[finding.asset].findings.push(finding);

    return {
      meta: core.meta, assets, n, checks, runs, steps, history, problems, findings, unmatched, matches,
      tiers: new Map(matches.map((m) => [m.parent * n + m.child, m.tier])),
      past: past(core, pool, runs),
      byCheck: new Map(checks.map((c) => [c.key, c])),
      byKey: new Map(assets.map((a) => [a.key, a])),
      edges: { from, to, count: from.length },
      parents: (a) => Array.from(into(a), (e) => from[e]),
      children: (a) => Array.from(outOf(a), (e) => to[e]),
      columns: {
        count: total, owner, start: starts,
        name: (c) => pool[core.columns.name[c]],
        word: core.columns.name,
        type: (c) => (core.columns.type[c] < 0 ? null : pool[core.columns.type[c]]),
        origin: (c) => landed.get(c) || null,
        tags: (c) => tags.get(c) || [],
        tagged: tags.size > 0,
        description: (c) => (core.columns.description[c] < 0 ? null : pool[core.columns.description[c]]),
      },
      columnEdges, assetEdges,
      edgesIn: bucketed(total, columnEdges.to),
      edgesOut: bucketed(total, columnEdges.from),
      influences: bucketed(n, assetEdges.to),
      influencedBy: bucketed(total, assetEdges.from),
      word: (s) => (s < 0 ? null : pool[s]),
    };
  }

  /** Numbers in the order of time: one that never changed is kept once. */
  const spread = (series, points) => (Array.isArray(series) ? series : Array(points).fill(series));

  /** @param {Object} packed  one asset of texts.profiles (toolkit/report/page/payload_profiles.py) */
  function profile(packed) {
    const points = packed.at.length;
    const columns = packed.columns.map(([name, nulls, distinct, least, most, mean, quartiles, hidden]) => {
      const shares = spread(nulls, points).map((n, i) => (n == null || !packed.rows[i] ? null : n / packed.rows[i]));
      return { name, nulls: spread(nulls, points), shares, distinct: spread(distinct, points), least, most, mean, quartiles, hidden: hidden === 1 };
    });
    return { ...packed, columns };
  }

  /** @param {Object} packed  one asset of texts.models (toolkit/report/page/payload_models.py) */
  function mlModel(packed) {
    const versions = packed.versions.map(([version, state, why, at, format, target, metrics]) =>
      ({ version, state, why, at, format, target, metrics: new Map(metrics) }));
    return { ...packed, versions };
  }

  /** The SQL texts, profiles and models, decoded the first time that somebody asks. */
  function lazyTexts(read) {
    let pending = null;
    return () => (pending ??= unpack(read()));
  }

  R.data = { unpack, build, bucketed, lazyTexts, profile, mlModel };
})(globalThis.Report);

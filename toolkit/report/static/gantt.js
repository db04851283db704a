// One run on a line of time: which rows there are, what is said of them, where the ticks are. No drawing.
(function (R) {
  const { duration, count } = R.format;
  const took = (step) => (step.started_at == null || step.finished_at == null ? null : step.finished_at - step.started_at);
  const SUCCEEDED = ["success", "pass", "warn"];
  const TICKS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];

  /** Whether a step was not run because it was not needed. */
  const upToDate = (step) => step.status === "no-op" && (step.message || "").startsWith("up to date");

  /**
   * Rows of a run, grouped by tool, each group in the order in which its steps began; those that
   * never began come last. Steps that were up to date have no row.
   * @param {(step: Object) => boolean} [only]
   * @returns {{rows: Object[], from: number, until: number, ran: number, left: number}}
   *   a row has `head` (a tool, with `count`) or `step`; times are seconds since the epoch
   */
  function rows(run, now, only = () => true) {
    const groups = new Map();
    let until = run.finished_at ?? run.started_at;
    let ran = 0;
    let left = 0;
    for (const step of run.steps) {
      if (upToDate(step)) continue;
      if (step.started_at == null) left++;
      else ran++;
      until = Math.max(until, step.finished_at ?? (step.started_at == null ? 0 : now));
      if (!only(step)) continue;
      if (!groups.has(step.tool)) groups.set(step.tool, []);
      groups.get(step.tool).push(step);
    }
    const begin = (list) => Math.min(...list.map((s) => s.started_at ?? Infinity));
    const made = [];
    for (const [tool, list] of [...groups].sort((a, b) => begin(a[1]) - begin(b[1]) || 0)) {
      list.sort((a, b) => (a.started_at ?? Infinity) - (b.started_at ?? Infinity) || a.i - b.i);
      made.push({ head: tool, count: list.length }, ...list.map((step) => ({ step })));
    }
    return { rows: made, from: run.started_at, until: Math.max(until, run.started_at + 1e-3), ran, left };
  }

  /** How many steps of a run began. */
  const ran = (run) => run.steps.reduce((n, step) => n + (step.started_at != null && !upToDate(step) ? 1 : 0), 0);

  /** Seconds that a step took when it last succeeded before this run, as far as the report knows. */
  function expected(model, step) {
    const before = (model.history.get(step.key) || []).find((s) => s.run.i > step.run.i && s.run.target === step.run.target && SUCCEEDED.includes(s.status) && took(s) != null);
    return before ? took(before) : null;
  }

  /** Steps of the chain that decided when the run ended, and the seconds that they took. */
  function critical(run) {
    const steps = run.steps.filter((s) => s.critical).sort((a, b) => a.started_at - b.started_at);
    return { steps, seconds: steps.reduce((sum, s) => sum + (took(s) ?? 0), 0) };
  }

  /** Everything that is worth saying of a step, as pairs of name and text; nothing for what is not known. */
  function details(model, step) {
    const at = (s) => duration(s - step.run.started_at);
    const usual = expected(model, step);
    const seconds = took(step);
    const pairs = [
      ["Status", step.status + (step.attempts > 1 ? `, attempt ${step.attempts}` : "")],
      ["Took", seconds == null ? null : duration(seconds)],
      ["Expected", usual == null ? null : `about ${duration(usual)}`],
      ["Ran", seconds == null ? null : `${at(step.started_at)} to ${at(step.finished_at)}`],
      ["Waited", step.waited ? `${duration(step.waited)} when it could have begun` : null],
      ["Rows", step.rows == null ? null : count(step.rows)],
      ["Failures", step.failures ? count(step.failures) : null],
      ["Thread", step.thread],
      ["Critical path", step.critical ? "yes" : null],
      ["Message", step.message],
      ["Why", step.reason],
    ];
    return pairs.filter(([, text]) => text != null && text !== "");
  }

  /** Seconds between two ticks, so that they are at least `least` of them apart. */
  function tick(least) {
    if (least >= TICKS[TICKS.length - 1]) return Math.ceil(least / 86400) * 86400;
    if (least >= 1) return TICKS.find((t) => t >= least);
    const power = 10 ** Math.floor(Math.log10(Math.max(least, 1e-6)));
    return [1, 2, 5, 10].find((m) => m * power >= least * 0.9999) * power;
  }

  /** What a tick says: seconds from the begin, as exact as the distance of ticks asks for. */
  function tickSaid(seconds, every) {
    if (every < 1) return `${seconds.toFixed(Math.min(6, Math.ceil(-Math.log10(every) - 1e-9)))} s`;
    if (seconds < 60) return `${Math.round(seconds)} s`;
    return duration(Math.round(seconds));
  }

  R.gantt = { rows, ran, expected, critical, details, tick, tickSaid, upToDate, took };
})(globalThis.Report);

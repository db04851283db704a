// Numbers, times and names as people read them.
(function (R) {
  const number = new Intl.NumberFormat("en-US");
  const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

  /** 12480 -> "12,480". */
  const count = (n) => (n == null ? "–" : number.format(n));
  /** 12480 -> "12.5K", for where there is little room. */
  const short = (n) => (n == null ? "–" : n < 10000 ? number.format(n) : compact.format(n));
  /** "1 asset", "2 assets". */
  const plural = (n, one, many = one + "s") => `${count(n)} ${n === 1 ? one : many}`;

  /** Seconds -> "85 ms", "1.2 s", "3 min 20 s", "2 h 5 min". */
  function duration(s) {
    if (s == null || !isFinite(s)) return "–";
    if (s < 0.9995) return `${Math.round(s * 1000)} ms`;
    if (s < 59.95) return `${s.toFixed(1)} s`;
    const whole = Math.round(s);
    if (whole < 3600) return whole % 60 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${whole / 60} min`;
    const minutes = Math.round(s / 60);
    return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
  }

  /** Seconds -> "26 h": one unit, the largest that still says something. */
  function age(s) {
    if (s == null || !isFinite(s)) return "–";
    if (s < 60) return "now";
    if (s < 3570) return `${Math.round(s / 60)} min`;
    if (s < 172800) return `${Math.round(s / 3600)} h`;
    return `${Math.round(s / 86400)} d`;
  }

  const pad = (n) => String(n).padStart(2, "0");
  /** Seconds since the epoch -> "2026-11-21 10:31:07", the reader's time zone. */
  function time(at) {
    if (at == null) return "–";
    const d = new Date(at * 1000);
    return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
  }

  /** A number that may be a metric: at most four significant digits, integers whole. */
  const metric = (n) => (typeof n !== "number" ? String(n) : Number.isInteger(n) ? count(n) : String(Number(n.toPrecision(4))));

  /** "stg_payments_by_customer" -> "stg_pay…customer": both ends of a name say most. */
  function middle(text, max) {
    const letters = Array.from(text);
    if (letters.length <= max) return text;
    if (max < 2) return "…";
    const tail = Math.floor((max - 1) / 2);
    return letters.slice(0, max - 1 - tail).join("") + "…" + letters.slice(letters.length - tail).join("");
  }

  // Characters that reorder or hide text: a name must not look like another one.
  const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
  /** Text with invisible and direction-changing characters made visible. */
  const plain = (text) => String(text).replace(HIDDEN, "\u00b7");

  /** Share of 1 -> "97.3%"; never "100%" or "0%" unless it is exactly that. */
  function percent(part, whole) {
    if (!whole) return "–";
    const value = (part / whole) * 100;
    if (part === whole || part === 0) return `${value}%`;
    return `${Math.min(99.9, Math.max(0.1, value)).toFixed(1)}%`;
  }

  /** How long before something: `2 h ago`, or `just now`. */
  function ago(s) {
    const text = age(s);
    return text === "now" ? "just now" : text + " ago";
  }

  R.format = { count, short, plural, duration, age, ago, time, metric, middle, plain, percent };
})(globalThis.Report);

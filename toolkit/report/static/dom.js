// Building elements. All text goes in as text: nothing here, or anywhere, parses HTML.
(function (R) {
  const SVG = "http://www.w3.org/2000/svg";

  /**
   * Make an element.
   * @param {string} tag  "div" or "div.class.other"
   * @param {Object} [props]  on* listeners, class, style (object), others as attributes
   * @param {...any} children  elements, text, arrays of both; null and false are left out
   */
  function h(tag, props, ...children) {
    const [name, ...classes] = tag.split(".");
    const element = document.createElement(name);
    if (classes.length) element.className = classes.join(" ");
    for (const [key, value] of Object.entries(props || {})) {
      if (value == null || value === false) continue;
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else if (key === "class") element.className += " " + value;
      else if (key === "style") for (const [k, v] of Object.entries(value)) element.style.setProperty(k, v);
      else if (key === "title" || key === "aria-label") element.setAttribute(key, R.format.plain(value));
      else element.setAttribute(key, value === true ? "" : value);
    }
    append(element, children);
    return element;
  }

  function append(element, children) {
    for (const child of children) {
      if (child == null || child === false) continue;
      if (Array.isArray(child)) append(element, child);
      else element.append(child instanceof Node ? child : document.createTextNode(R.format.plain(child)));
    }
  }

  /** An SVG element with attributes. */
  function svg(tag, attributes, ...children) {
    const element = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  /** Replace what an element holds. */
  function fill(element, ...children) {
    element.replaceChildren();
    append(element, children);
    return element;
  }

  /** A link out of the page, if the address is one that a person would follow; else text. */
  function outside(address, label) {
    let url = null;
    try {
      url = new URL(address);
    } catch {
      return h("span", null, label || address);
    }
    if (url.protocol !== "http:" && url.protocol !== "https:") return h("span", null, label || address);
    return h("a", { href: url.href, rel: "noreferrer noopener", target: "_blank" }, label || address);
  }

  /** Copy text; tells on the button whether it worked. */
  async function copy(text, button) {
    let said = "Copied";
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      said = "Not allowed here";
    }
    const before = button.textContent;
    button.textContent = said;
    setTimeout(() => (button.textContent = before), 1200);
  }

  /** Give a text to the reader as a file: made here, and it goes nowhere else. */
  function save(name, type, text) {
    const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
    h("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 30000);
  }

  R.dom = { h, svg, fill, outside, copy, save };
})(globalThis.Report);

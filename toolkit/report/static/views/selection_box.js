// The box that takes the command line's selection, above the graph and the table of assets.
(function (R) {
  const { h } = R.dom;
  const { plural } = R.format;

  /**
   * Says how much it finds as one types.
   * `follow` shows what the address says: after Back, or a link, what was typed is history.
   */
  function selectionBox(app) {
    const said = h("span.muted.said", { role: "status" });
    const tell = (text) => {
      try {
        const found = R.select.select(app.model, text);
        said.className = "muted said";
        said.textContent = found ? plural(found.size, "asset") : "all";
        return true;
      } catch (error) {
        if (!(error instanceof R.select.SelectionError)) throw error;
        said.className = "state-error said";
        said.textContent = error.message;
        return false;
      }
    };
    const box = h("input.box.mono", {
      type: "search", spellcheck: "false", "aria-label": "Select assets",
      placeholder: "+customers+2,tag:nightly  path:models/staging",
      oninput: () => tell(box.value),
      onchange: () => tell(box.value) && app.go({ select: box.value.trim(), focus: null, open: [] }),
      onkeydown: (e) => { if (e.key === "Enter") box.dispatchEvent(new Event("change")); },
    });
    const follow = (state) => {
      box.value = state.select;
      tell(state.select);
    };
    follow(app.state);
    return { element: h("div.selection", null, h("label.muted.mono", null, "--select"), box, said), follow };
  }

  R.views.selectionBox = selectionBox;
})(globalThis.Report);

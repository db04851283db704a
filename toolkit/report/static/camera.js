// Which part of a scene is seen, and how large: the first picture, moves, and the sheet of paper.
(function (R) {
  const { H } = R.cards;
  const PAD = 24; // px around a picture that fits, and HEAD more above it for the lanes' names
  const HEAD = 16;
  const PAPER = 1040; // px, the width of A4 on its side without margins
  const NEARLY = 0.85; // of the least scale: a bit smaller is better than a bit that is cut off
  const MIN_K = 0.008;
  const MAX_K = 2.5;
  const GLIDE = 120; // ms

  /** What a canvas can be asked to look at. Sizes are px of the screen, the camera's place is the scene's. */
  class Camera {
    camera = { x: 0, y: 0, k: 1 };
    scene = null;
    width = 0;
    height = 0;
    touched = false; // somebody has moved the picture
    opened = null; // what the first picture was asked to show
    glides = null; // where the picture comes from, while it moves by itself
    printing = null;
    on = null;

    // What a canvas does besides.
    draw() {}
    invalidate() {}
    moved() {}
    resize() { return false; }
    size(width, height, ratio) { Object.assign(this, { width, height, ratio }); }

    /**
     * The first picture of a scene: all of it, unless that would be too small to read. Then it
     * begins at its left edge, where the data comes in, or at one card, and is panned from there.
     * @param {number} i  the card that must be seen, or -1
     * @param {number} least  scale; nearly so much is enough where all is seen then
     */
    open(i, least) {
      this.opened = [i, least];
      this.touched = false;
      if (!this.width) return;
      this.fit();
      this.touched = false;
      if (this.camera.k >= least * NEARLY) return;
      this.camera.k = least;
      const { box, cards } = this.scene;
      const seen = cards.filter((c) => c.x < box.x0 + this.width / least).map((c) => c.y + H / 2).sort((a, b) => a - b);
      this.centre(...(i >= 0 ? [cards[i].x + cards[i].w / 2, cards[i].y + cards[i].h / 2] : [box.x0, seen[seen.length >> 1]]));
      this.invalidate();
    }

    /** The window or a panel has changed: what nobody has moved yet is fitted again. */
    reopen() {
      if (this.touched || !this.scene || !this.opened) return;
      this.open(this.opened[0], this.opened[1]);
      this.on.moved(this.camera);
    }

    /** Show all of the scene, no larger than life. */
    fit() {
      if (!this.scene || !this.width) return;
      const { box } = this.scene;
      this.glides = null;
      const k = Math.min((this.width - 2 * PAD) / (box.x1 - box.x0), (this.height - 2 * PAD - HEAD) / (box.y1 - box.y0), 1);
      this.camera.k = Math.max(MIN_K, k);
      this.centre(box.x0, box.y0);
      this.touched = true;
      this.invalidate();
    }

    /** Bring a card into view without changing the scale, unless it could not be read. */
    show(i) {
      const c = this.scene.cards[i];
      const before = { ...this.camera };
      if (this.camera.k < 0.6) this.camera.k = 0.8;
      this.touched = true;
      this.centre(c.x + c.w / 2, c.y + c.h / 2);
      this.glide(before);
      this.invalidate();
    }

    /** The picture goes to where the camera is already, in a moment: one sees where it was. */
    glide(before) {
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
      this.glides = { before, since: performance.now() };
    }

    /** Where the picture is now, on its way to the camera. */
    shown() {
      const { camera, glides } = this;
      if (!glides) return camera;
      const part = (performance.now() - glides.since) / GLIDE;
      if (part >= 1) {
        this.glides = null;
        return camera;
      }
      const t = 1 - (1 - part) ** 3;
      const between = (name) => glides.before[name] + (camera[name] - glides.before[name]) * t;
      return { x: between("x"), y: between("y"), k: between("k") };
    }

    /** Move to a point, but not so far that room is wasted beside the picture's edge. */
    centre(x, y) {
      const { box } = this.scene;
      const { k } = this.camera;
      const pad = PAD / k;
      const along = (at, from, to, room) => (to - from <= room ? (from + to - room) / 2 : Math.min(Math.max(at - room / 2, from), to - room));
      this.camera.x = along(x, box.x0 - pad, box.x1 + pad, this.width / k);
      this.camera.y = along(y, box.y0 - pad - HEAD / k, box.y1 + pad, this.height / k);
    }

    /** Whether all of the scene can be seen. */
    whole() {
      const { x, y, k } = this.camera;
      const { box } = this.scene;
      return x <= box.x0 && y <= box.y0 && x + this.width / k >= box.x1 && y + this.height / k >= box.y1;
    }

    /** All of the scene on a sheet of its own, drawn before this returns; then as it was. */
    print(on) {
      if (on && !this.printing) {
        this.printing = { camera: { ...this.camera }, touched: this.touched };
        const { box } = this.scene;
        const k = Math.min(1, (PAPER - 2 * PAD) / (box.x1 - box.x0));
        this.size(PAPER, Math.min(PAPER * 0.6, (box.y1 - box.y0) * k + 2 * PAD + HEAD), 2);
        this.fit();
      } else if (!on && this.printing) {
        const { camera, touched } = this.printing;
        this.printing = null;
        this.resize();  // before the camera, which it moves
        Object.assign(this.camera, camera);
        this.touched = touched;
      }
      this.draw();
    }

    zoom(factor, px = this.width / 2, py = this.height / 2) {
      const { camera } = this;
      const k = Math.min(MAX_K, Math.max(MIN_K, camera.k * factor));
      camera.x += px / camera.k - px / k;
      camera.y += py / camera.k - py / k;
      camera.k = k;
      this.moved();
    }

    pan(dx, dy) {
      this.camera.x -= dx / this.camera.k;
      this.camera.y -= dy / this.camera.k;
      this.moved();
    }
  }

  R.camera = { Camera };
})(globalThis.Report);

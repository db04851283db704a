"use strict";
// The one name that the report's scripts share. Each file adds its part to it, and
// uses only what the files before it in SCRIPTS (toolkit/report/page/html.py) have added.
/** @type {any} */ (globalThis).Report = { views: {} };

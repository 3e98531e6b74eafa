// What a script finds beside the language: `console`, chance that is the same each time, and no clock.
// An expression: a function that is given what prints.
(function (print) {
  "use strict";
  const { stringify } = JSON;
  const shown = (value) => {
    if (typeof value === "string") return value;
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    try {
      return stringify(value) ?? String(value);
    } catch {
      return String(value);
    }
  };
  const log = (...values) => print(values.map(shown).join(" ") + "\n");
  globalThis.console = { debug: log, error: log, info: log, log, warn: log };
  globalThis.print = log;

  // Mulberry32, from a fixed seed: a script that goes on must come to where it was.
  let state = 0x9e3779b9;
  Math.random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };

  const Real = Date;
  const refuse = () => {
    throw new Error("`Date` without an argument is not here: a script has no clock of its own");
  };
  const { construct } = Reflect;
  const Dates = new Proxy(Real, {
    apply: refuse,
    construct: (real, given, made) => (given.length === 0 ? refuse() : construct(real, given, made)),
  });
  Real.now = refuse;
  Real.prototype.constructor = Dates;
  globalThis.Date = Dates;
})

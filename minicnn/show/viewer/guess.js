// Which question: is a typed answer right, and if not, which misconception leads to it?
//
// Idea: a field holds the right answer, how far off a typed number may be, and slips: the numbers that well-known misconceptions lead to, each
// with its reason.  What is chosen by chance is drawn from a seed, so that the same page asks the same.
// Cost: none.  What it does not do: ask; questions.js and values.js make the fields.
// Source: mulberry32 by Tommy Ettinger, on a hash by Fowler, Noll and Vo.  Next room: questions.js.

/** A generator of numbers in [0, 1) that gives the same again for the same text (mulberry32 on an FNV hash). */
export function seeded(text) {
  let state = 2166136261;
  for (const letter of text) state = Math.imul(state ^ letter.codePointAt(0), 16777619);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A field of a question; slips that are right by chance are no slips. */
export function fieldOf(label, answer, slips, within = 0) {
  return { label, answer, within, slips: slips.filter(([value]) => Number.isFinite(value) && Math.abs(value - answer) > 2 * within) };
}

/** What a typed text says about a field: {right, says}; says names the slip, where it is a known one. */
export function judged(field, text) {
  const typed = typedNumber(text, field.within === 0);
  if (typed === null) return { right: false, says: `${field.label}: type a number.` };
  const reach = field.within * (1 + 1e-9);
  if (Math.abs(typed - field.answer) <= reach) return { right: true, says: "" };
  const slip = field.slips.find(([value]) => Math.abs(typed - value) <= Math.max(reach, 1e-9 * Math.abs(value)));
  return { right: false, says: `${field.label}: ${slip ? slip[1] : "not yet."}` };
}

/** A number as people type it: a comma for the point, a real minus sign, separators in whole numbers; null for no number. */
export function typedNumber(text, whole = false) {
  let plain = text.trim().replaceAll("−", "-");
  if (whole && /^\d{1,3}([ ,.'\u00a0\u202f]\d{3})+$/.test(plain)) plain = plain.replace(/\D/g, "");
  plain = plain.replace(",", ".");
  return plain !== "" && Number.isFinite(Number(plain)) ? Number(plain) : null;
}

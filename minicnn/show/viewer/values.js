// Which question: what can be asked about one number, so that it can be reckoned from what is shown?
//
// Idea: an explanation has the terms; where they are few the whole number is asked, else what the strongest row or channel adds.  Numbers are
// shown in three digits, so an answer may be off by half of its third digit and by what that rounding makes.
// Cost: none.  What it does not do: ask about layers (questions.js).
// Next room: predict.js.

import { number, real } from "./dom.js";
import { fieldOf } from "./guess.js";
import { divisorOf, groupsOf, lineNumbers, sortOf } from "./walk.js";

/** A question about one number: what it comes to, or, where it has many terms, what some of them add. */
export function valueQuestion(explained) {
  if (!explained) return null;
  const make = {
    winner: largestQuestion,
    average: averageQuestion,
    function: bentQuestion,
    line: lineQuestion,
    window: sumQuestion,
    column: sumQuestion,
  }[sortOf(explained)];
  const made = make ? make(explained) : null;
  const finite = made && made.fields.every((field) => Number.isFinite(field.answer));
  return finite ? { id: "value", ...made } : null;
}

/** A number as it is shown to be reckoned with. */
export function shownNumber(value) {
  return Number(value.toPrecision(3));
}

/** How far a typed number may be off: half of the third digit, and what the rounding of the shown numbers makes. */
function withinOf(answer, fromShown) {
  const digit = answer === 0 ? 0.01 : 10 ** (Math.floor(Math.log10(Math.abs(answer))) - 2);
  return digit / 2 + Math.abs(answer - fromShown);
}

function where(explained) {
  return `${explained.node}, ${explained.at.length === 2 ? `channel ${explained.channel}, row ${explained.at[0]}, column ${explained.at[1]}` : `feature ${explained.channel}`}`;
}

function sumQuestion(explained) {
  const terms = explained.terms.length <= 12 ? groupsOf(explained).flatMap((group) => group.terms) : someTerms(explained);
  const whole = terms.length === explained.terms.length;
  const factors = terms.map((term) => (term.factor === null ? 1 : real(term.factor)));
  const added = (values, weights) => values.reduce((sum, value, place) => sum + value * weights[place], 0);
  const values = terms.map((term) => term.value);
  const bias = whole && explained.bias !== null ? real(explained.bias) : 0;
  const finish = whole ? FINISHES[explained.activation] : FINISHES[null];
  if (!finish) return null;
  const [answer, shown] = [
    finish(added(values, factors) + bias),
    finish(added(values.map(shownNumber), factors.map(shownNumber)) + shownNumber(bias)),
  ];
  const names = terms.map((term) =>
    term.at.length && explained.groups.length === 1 ? `(${term.at.join(", ")})` : `${term.map}[${[term.channel, ...term.at].join(", ")}]`,
  );
  const what = whole ? "What does it come to?" : `What do these ${terms.length} of its ${explained.terms.length} products add up to?`;
  const after = [bias ? `bias ${number(shownNumber(bias))}` : "", whole && explained.activation ? `${explained.activation} at the store` : ""]
    .filter(Boolean)
    .join(", ");
  return {
    title: "What is the number?",
    lines: [`${where(explained)}. ${what}${after ? ` (${after})` : ""} Three digits are enough.`],
    rows: terms.map((term, place) => ({
      name: names[place],
      value: term.padding ? "padding" : number(shownNumber(values[place])),
      factor: number(shownNumber(factors[place])),
    })),
    fields: [
      fieldOf(
        "sum",
        answer,
        [
          [added(values, [...factors].reverse()), "the filter was turned around: it is laid on the patch as it stands (cross-correlation)."],
          [finish(answer - bias === answer ? NaN : added(values, factors)), "that is without the bias."],
          [added(values, factors) + bias, "that is before the activation."],
          [
            added(
              values,
              values.map(() => 1),
            ),
            "each cell is multiplied by its weight first.",
          ],
          [-answer, "the sign is the other way round."],
        ],
        withinOf(answer, shown),
      ),
    ],
    derivation: [
      `${terms.map((term, place) => `${bracketed(values[place])}·${bracketed(factors[place])}`).join(" + ")}${bias ? ` + ${bracketed(bias)}` : ""} ≈ ${number(added(values, factors) + bias)}`,
      ...(whole && explained.activation ? [`${explained.activation}: ${number(answer)}`] : []),
    ],
  };
}

const FINISHES = {
  null: (sum) => sum,
  relu: (sum) => (sum > 0 ? sum : 0),
  relu6: (sum) => Math.min(Math.max(sum, 0), 6),
};

function bracketed(value) {
  return value < 0 ? `(${number(shownNumber(value))})` : number(shownNumber(value));
}

/** Some terms of many: of windows the row of the strongest channel that adds most, else the three that add most. */
function someTerms(explained) {
  const groups = groupsOf(explained);
  const strongest = groups.reduce((most, group) => (Math.abs(group.sum) > Math.abs(most.sum) ? group : most));
  if (strongest.terms.length > 1 && strongest.terms.length <= 9) return strongest.terms;
  if (strongest.terms.length > 1) {
    const rows = Map.groupBy ? [...Map.groupBy(strongest.terms, (term) => term.at[0]).values()] : rowsOf(strongest.terms);
    const size = (row) => Math.abs(row.reduce((sum, term) => sum + term.product, 0));
    return rows.reduce((most, row) => (size(row) > size(most) ? row : most)).slice(0, 12);
  }
  const all = groups.flatMap((group) => group.terms);
  return [...all].sort((a, b) => Math.abs(b.product) - Math.abs(a.product)).slice(0, 3);
}

function rowsOf(terms) {
  const rows = new Map();
  for (const term of terms) rows.set(term.at[0], [...(rows.get(term.at[0]) || []), term]);
  return [...rows.values()];
}

function cellRows(terms) {
  return terms.map((term) => ({ name: `(${term.at.join(", ")})`, value: term.padding ? "padding" : number(shownNumber(term.value)), factor: null }));
}

function largestQuestion(explained) {
  const terms = groupsOf(explained).flatMap((group) => group.terms);
  const inside = terms.filter((term) => !term.padding).map((term) => term.value);
  if (!inside.length || terms.length > 25) return null;
  const answer = real(explained.stored);
  return {
    title: "What is the number?",
    lines: [`${where(explained)}: the largest of a window. Which number is handed on?`],
    rows: cellRows(terms),
    fields: [
      fieldOf(
        "largest",
        answer,
        [
          [inside.reduce((sum, value) => sum + value, 0) / inside.length, "that is the average of the window."],
          [Math.min(...inside), "that is the smallest."],
          [Math.max(...inside.map(Math.abs)), "the largest, not the one furthest from 0: signs count."],
          ...(inside.length < terms.length ? [[0, "padding never wins: it counts as −∞ here, not as 0."]] : []),
        ],
        withinOf(answer, shownNumber(answer)),
      ),
    ],
    derivation: [`the largest of ${inside.map((value) => number(shownNumber(value))).join(", ")} is ${number(answer)}`],
  };
}

function averageQuestion(explained) {
  const terms = groupsOf(explained).flatMap((group) => group.terms);
  if (terms.length > 12) return null;
  const divisor = divisorOf(explained);
  const inside = terms.filter((term) => !term.padding);
  const total = (values) => values.reduce((sum, value) => sum + value, 0);
  const [sum, shown] = [total(inside.map((term) => term.value)), total(inside.map((term) => shownNumber(term.value)))];
  const other = divisor === terms.length ? inside.length : terms.length;
  return {
    title: "What is the number?",
    lines: [`${where(explained)}: the average of a window; ${explained.notes.join("; ")}. Three digits are enough.`],
    rows: cellRows(terms),
    fields: [
      fieldOf(
        "average",
        sum / divisor,
        [
          [sum, "that is the sum: an average divides it by the count."],
          [sum / other, `here the sum is divided by ${divisor}: ${explained.notes[0] || ""}.`],
          [Math.max(...inside.map((term) => term.value)), "that is the largest of the window."],
        ],
        withinOf(sum / divisor, shown / divisor),
      ),
    ],
    derivation: [`(${inside.map((term) => bracketed(term.value)).join(" + ")}) / ${divisor} ≈ ${number(sum / divisor)}`],
  };
}

function bentQuestion(explained) {
  const [x, answer] = [real(explained.terms[0].value), real(explained.stored)];
  if (!/^y = (max\(x, 0\)|min\(max\(x, 0\), 6\))$/.test(explained.equation)) return null;
  return {
    title: "What is the number?",
    lines: [`${where(explained)}: ${explained.equation}, and x = ${number(shownNumber(x))}. What comes out?`],
    fields: [
      fieldOf(
        "y",
        answer,
        [
          [x, x > 6 ? "this one also cuts off above 6." : "a number below 0 is not handed on: it becomes 0."],
          [Math.abs(x), "the sign is not dropped: a number below 0 becomes 0."],
          [0, "only numbers below 0 become 0."],
        ],
        withinOf(answer, answer === 0 ? 0 : shownNumber(answer)),
      ),
    ],
    derivation: [explained.worked],
  };
}

function lineQuestion(explained) {
  const of = lineNumbers(explained.worked);
  if (!of) return null;
  const reckoned = ({ weight, x, mean, sigma, bias }) => (weight * (x - mean)) / sigma + bias;
  const rounded = Object.fromEntries(Object.entries(of).map(([name, value]) => [name, shownNumber(value)]));
  const shown = reckoned({ ...rounded, sigma: Math.sqrt(rounded.variance + rounded.eps) });
  const answer = real(explained.result);
  const { weight, x, mean, variance, bias } = rounded;
  return {
    title: "What is the number?",
    lines: [
      `${where(explained)}: weight · (x − mean) / √(variance + eps) + bias.`,
      `x = ${number(x)}, mean ${number(mean)}, variance ${number(variance)}, eps ${of.eps}, weight ${number(weight)}, bias ${number(bias)}. Three digits are enough.`,
    ],
    fields: [
      fieldOf(
        "y",
        answer,
        [
          [reckoned({ ...of, sigma: of.variance + of.eps }), "divided by the variance; it is divided by its square root, the deviation."],
          [reckoned({ ...of, mean: 0 }), "the mean was not taken away."],
          [reckoned({ ...of, bias: 0 }), "that is without the bias."],
          [reckoned({ ...of, weight: 1 }), "that is without the weight."],
        ],
        withinOf(answer, shown),
      ),
    ],
    derivation: [explained.worked],
  };
}

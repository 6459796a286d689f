// Which question: what does a typed answer mean, and is it right?
//
// Idea: what was typed becomes numbers, and numbers are compared, never spellings.
//
// Cost: none.  What it does not do: arithmetic, numbers in words.
// Next rooms: cell.js; typed.py, which reads the same in a terminal.

/** Return {kind and numbers, word or members} of a text beside a right answer, or {hint}: what to type instead. */
function read(text, answer, form) {
  const wanted = { integer: "one whole number", numbers: `${answer.numbers?.length} whole numbers`, real: "one number", set: "each place in brackets", word: "a word" }[answer.kind];
  const hint = (why) => ({ hint: `${why}${why && " "}Type ${wanted}${form ? `, such as ${form}` : ""}.` });
  const plain = text.replace(/−/g, "-").replace(/\s+/g, " ").trim();
  if (!plain) return hint("");
  if (answer.kind === "word") return { word: words(plain) };
  if (answer.kind === "set") return members(plain) ?? hint(`“${plain}” is not read as places.`);
  const found = answer.kind === "numbers" ? several(plain) : single(plain, answer.kind === "real") ?? several(plain);
  if (!found) return hint(`“${plain}” is not read as ${answer.kind === "numbers" ? "numbers" : "a number"}.`);
  return { numbers: found.length === 1 && answer.numbers.length === 2 ? [...found, ...found] : found }; // 8 is said of a square
}

/** Return a text without what makes no difference between words. */
function words(text) {
  return text.toLowerCase().replace(/×/g, "x").replace(/\s+/g, "");
}

/** Return [number] of "1728", "1,728", "1 728", "1728 px", and of "0.25", "0,25", "1/4" or "25 %" where decimals are asked for. */
function single(text, decimals) {
  const bare = text.replace(/^[=([ ]+/, "").replace(/[)\], ]+$/, "");
  const [, number, unit] = /^([-+]?[\d.,'’_ /]*\d\.?(?:e[-+]?\d+)?)(.*)$/i.exec(bare) ?? [];
  if (!number || !(decimals ? /^[\p{L}\s.%]*$/u : /^[\p{L}\s.]*$/u).test(unit)) return null;
  if (/^[-+]?\d{1,3}([,_ '’])\d{3}(\1\d{3})*(\.\d+)?$/.test(number) && !(decimals && /^[-+]?0/.test(number))) return [Number(number.replace(/[,_ '’]/g, ""))];
  if (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(number)) return [Number(number)];
  if (decimals && /^[-+]?\d+,\d+$/.test(number)) return [Number(number.replace(",", "."))];
  const [, above, below] = (decimals && /^([-+]?[\d.]+) ?\/ ?([\d.]+)$/.exec(number)) || [];
  return Number(below) ? [Number(above) / Number(below)] : null;
}

/** Return the numbers of "8x9", "(8, 9)", "8,9", "8 × 9" or "8 by 9". */
function several(text) {
  const bare = text.replace(/^[([ ]+/, "").replace(/[)\], ]+$/, "");
  const parts = bare.split(/ ?(?:[x×*,;]|by|and) ?| /i);
  return parts.every((part) => /^[-+]?\d+(\.\d+)?$/.test(part)) ? parts.map(Number) : null;
}

/** Return the places of "(0, 1) (2, 3)", "0,1; 2,3", "0,1 2,3" or "none", in order. */
function members(text) {
  if (["none", "nothing", "{}", "()", "-", "∅", "empty"].includes(text.toLowerCase())) return { members: [] };
  const bare = text.replace(/^[{ ]+|[} ]+$/g, "");
  const found = groups(bare).map((each) => several(each.trim()));
  return found.every(Boolean) ? { members: ordered(found) } : null;
}

function groups(text) {
  if (/[([]/.test(text)) return text.replace(/[)\]][ ,;]*(?=[([]|$)/g, "|").split("|").filter(Boolean);
  return text.includes(";") ? text.split(";").filter((each) => each.trim()) : text.replace(/ ?([,x×]) ?/g, "$1").split(" ");
}

/** Return lists of numbers, each once, as Python orders tuples. */
function ordered(all) {
  const before = (a, b) => {
    const at = a.findIndex((n, place) => n !== b[place]);
    return at < 0 ? a.length - b.length : a[at] - (b[at] ?? -Infinity);
  };
  return [...new Map(all.map((each) => [each.join(), each])).values()].sort(before);
}

/** Tell whether what was read is this answer; real numbers may differ by half a step of their last digit. */
function same(found, answer) {
  if (answer.kind === "word") return found.word === words(answer.word);
  if (answer.kind === "set") return JSON.stringify(found.members) === JSON.stringify(answer.members);
  const within = (answer.within ?? 0) * (1 + 1e-9);
  return found.numbers?.length === answer.numbers.length && found.numbers.every((n, at) => Math.abs(n - answer.numbers[at]) <= within);
}

/** Return what is to be said of a text: {hint}, {right: true} or {right: false, says}. */
function judged(text, { answer, wrong, form }) {
  const found = read(text, answer, form);
  if (found.hint) return found;
  if (same(found, answer)) return { right: true };
  const known = wrong.find((each) => same(found, each.value));
  if (known) return { right: false, says: known.says };
  const [wanted, given] = [answer.numbers?.length, found.numbers?.length];
  if (wanted !== given) return { hint: `${given === 1 ? "That is one number" : `Those are ${given} numbers`}, but ${wanted === 1 ? "one is" : `${wanted} are`} asked for. Type ${wanted === 1 ? "it" : "them"} as in ${form}.` };
  return rounded(text, found, answer) ? { hint: `${text.trim()} is right as far as it goes; more digits are asked for, as in ${form}.` } : { right: false, says: "" };
}

/** Tell whether a decimal number is the answer rounded to fewer digits. */
function rounded(text, found, answer) {
  const digits = /^-?\d+\.(\d+)$/.exec(text.trim());
  return answer.kind === "real" && digits && Math.abs(found.numbers[0] - answer.numbers[0]) <= 0.5 * 10 ** -digits[1].length;
}

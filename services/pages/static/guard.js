// The privacy guard on the phone: the same rules as the server's (guard.json), the same answers (shared texts hold them).
const LETTERS = "0-9A-Za-zÅÄÖåäöÉéÜüØøÆæ_";
const CONTEXT = 40;
let loading;

function compile(read) {
  const lists = Object.entries(read.lists).map(([name, words]) => [`{${name}}`, words.split(" ").sort((a, b) => b.length - a.length).join("|")]);
  const expression = (rule, key, flags = "") => {
    if (rule[key] === undefined) return null;
    let written = rule[key];
    for (const [name, words] of lists) written = written.replaceAll(name, words);
    written = written.replaceAll("⟨", `(?<![${LETTERS}])`).replaceAll("⟩", `(?![${LETTERS}])`).replaceAll("\\w", `[${LETTERS}]`);
    return new RegExp(written, (rule.case ? "" : "i") + flags);
  };
  return read.rules.map((rule) => ({
    ...rule, pattern: expression(rule, "pattern", "g"),
    not_match: expression(rule, "not_match"), not_before: expression(rule, "not_before"), not_after: expression(rule, "not_after"),
  }));
}

const rules = () => {
  loading ??= fetch("/static/guard.json").then((answer) => answer.json()).then(compile);
  return loading;
};

export const plain = (text) =>
  text
    .normalize("NFC")
    .replace(/[\t\n\r\u00a0\u2000-\u200a\u202f\u205f\u3000]/g, " ")
    .replace(/[\u2010-\u2015\u2212]/g, "-")
    .replace(/[\u00ad\u200b-\u200d\u2060\ufeff]/g, "");

function isPersonnummer(written) {
  const digits = [...written.replace(/\D/g, "").slice(-10)].map(Number);
  const month = digits[2] * 10 + digits[3];
  const day = (digits[4] * 10 + digits[5]) % 60 || digits[4] * 10 + digits[5];
  const total = digits.slice(0, 9).reduce((sum, digit, i) => {
    const product = digit * (i % 2 ? 1 : 2);
    return sum + (product > 9 ? product - 9 : product);
  }, 0);
  return month >= 1 && month <= 12 && day >= 1 && day <= 31 && (10 - (total % 10)) % 10 === digits[9];
}

function allows(rule, text, match) {
  const end = match.index + match[0].length;
  if (rule.check === "luhn" && !isPersonnummer(match[0])) return false;
  if (rule.not_match?.test(match[0])) return false;
  if (rule.not_before?.test(text.slice(Math.max(0, match.index - CONTEXT), match.index))) return false;
  return !rule.not_after?.test(text.slice(end, end + CONTEXT));
}

// What a text holds that should not be there: {code, name, sure, word}, rule by rule.
export async function findings(text) {
  const read = plain(text);
  const found = [];
  for (const rule of await rules()) {
    for (const match of read.matchAll(rule.pattern)) {
      if (allows(rule, read, match)) found.push({ code: rule.code, name: rule.name, sure: rule.sure, word: match[0].trim() });
    }
  }
  return found;
}

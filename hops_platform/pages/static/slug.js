// A project's name made from its title: hops_contract/slugs.py, law 1.

export const LONGEST = 30;

// Letters that Unicode takes for whole.
const UNDECOMPOSED = { ß: "ss", æ: "ae", œ: "oe", ø: "o", ł: "l", đ: "d", ð: "d", þ: "th" };

export function slugOf(title) {
  const lower = title.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const plain = lower.replace(/[ßæœøłđðþ]/g, (letter) => UNDECOMPOSED[letter]);
  const joined = plain.replace(/[^a-z0-9]+/g, "-").replace(/^[^a-z]+/, "");
  return joined.slice(0, LONGEST).replace(/-+$/, "");
}

export const isSlug = (text) => text.length <= LONGEST && /^[a-z](?:[a-z0-9]|-(?!-))*$/.test(text) && !text.endsWith("-");

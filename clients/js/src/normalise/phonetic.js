/** How a name sounds (normalisation-v1, section 5): 27 rewrites in order, then the first five letters. */

/** Each pattern and what replaces all its matches, in order. */
export const REWRITES = [
  [/[^a-z]/g, ""],
  [/ij/g, "y"],
  [/^dz?j/g, "j"],
  [/^ou(?=[aeiouy])/g, "w"],
  [/^i(?=[aeou])/g, "j"],
  [/^y(?=[aeiou])/g, "j"],
  [/tsch|tch|tsj|sch|sh|sj|sz|cz|zh|zj/g, "s"],
  [/^ch(?=[rl])/g, "k"],
  [/ch(?=t)/g, "g"],
  [/gch/g, "g"],
  [/ch/g, "s"],
  [/ph/g, "f"],
  [/th|dt/g, "t"],
  [/gh/g, "g"],
  [/kh/g, "k"],
  [/ck|cq|qu|q/g, "k"],
  [/c(?=[eiy])/g, "s"],
  [/c/g, "k"],
  [/x/g, "ks"],
  [/z/g, "s"],
  [/v/g, "f"],
  [/(.)\1+/g, "$1"],
  [/^(.{3,})en$/g, "$1"],
  [/d(?=s?$)/g, "t"],
  [/b$/g, "p"],
  [/^[aeiouy]|^j(?![aeiouy])/g, "a"],
  [/(?<=.)[aeiouyjhw]/g, ""],
];

/** The phonetic code of one value, "" where it holds no letter. */
export const phonetic = (value) =>
  REWRITES.reduce((text, [pattern, by]) => text.replace(pattern, by), value).slice(0, 5);

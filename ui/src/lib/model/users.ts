// What the users' page reads and makes of what people type.

/** The keys in a text with commas; `null` when one is no key (ground::access::Companies says what a key is). */
export function readCompanies(text: string): string[] | null {
  const keys = [...new Set(text.split(/[,\s]+/).filter((key) => key !== ''))];
  return keys.length <= 100 && keys.every((key) => /^[A-Za-z0-9.:_-]{1,64}$/.test(key)) ? keys : null;
}

/** Whether it could be an e-mail address; the server says the last word. */
export const looksLikeEmail = (text: string) => /^\S+@\S+$/.test(text.trim());

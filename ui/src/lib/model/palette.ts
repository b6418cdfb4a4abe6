// Which commands a typed text means: every word of it begins a word of the command, those that begin with it first.

const words = (text: string) =>
  text
    .normalize('NFD')
    .replace(/\p{Diacritic}/gu, '')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);

export function matching<C extends { text: string }>(commands: readonly C[], typed: string): C[] {
  const asked = words(typed);
  const fits = commands.filter((command) => {
    const own = words(command.text);
    return asked.every((word) => own.some((other) => other.startsWith(word)));
  });
  const first = asked[0];
  if (first === undefined) return fits;
  const begins = (command: C) => (words(command.text)[0]?.startsWith(first) ? 0 : 1);
  return fits.toSorted((a, b) => begins(a) - begins(b));
}

// What a person decides of a record that was changed here and in Twenty, and which changes are still on their way.
import type { Clash, Conflict, Edit } from '../api/types';
import { T } from '../texts';

export type Side = 'here' | 'there';
/** Field -> whose value stays. */
export type Choices = Record<string, Side>;
/** Field -> the choice, and between which two values it was made. */
export type Picked = Readonly<Record<string, { side: Side; between: string }>>;

const between = (clash: Clash) => JSON.stringify([clash.here.value ?? null, clash.there.value ?? null]);

export const pick = (picked: Picked, clash: Clash, side: Side): Picked => ({
  ...picked,
  [clash.field]: { side, between: between(clash) },
});

/** The choices that still stand: one that was made between other values than those shown now was not made on these. */
export function standing(picked: Picked, fields: readonly Clash[]): Choices {
  const choices: Choices = {};
  for (const clash of fields) {
    const it = picked[clash.field];
    if (it && it.between === between(clash)) choices[clash.field] = it.side;
  }
  return choices;
}

/** What is sent: fields without a choice are not named and wait on. `null` when nothing was chosen. */
export const decision = (choices: Choices): { fields: Choices } | null =>
  Object.keys(choices).length > 0 ? { fields: { ...choices } } : null;

/** The refusal says that the conflict, or these fields of it, are no longer there to decide. */
export const movedOn = (problem: { status: number; errors: readonly { field: string }[] }): boolean =>
  [404, 409, 412].includes(problem.status) ||
  (problem.status === 400 && problem.errors.some(({ field }) => field === 'choose'));

/** "Name · firstName" of the server, with the part in words. */
export function fieldName(field: string, label: string): string {
  const part = field.split('.')[1];
  const words = part === undefined ? undefined : T.sync.parts[part];
  return words !== undefined && label.endsWith(part!) ? label.slice(0, -part!.length) + words : label;
}

/** Which record: its name, or what it is when it has none. */
export const recordName = ({ object, label }: Pick<Conflict, 'object' | 'label'>): string =>
  label ?? T.sync.unnamed(T.journal.one[object] ?? object);

/** A change in conflict is shown with its conflict, where it is decided. */
export const onTheirWay = (edits: readonly Edit[]): Edit[] =>
  edits.filter((edit) => edit.state !== 'conflict');

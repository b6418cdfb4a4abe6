// Which buttons a role is shown. The server decides; this only spares people what it would refuse.

/** `edit`: change records of Twenty and take such a change back. `decide`: decide a conflict. */
export type Right = 'edit' | 'decide';

/** A role that is not named here looks only. */
const RIGHTS = new Map<string, readonly Right[]>([['admin', ['edit', 'decide']]]);

export const may = (role: string, right: Right): boolean => RIGHTS.get(role)?.includes(right) ?? false;

// The keyboard and selection of a table of rows, as a pure machine: step(state, event) -> state and what to do.

export interface GridState {
  /** The ids in the order shown. */
  rows: readonly string[];
  /** The row that holds the one tab stop. */
  at: string | null;
  picked: ReadonlySet<string>;
  /** Where a range began (shift). */
  anchor: string | null;
}

export type GridEvent =
  | { type: 'rows'; rows: readonly string[] }
  | { type: 'key'; key: string; shift?: boolean; ctrl?: boolean }
  | { type: 'focus'; id: string }
  | { type: 'toggle'; id: string; range?: boolean }
  | { type: 'all' }
  | { type: 'none' };

export type GridAct =
  | { act: 'none' }
  | { act: 'focus'; id: string }
  | { act: 'open'; id: string }
  | { act: 'mark'; ids: string[] }
  | { act: 'more' };

export const emptyGrid: GridState = { rows: [], at: null, picked: new Set(), anchor: null };

const nothing: GridAct = { act: 'none' };

export function step(state: GridState, event: GridEvent): [GridState, GridAct] {
  switch (event.type) {
    case 'rows':
      return [withRows(state, event.rows), nothing];
    case 'focus':
      return state.rows.includes(event.id) ? [{ ...state, at: event.id }, nothing] : [state, nothing];
    case 'toggle':
      return [toggled(state, event.id, event.range ?? false), nothing];
    case 'all':
      return [{ ...state, picked: new Set(state.rows) }, nothing];
    case 'none':
      return [{ ...state, picked: new Set(), anchor: null }, nothing];
    case 'key':
      return key(state, event);
  }
}

function key(
  state: GridState,
  event: { key: string; shift?: boolean; ctrl?: boolean },
): [GridState, GridAct] {
  const last = state.rows.length - 1;
  if (last < 0) return [state, nothing];
  const index = state.at === null ? -1 : state.rows.indexOf(state.at);
  const to = (wanted: number): [GridState, GridAct] => {
    const id = state.rows[Math.max(0, Math.min(last, wanted))] as string;
    const moved = { ...state, at: id };
    if (wanted > last && index === last) return [moved, { act: 'more' }];
    return [
      event.shift && index >= 0 ? ranged(moved, state.anchor ?? state.at, id) : moved,
      { act: 'focus', id },
    ];
  };
  if (event.ctrl && event.key.toLowerCase() === 'a')
    return [{ ...state, picked: new Set(state.rows) }, nothing];
  if (event.ctrl && event.key !== 'Home' && event.key !== 'End') return [state, nothing];
  switch (event.key) {
    case 'ArrowDown':
    case 'j':
    case 'J':
      return to(index + 1);
    case 'ArrowUp':
    case 'k':
    case 'K':
      return to(index < 0 ? 0 : index - 1);
    case 'PageDown':
      return to(Math.min(last, index + 10));
    case 'PageUp':
      return to(index - 10);
    case 'Home':
      return to(0);
    case 'End':
      return to(last);
    case 'Escape':
      return [{ ...state, picked: new Set(), anchor: null }, nothing];
  }
  if (index < 0) return [state, nothing];
  const at = state.at as string;
  switch (event.key) {
    case 'Enter':
      return [state, { act: 'open', id: at }];
    case 'x':
    case ' ':
      return [toggled(state, at, false), nothing];
    case 'm': {
      const ids = state.picked.size ? state.rows.filter((id) => state.picked.has(id)) : [at];
      return [state, { act: 'mark', ids }];
    }
  }
  return [state, nothing];
}

/** New rows keep the focus where it was, or on the row that took its place; picks of vanished rows are dropped. */
function withRows(state: GridState, rows: readonly string[]): GridState {
  const here = new Set(rows);
  const picked = new Set([...state.picked].filter((id) => here.has(id)));
  let at = state.at;
  if (at !== null && !here.has(at)) {
    const index = state.rows.indexOf(at);
    at = rows[Math.min(index, rows.length - 1)] ?? null;
  }
  return { rows, at, picked, anchor: state.anchor !== null && here.has(state.anchor) ? state.anchor : null };
}

function toggled(state: GridState, id: string, range: boolean): GridState {
  if (range && state.anchor !== null) return ranged({ ...state, at: id }, state.anchor, id);
  const picked = new Set(state.picked);
  if (!picked.delete(id)) picked.add(id);
  return { ...state, at: id, picked, anchor: id };
}

function ranged(state: GridState, from: string | null, to: string): GridState {
  const a = state.rows.indexOf(from ?? to);
  const b = state.rows.indexOf(to);
  const picked = new Set(state.picked);
  for (const id of state.rows.slice(Math.min(a, b), Math.max(a, b) + 1)) picked.add(id);
  return { ...state, picked, anchor: from ?? to };
}
